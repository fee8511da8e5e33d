# SPDX-License-Identifier: Apache-2.0
"""Deep Residual U-Net (Zhang, Liu, Wang 2018, table 1), with the changes that the QIMS paper makes to it."""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from compare import Case, made, normal
from layers import conv, linear, norm, up_conv
from torch import Tensor, nn

AGAINST = "PyTorch, from the paper's table 1"
RATES = (1, 5, 10, 15)


class Separable(nn.Module):
    """3×3 for each channel alone, then 1×1 across channels."""

    def __init__(self, dims: int, inp: int, out: int, stride: int) -> None:
        super().__init__()
        self.depthwise = conv(dims, inp, inp, stride=stride, groups=inp, bias=False)
        self.pointwise = conv(dims, inp, out, kernel=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.depthwise(x))


class Pyramid(nn.Module):
    """A 3×3 at each rate, side by side, then 1×1."""

    def __init__(self, dims: int, inp: int, out: int, rates: Iterable[int] = RATES) -> None:
        super().__init__()
        self.rates = list(rates)
        for i, rate in enumerate(self.rates, 1):
            self.add_module(f"conv{i}", conv(dims, inp, out, dilation=rate, bias=False))
            self.add_module(f"norm{i}", norm(dims, out))
        self.project = conv(dims, out * len(self.rates), out, kernel=1, bias=False)
        self.project_norm = norm(dims, out)

    def forward(self, x: Tensor) -> Tensor:
        branches = [F.relu_(self.get_submodule(f"norm{i}")(self.get_submodule(f"conv{i}")(x)))
                    for i in range(1, len(self.rates) + 1)]
        return F.relu_(self.project_norm(self.project(torch.cat(branches, 1))))


class Unit(nn.Module):
    """Twice norm-relu-conv, beside a convolution with norm. The network's first unit begins with its convolution."""

    def __init__(self, dims: int, inp: int, out: int, stride: int = 1, first: bool = False, separable: bool = False,
                 kernel: int = 1) -> None:
        super().__init__()
        if not first:
            self.norm1 = norm(dims, inp)
        self.conv1 = Separable(dims, inp, out, stride) if separable else conv(dims, inp, out, stride=stride, bias=False)
        self.norm2, self.conv2 = norm(dims, out), conv(dims, out, out, bias=False)
        self.shortcut = conv(dims, inp, out, kernel=kernel, stride=stride, bias=False)
        self.shortcut_norm = norm(dims, out)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.relu_(self.norm1(x)) if hasattr(self, "norm1") else x)
        y = self.conv2(F.relu_(self.norm2(y))) + self.shortcut_norm(self.shortcut(x))
        return self.aspp(y) if hasattr(self, "aspp") else y


class ResUNet(nn.Module):
    """S1 … S(depth) down by stride, the rest up. In the decoder, what comes from below is before the skip."""

    def __init__(self, dims: int = 2, channels: int = 1, width: int = 64, depth: int = 5, shortcut: str = "1x1",
                 up: str = "bilinear", separable: bool = False, aspp: bool = False, aspp_apart: bool = False,
                 aspp_rates: Iterable[int] = RATES) -> None:
        super().__init__()
        self.depth = depth
        widths, kernel = [width << i for i in range(depth)], 3 if shortcut == "3x3" else 1
        for i, (inp, out) in enumerate(zip([channels, *widths], widths)):
            down = i > 0
            self.add_module(f"S{i + 1}", Unit(dims, inp, out, 2 if down else 1, not down, separable and down, kernel))
        for i, (below, out) in enumerate(zip(widths[:0:-1], widths[-2::-1])):
            stage = Unit(dims, below + out, out, kernel=kernel)
            if up == "transposed":
                stage.up = up_conv(dims, below, below)
            self.add_module(f"S{depth + i + 1}", stage)
        if aspp:
            bridge = Pyramid(dims, widths[-1], widths[-1], aspp_rates)
            (self if aspp_apart else self.get_submodule(f"S{depth}")).add_module("aspp", bridge)
            self.get_submodule(f"S{2 * depth - 1}").aspp = Pyramid(dims, width, width, aspp_rates)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        out = {}
        for i in range(1, self.depth + 1):
            x = out[f"S{i}"] = self.get_submodule(f"S{i}")(x)
        if hasattr(self, "aspp"):
            x = out["aspp"] = self.aspp(x)
        for i in range(self.depth + 1, 2 * self.depth):
            stage, skip = self.get_submodule(f"S{i}"), out[f"S{2 * self.depth - i}"]
            if hasattr(stage, "up"):
                x = stage.up(x)
            if x.shape[2:] != skip.shape[2:]:
                x = linear(x, skip.shape[2:])
            x = out[f"S{i}"] = stage(torch.cat([x, skip], 1))
        return out


def cases() -> list[Case]:
    def case(x: Tensor, train: bool, **options: object) -> Case:
        peer = made(lambda: ResUNet(dims=x.dim() - 2, channels=x.shape[1], **options))
        return Case("backbone/resunet", AGAINST, peer, {"x": x}, options, train=train)

    qims = {"separable": True, "aspp": True}
    return [
        case(normal(2, 1, 64, 64), False, width=16, depth=4),
        case(normal(2, 1, 64, 64), True, width=16, depth=4),
        case(normal(2, 1, 64, 64), False, width=8, **qims),
        case(normal(2, 1, 64, 64), True, width=8, **qims),
        case(normal(2, 1, 64, 64), False, width=8, aspp_apart=True, aspp_rates=[1, 2, 3], **qims),
        case(normal(2, 3, 45, 39), False, width=8, depth=4, shortcut="3x3", up="transposed"),
        case(normal(2, 1, 12, 20, 17), True, width=4, depth=3, separable=True),
    ]
