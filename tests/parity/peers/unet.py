# SPDX-License-Identifier: Apache-2.0
"""U-Net (Ronneberger, Fischer, Brox 2015, figure 1) with 'same' padding and batch norm."""

from __future__ import annotations

import torch.nn.functional as F
from compare import Case, made, normal
from layers import beside, conv, max_pool, norm, up_conv
from torch import Tensor, nn

AGAINST = "PyTorch, from the paper's figure 1"


class Double(nn.Module):
    """Two times conv-norm-relu."""

    def __init__(self, dims: int, inp: int, out: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = conv(dims, inp, out, bias=False), norm(dims, out)
        self.conv2, self.norm2 = conv(dims, out, out, bias=False), norm(dims, out)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu_(self.norm2(self.conv2(F.relu_(self.norm1(self.conv1(x))))))


class UNet(nn.Module):
    """S1 … S(depth) down, the rest up."""

    def __init__(self, dims: int = 2, channels: int = 1, width: int = 64, depth: int = 5,
                 up: str = "transposed") -> None:
        super().__init__()
        self.depth = depth
        widths = [width << i for i in range(depth)]
        for i, (inp, out) in enumerate(zip([channels, *widths], widths)):
            self.add_module(f"S{i + 1}", Double(dims, inp, out))
        for i, (below, out) in enumerate(zip(widths[:0:-1], widths[-2::-1])):
            stage = Double(dims, 2 * out if up == "transposed" else below + out, out)
            if up == "transposed":
                stage.up = up_conv(dims, below, out)
            self.add_module(f"S{depth + i + 1}", stage)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        out = {"S1": self.S1(x)}
        for i in range(2, self.depth + 1):
            out[f"S{i}"] = self.get_submodule(f"S{i}")(max_pool(out[f"S{i - 1}"]))
        for i in range(self.depth + 1, 2 * self.depth):
            stage, below = self.get_submodule(f"S{i}"), out[f"S{i - 1}"]
            skip = out[f"S{2 * self.depth - i}"]
            out[f"S{i}"] = stage(beside(skip, stage.up(below) if hasattr(stage, "up") else below))
        return out


def cases() -> list[Case]:
    def case(x: Tensor, train: bool, **options: object) -> Case:
        peer = made(lambda: UNet(dims=x.dim() - 2, channels=x.shape[1], **options))
        return Case("backbone/unet", AGAINST, peer, {"x": x}, options, train=train)

    return [
        case(normal(2, 1, 64, 64), False, width=16),
        case(normal(2, 1, 64, 64), True, width=16),
        case(normal(2, 3, 45, 39), True, width=8, depth=4),
        case(normal(2, 1, 45, 39), False, width=8, depth=4, up="resample"),
        case(normal(1, 1, 12, 20, 17), True, width=4, depth=3),
    ]
