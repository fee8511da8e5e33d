# SPDX-License-Identifier: Apache-2.0
"""PyTorch's layers by the number of dimensions, so that one peer serves 2D and 3D."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def conv(dims: int, inp: int, out: int, kernel: int = 3, stride: int = 1, dilation: int = 1, groups: int = 1,
         bias: bool = True) -> nn.Module:
    layer = nn.Conv2d if dims == 2 else nn.Conv3d
    return layer(inp, out, kernel, stride, dilation * (kernel - 1) // 2, dilation, groups, bias)


def norm(dims: int, channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels) if dims == 2 else nn.BatchNorm3d(channels)


def up_conv(dims: int, inp: int, out: int) -> nn.Module:
    layer = nn.ConvTranspose2d if dims == 2 else nn.ConvTranspose3d
    return layer(inp, out, kernel_size=2, stride=2)


def max_pool(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 2) if x.dim() == 4 else F.max_pool3d(x, 2)


def linear(x: Tensor, size: torch.Size, corners: bool = False) -> Tensor:
    """Linear interpolation to the spatial size."""
    mode = "bilinear" if x.dim() == 4 else "trilinear"
    return F.interpolate(x, size=tuple(size), mode=mode, align_corners=corners)


def beside(skip: Tensor, x: Tensor) -> Tensor:
    """x at the skip's size, behind it."""
    return torch.cat([skip, x if x.shape[2:] == skip.shape[2:] else linear(x, skip.shape[2:])], 1)
