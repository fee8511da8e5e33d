# SPDX-License-Identifier: Apache-2.0
"""torchvision's ResNet-50 without pooling and classifier, which belong to a head."""

from __future__ import annotations

import torchvision
from compare import Case, made, normal
from torch import Tensor, nn

AGAINST = "torchvision's resnet50"
# C1 is the stem, whose parameters have no prefix of their own.
LAYERS = {"layer1": "C2", "layer2": "C3", "layer3": "C4", "layer4": "C5"}


def ours(name: str) -> str:
    first, rest = name.split(".", 1)
    return f"{LAYERS[first]}.{rest}" if first in LAYERS else f"C1.{name}"


class ResNet50(torchvision.models.ResNet):
    """torchvision's own class; only forward differs, which returns every stage."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__(torchvision.models.resnet.Bottleneck, [3, 4, 6, 3])
        del self.fc
        if channels != 3:
            self.conv1 = nn.Conv2d(channels, 64, kernel_size=7, stride=2, padding=3, bias=False)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        out = {"C1": self.relu(self.bn1(self.conv1(x)))}
        out["C2"] = self.layer1(self.maxpool(out["C1"]))
        out["C3"] = self.layer2(out["C2"])
        out["C4"] = self.layer3(out["C3"])
        out["C5"] = self.layer4(out["C4"])
        return out


def cases() -> list[Case]:
    def case(x: Tensor, train: bool) -> Case:
        peer = made(lambda: ResNet50(x.shape[1]))
        return Case("backbone/resnet50", AGAINST, peer, {"x": x}, train=train, ours=ours)

    return [
        case(normal(2, 3, 64, 64), False),
        case(normal(2, 1, 64, 64), False),
        case(normal(4, 1, 64, 64), True),
        case(normal(2, 1, 75, 53), False),
    ]
