# SPDX-License-Identifier: Apache-2.0
"""Fusions: `a` is the feature that is replaced, `b` and `c` those that are mixed into it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from compare import Case, made, normal
from layers import conv, linear, norm
from torch import Tensor, nn


class Separable(nn.Module):
    """3×3 for each channel alone, without bias, then 1×1 across channels."""

    def __init__(self, dims: int, channels: int, bias: bool) -> None:
        super().__init__()
        self.depthwise = conv(dims, channels, channels, groups=channels, bias=False)
        self.pointwise = conv(dims, channels, channels, kernel=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.depthwise(x))


class Combine(nn.Module):
    """The QIMS paper's feature combination block: 1×1 on the giver, concatenation, 1×1, 3×3 depthwise-separable."""

    def __init__(self, dims: int, receiver: int, giver: int, norms: bool = False, relu: bool = False) -> None:
        super().__init__()
        self.transform = conv(dims, giver, giver, kernel=1, bias=not norms)
        self.merge = conv(dims, giver + receiver, receiver, kernel=1, bias=not norms)
        self.separable = Separable(dims, receiver, bias=not norms)
        if norms:
            self.transform_norm, self.merge_norm = norm(dims, giver), norm(dims, receiver)
            self.separable_norm = norm(dims, receiver)
        self.relu = relu

    def step(self, name: str, x: Tensor) -> Tensor:
        y = self.get_submodule(name)(x)
        if hasattr(self, f"{name}_norm"):
            y = self.get_submodule(f"{name}_norm")(y)
        return F.relu(y) if self.relu else y

    def forward(self, a: Tensor, b: Tensor) -> dict[str, Tensor]:
        merged = self.step("merge", torch.cat([self.step("transform", b), a], 1))
        return {"a": self.step("separable", merged)}


class Concat(nn.Module):
    def forward(self, a: Tensor, **others: Tensor) -> dict[str, Tensor]:
        return {"a": torch.cat([a, *others.values()], 1)}


class WeightedSum(nn.Module):
    """Each feature times its weights, which broadcast over samples and positions; 1×1 where channels differ."""

    def __init__(self, channels: dict[str, int], dims: int) -> None:
        super().__init__()
        self.dims = dims
        first = next(iter(channels.values()))
        for name, own in channels.items():
            if own != first:
                self.add_module(f"project_{name}", conv(dims, own, first, kernel=1, bias=False))

    def sum(self, features: dict[str, Tensor], weights: list[Tensor]) -> Tensor:
        total = torch.zeros_like(next(iter(features.values())))
        for (name, x), w in zip(features.items(), weights):
            aligned = self.get_submodule(f"project_{name}")(x) if hasattr(self, f"project_{name}") else x
            total = total + w.reshape(1, -1, *[1] * self.dims) * aligned
        return total


class CrossStitch(WeightedSum):
    """One row of the paper's matrix, a weight for each channel or for the whole tensor."""

    def __init__(self, channels: dict[str, int], dims: int, per_channel: bool) -> None:
        super().__init__(channels, dims)
        size = channels["a"] if per_channel else 1
        for name in channels:
            self.register_parameter(f"alpha_{name}", nn.Parameter(torch.randn(size)))

    def forward(self, **features: Tensor) -> dict[str, Tensor]:
        return {"a": self.sum(features, [self.get_parameter(f"alpha_{name}") for name in features])}


class Linear(WeightedSum):
    def __init__(self, channels: dict[str, int], dims: int, per_channel: bool, softmax: bool) -> None:
        super().__init__(channels, dims)
        self.weight = nn.Parameter(torch.randn(len(channels), channels["a"] if per_channel else 1))
        self.softmax = softmax

    def forward(self, **features: Tensor) -> dict[str, Tensor]:
        weights = torch.softmax(self.weight, 0) if self.softmax else self.weight
        return {"a": self.sum(features, list(weights))}


class Nddr(nn.Module):
    """All channels together, 1×1 without bias, batch norm, ReLU (Gao et al. 2019)."""

    def __init__(self, dims: int, channels: int, total: int, relu: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels, total, *[1] * dims))
        self.norm = norm(dims, channels)
        self.relu = relu

    def forward(self, **features: Tensor) -> dict[str, Tensor]:
        x = torch.cat(list(features.values()), 1)
        y = self.norm(torch.einsum("oi,ni...->no...", self.weight.flatten(1), x))
        return {"a": F.relu(y) if self.relu else y}


class UpsampleConcat(nn.Module):
    """Every feature at the size of `a`, side by side, and perhaps a 1×1 back to its channels."""

    def __init__(self, dims: int, channels: int, total: int, nearest: bool, reduce: bool) -> None:
        super().__init__()
        self.nearest = nearest
        if reduce:
            self.conv = conv(dims, total, channels, kernel=1)

    def forward(self, a: Tensor, **others: Tensor) -> dict[str, Tensor]:
        size = a.shape[2:]
        resized = [F.interpolate(x, size=tuple(size), mode="nearest") if self.nearest else linear(x, size)
                   for x in others.values()]
        x = torch.cat([a, *resized], 1)
        return {"a": self.conv(x) if hasattr(self, "conv") else x}


def features(*channels: int, size: tuple[int, ...] = (13, 10)) -> dict[str, Tensor]:
    return {name: normal(3, c, *size, seed=i) for i, (name, c) in enumerate(zip("abc", channels))}


def channels_of(inputs: dict[str, Tensor]) -> dict[str, int]:
    return {name: x.shape[1] for name, x in inputs.items()}


def combine_cases() -> list[Case]:
    paper = "PyTorch, from the QIMS paper's figure 3"
    plain, volume = features(6, 4), features(5, 3, size=(4, 6, 7))
    return [
        Case("fusion/conv1x1", paper, made(lambda: Combine(2, 6, 4)), plain),
        Case("fusion/conv1x1", paper, made(lambda: Combine(3, 5, 3)), volume),
        Case("fusion/conv1x1", paper, made(lambda: Combine(2, 6, 4, norms=True, relu=True)), plain,
             {"norm": True, "activation": "relu"}, train=True),
    ]


def sum_cases() -> list[Case]:
    stitch, plain = "PyTorch, from Misra et al. 2016, eq. 1", "PyTorch, a weighted sum"
    equal, unequal, volume = features(6, 6, 6), features(6, 4), features(4, 4, size=(4, 6, 7))
    cases = []
    for inputs, per_channel in ((equal, True), (unequal, False), (volume, True)):
        dims, channels = inputs["a"].dim() - 2, channels_of(inputs)
        by = "channel" if per_channel else "tensor"
        cases.append(Case("fusion/cross_stitch", stitch, made(lambda: CrossStitch(channels, dims, per_channel)),
                          inputs, {"granularity": by}))
        for softmax in (False, True):
            cases.append(Case("fusion/linear", plain, made(lambda: Linear(channels, dims, per_channel, softmax)),
                              inputs, {"granularity": by, "normalize": "softmax" if softmax else "none"}))
    return cases


def joining_cases() -> list[Case]:
    equal, unequal, volume = features(6, 6, 6), features(6, 4), features(4, 5, size=(4, 6, 7))
    cases = [Case("fusion/concat", "torch.cat", Concat(), inputs) for inputs in (equal, volume)]
    for inputs, train, relu in ((equal, True, True), (unequal, False, False), (volume, True, True)):
        total = sum(channels_of(inputs).values())
        peer = made(lambda: Nddr(inputs["a"].dim() - 2, inputs["a"].shape[1], total, relu))
        cases.append(Case("fusion/nddr", "PyTorch, from Gao et al. 2019", peer, inputs,
                          {"activation": "relu" if relu else "none"}, train=train))
    for mode, reduce, sizes in (("linear", True, ((12, 10), (6, 5))), ("nearest", False, ((13, 10), (5, 20))),
                                ("linear", False, ((6, 8, 7), (3, 4, 9)))):
        inputs = {"a": normal(2, 4, *sizes[0]), "b": normal(2, 3, *sizes[1], seed=2)}
        peer = made(lambda: UpsampleConcat(len(sizes[0]), 4, 7, mode == "nearest", reduce))
        cases.append(Case("fusion/upsample_concat", "torch interpolate and cat", peer, inputs,
                          {"mode": mode, "reduce": reduce}))
    return cases


def cases() -> list[Case]:
    return combine_cases() + sum_cases() + joining_cases()
