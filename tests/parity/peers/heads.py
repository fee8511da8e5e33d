# SPDX-License-Identifier: Apache-2.0
"""Heads: features in, logits and probabilities out."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from compare import Case, made, normal
from layers import conv, linear
from torch import Tensor, nn

AGAINST = "PyTorch, pooling and linear layers"


class Segmentation(nn.Module):
    """1×1 to one logit a voxel, at the image's size where there is an image."""

    def __init__(self, dims: int, channels: int, corners: bool = False) -> None:
        super().__init__()
        self.conv, self.corners = conv(dims, channels, 1, kernel=1), corners

    def forward(self, x: Tensor, image: Tensor | None = None) -> dict[str, Tensor]:
        z = self.conv(x)
        if image is not None:
            z = linear(z, image.shape[2:], self.corners)
        return {"logits": z, "probability": torch.sigmoid(z)}


def pooled(x: Tensor, pool: str) -> Tensor:
    flat = x.flatten(2)
    return flat.mean(2) if pool == "avg" else flat.max(2).values


class OneLogit(nn.Module):
    """The features' means or maxima side by side, perhaps a hidden layer, one logit."""

    def __init__(self, channels: int, pool: str = "avg", hidden: int = 0) -> None:
        super().__init__()
        self.pool = pool
        if hidden:
            self.hidden = nn.Linear(channels, hidden)
        self.fc = nn.Linear(hidden or channels, 1)

    def forward(self, **features: Tensor) -> dict[str, Tensor]:
        h = torch.cat([pooled(x, self.pool) for x in features.values()], 1)
        z = self.fc(F.relu(self.hidden(h)) if hasattr(self, "hidden") else h)
        return {"logits": z, "probability": torch.sigmoid(z)}


class Attributes(nn.Module):
    """A hidden layer that all attributes share; for each a class, a level (CORAL) or a number."""

    def __init__(self, channels: int, attributes: list[str], mode: str, levels: int, hidden: int) -> None:
        super().__init__()
        self.attributes, self.mode = attributes, mode
        self.hidden = nn.Linear(channels, hidden)
        self.fc = nn.Linear(hidden, len(attributes), bias=mode != "ordinal")
        if mode == "ordinal":
            self.bias = nn.Parameter(torch.randn(len(attributes), levels - 1))
        if mode == "regression":
            self.register_buffer("center", 1 + 4 * torch.rand(len(attributes)))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        hidden = F.relu(self.hidden(pooled(x, "avg")))
        score = self.fc(hidden)
        each = [score[:, i : i + 1] for i in range(len(self.attributes))]
        if self.mode == "ordinal":
            each = [s + self.bias[i] for i, s in enumerate(each)]
        out = {"hidden": hidden, "logits": torch.cat(each, 1)}
        for i, (name, z) in enumerate(zip(self.attributes, each)):
            out[f"{name}_logits"] = z
            out[f"{name}_probability"] = self.value(z, i)
        return out

    def value(self, z: Tensor, i: int) -> Tensor:
        if self.mode == "binary":
            return torch.sigmoid(z)
        if self.mode == "ordinal":  # the expected level: 1 and the chances to be above each
            return 1 + torch.sigmoid(z).sum(1, keepdim=True)
        return z + self.center[i]


def segmentation_cases() -> list[Case]:
    plane, volume = normal(2, 5, 17, 12), normal(2, 3, 5, 7, 6)
    image, bigger = normal(2, 1, 33, 24, seed=2), normal(2, 1, 10, 13, 12, seed=2)
    against = "PyTorch, 1×1 and interpolate"
    return [
        Case("head/segmentation", against, made(lambda: Segmentation(2, 5)), {"x": plane}),
        Case("head/segmentation", against, made(lambda: Segmentation(2, 5)), {"x": plane, "image": image},
             {"upsample": "bilinear"}, constant=("image",)),
        Case("head/segmentation", against, made(lambda: Segmentation(3, 3, corners=True)),
             {"x": volume, "image": bigger}, {"upsample": "corners"}, constant=("image",)),
    ]


def pooling_cases() -> list[Case]:
    plane, volume = normal(4, 12, 8, 6), normal(3, 6, 4, 5, 6)
    two = {"a": normal(4, 12, 8, 6), "b": normal(4, 5, 4, 3, seed=2)}
    cases = []
    for name in ("binary_nodule", "malignancy"):
        for inputs, pool, hidden in (({"x": plane}, "avg", 0), ({"x": volume}, "max", 8), (two, "avg", 8)):
            channels = sum(x.shape[1] for x in inputs.values())
            peer = made(lambda: OneLogit(channels, pool, hidden))
            cases.append(Case(f"head/{name}", AGAINST, peer, inputs, {"pool": pool, "hidden": hidden}))
    seven = ["subtlety", "calcification", "sphericity", "margin", "lobulation", "spiculation", "texture"]
    for attributes, mode, levels in ((seven, "binary", 5), (["margin", "calcification"], "ordinal", 6),
                                     (["texture", "size"], "regression", 5)):
        peer = made(lambda: Attributes(12, attributes, mode, levels, 16))
        cases.append(Case("head/attribute", AGAINST, peer, {"x": plane},
                          {"attributes": attributes, "mode": mode, "levels": levels, "hidden": 16}))
    return cases


def cases() -> list[Case]:
    return segmentation_cases() + pooling_cases()
