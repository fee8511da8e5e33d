# SPDX-License-Identifier: Apache-2.0
"""ResUNet++ (Jha et al. 2019) from the block list of its authors' code: squeeze-excite, ASPP, attention."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from compare import Case, made, normal
from layers import conv, max_pool, norm
from torch import Tensor, nn

AGAINST = "PyTorch, from the authors' block list"
RATES = (1, 6, 12, 18)


class Excite(nn.Module):
    """Channels weighted by a sigmoid of two layers on their means."""

    def __init__(self, channels: int, ratio: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // ratio, bias=False)
        self.excite = nn.Linear(channels // ratio, channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        factor = torch.sigmoid(self.excite(F.relu(self.squeeze(x.flatten(2).mean(2)))))
        return torch.einsum("nc...,nc->nc...", x, factor)


class Unit(nn.Module):
    """Twice norm-relu-conv (the stem without the first norm-relu), beside a 1×1 with norm; then squeeze-excite."""

    def __init__(self, dims: int, inp: int, out: int, stride: int, ratio: int, stem: bool = False) -> None:
        super().__init__()
        if not stem:
            self.norm1 = norm(dims, inp)
        self.conv1, self.norm2 = conv(dims, inp, out, stride=stride), norm(dims, out)
        self.conv2 = conv(dims, out, out)
        self.shortcut, self.shortcut_norm = conv(dims, inp, out, kernel=1, stride=stride), norm(dims, out)
        self.squeeze = Excite(out, ratio)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.relu(self.norm1(x)) if hasattr(self, "norm1") else x)
        return self.squeeze(self.conv2(F.relu(self.norm2(y))) + self.shortcut_norm(self.shortcut(x)))


class Pyramid(nn.Module):
    """A 3×3 with norm at each rate, without ReLU; their sum; 1×1."""

    def __init__(self, dims: int, inp: int, out: int) -> None:
        super().__init__()
        for i, rate in enumerate(RATES, 1):
            self.add_module(f"conv{i}", conv(dims, inp, out, dilation=rate))
            self.add_module(f"norm{i}", norm(dims, out))
        self.project = conv(dims, out, out, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        total = sum(self.get_submodule(f"norm{i}")(self.get_submodule(f"conv{i}")(x)) for i in range(1, len(RATES) + 1))
        return self.project(total)


class Step(nn.Module):
    """Norm-relu-conv."""

    def __init__(self, dims: int, inp: int, out: int) -> None:
        super().__init__()
        self.norm, self.conv = norm(dims, inp), conv(dims, inp, out)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.relu(self.norm(x)))


class Attention(nn.Module):
    """x times a factor for each of its values, from x and from the skip at half its size."""

    def __init__(self, dims: int, skip: int, channels: int) -> None:
        super().__init__()
        self.of_skip, self.of_x = Step(dims, skip, channels), Step(dims, channels, channels)
        self.of_both = Step(dims, channels, channels)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return x * self.of_both(max_pool(self.of_skip(skip)) + self.of_x(x))


class ResUNetPlusPlus(nn.Module):
    """S1 stem, S2 … S4 down, S5 the bridge, S6 … S8 up, S9 the second pyramid."""

    def __init__(self, dims: int = 2, channels: int = 1, width: int = 16, squeeze: int = 8,
                 attention: bool = True) -> None:
        super().__init__()
        w = [width << i for i in range(5)]
        self.S1 = Unit(dims, channels, w[0], 1, squeeze, stem=True)
        self.S2 = Unit(dims, w[0], w[1], 2, squeeze)
        self.S3 = Unit(dims, w[1], w[2], 2, squeeze)
        self.S4 = Unit(dims, w[2], w[3], 2, squeeze)
        self.S5 = Pyramid(dims, w[3], w[4])
        self.S6 = Unit(dims, w[4] + w[2], w[3], 1, squeeze)
        self.S7 = Unit(dims, w[3] + w[1], w[2], 1, squeeze)
        self.S8 = Unit(dims, w[2] + w[0], w[1], 1, squeeze)
        self.S9 = Pyramid(dims, w[1], w[0])
        if attention:
            self.S6.attention = Attention(dims, w[2], w[4])
            self.S7.attention = Attention(dims, w[1], w[3])
            self.S8.attention = Attention(dims, w[0], w[2])

    def up(self, stage: Unit, x: Tensor, skip: Tensor) -> Tensor:
        if hasattr(stage, "attention"):
            x = stage.attention(x, skip)
        return stage(torch.cat([F.interpolate(x, scale_factor=2, mode="nearest"), skip], 1))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        out = {"S1": self.S1(x)}
        for i in range(2, 6):
            out[f"S{i}"] = self.get_submodule(f"S{i}")(out[f"S{i - 1}"])
        out["S6"] = self.up(self.S6, out["S5"], out["S3"])
        out["S7"] = self.up(self.S7, out["S6"], out["S2"])
        out["S8"] = self.up(self.S8, out["S7"], out["S1"])
        out["S9"] = self.S9(out["S8"])
        return out


def cases() -> list[Case]:
    def case(x: Tensor, train: bool, attention: bool = True, **options: object) -> Case:
        peer = made(lambda: ResUNetPlusPlus(x.dim() - 2, x.shape[1], attention=attention, **options))
        if not attention:
            options["attention"] = "none"
        return Case("backbone/resunetpp", AGAINST, peer, {"x": x}, options, train=train)

    return [
        case(normal(2, 3, 64, 64), False),
        case(normal(2, 1, 64, 64), True),
        case(normal(2, 1, 64, 64), False, attention=False, width=8, squeeze=4),
        case(normal(2, 1, 16, 24, 16), True, width=8),
    ]
