# SPDX-License-Identifier: Apache-2.0
"""Networks of PyTorch, torchvision and segmentation_models_pytorch with ours' parameter names, and their steps."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "parity" / "peers"))

import models  # noqa: E402
import resnet50  # noqa: E402
from heads import Segmentation  # noqa: E402
from resunet import ResUNet  # noqa: E402
from unet import UNet  # noqa: E402

Named = dict[str, Tensor]


class Segmenter(nn.Module):
    """A U-shaped network and 1×1 to the logits of its last stage."""

    def __init__(self, seg: nn.Module, width: int) -> None:
        super().__init__()
        self.seg, self.head = seg, nn.ModuleDict({"mask": Segmentation(2, width)})
        self.last = f"S{2 * seg.depth - 1}"

    def forward(self, image: Tensor) -> Named:
        return {"mask.logits": self.head["mask"].conv(self.seg(image)[self.last])}


class Published(nn.Module):
    """A network of a library, with the name of what it gives."""

    def __init__(self, net: nn.Module, output: str) -> None:
        super().__init__()
        self.net, self.output = net, output

    def forward(self, image: Tensor) -> Named:
        return {self.output: self.net(image)}


def torchvision_resnet50() -> nn.Module:
    import torchvision

    net = torchvision.models.resnet50(weights=None, num_classes=1)
    net.conv1 = nn.Conv2d(1, 64, kernel_size=7, stride=2, padding=3, bias=False)
    return Published(net, "nodule.logits")


def smp_deeplabv3plus() -> nn.Module:
    import segmentation_models_pytorch as smp

    # Without dropout, whose draws are not ours.
    return Published(smp.DeepLabV3Plus("resnet50", encoder_weights=None, in_channels=1, classes=1,
                                       decoder_aspp_dropout=0.0), "mask.logits")


def resnet50_name(name: str) -> str:
    name = name.removeprefix("net.")
    return name.replace("fc.", "head.nodule.fc.", 1) if name.startswith("fc.") else f"cls.{resnet50.ours(name)}"


def deeplabv3plus_name(name: str) -> str:
    import deeplabv3plus

    name = name.removeprefix("net.")
    if name.startswith("segmentation_head.0."):
        return name.replace("segmentation_head.0.", "head.mask.conv.")
    return f"seg.{deeplabv3plus.ours(name)}"


@dataclass
class Network:
    build: Callable[[int], nn.Module]  # of a width
    ours: Callable[[str], str] = staticmethod(lambda name: name)  # a parameter's name there


NETWORKS = {
    "unet": Network(lambda width: Segmenter(UNet(width=width, depth=5), width)),
    "resunet": Network(lambda width: Segmenter(ResUNet(width=width, depth=4), width)),
    "resnet50": Network(lambda _: torchvision_resnet50(), resnet50_name),
    "deeplabv3plus": Network(lambda _: smp_deeplabv3plus(), deeplabv3plus_name),
    "proposed": Network(lambda width: models.Guided(width).float(), models.ours),
}
# Names of variants: (channels last, bfloat16 autocast, strides of the image set).
VARIANTS = {"eager": (False, False, False), "fast": (True, True, False), "strided": (True, True, True)}


def batch_of(side: int, count: int) -> Named:
    """Noise with a brighter disc in every other sample."""
    generator = torch.Generator().manual_seed(1)
    image, mask = torch.rand(count, 1, side, side, generator=generator), torch.zeros(count, 1, side, side)
    place = torch.arange(side)
    for i in range(0, count, 2):
        y, x = (side / 4 + side / 2 * torch.rand(2, generator=generator)).tolist()
        mask[i, 0] = ((place[:, None] - y) ** 2 + (place[None] - x) ** 2 < (side / 8) ** 2).float()
    return {"image": 0.5 * image + 0.5 * mask, "mask": mask, "nodule_present": mask.flatten(1).amax(1, keepdim=True)}


def loss_of(outputs: Named, batch: Named) -> Tensor:
    """BCE and Dice of a mask's logits, BCE of a nodule's; in float32."""
    total = torch.zeros(())
    if "mask.logits" in outputs:
        z, y = outputs["mask.logits"].float(), batch["mask"]
        p = torch.sigmoid(z)
        dice = 1 - (2 * (p * y).sum() + 1) / (p.sum() + y.sum() + 1)
        total = total + F.binary_cross_entropy_with_logits(z, y) + dice
    if "nodule.logits" in outputs:
        total = total + F.binary_cross_entropy_with_logits(outputs["nodule.logits"].float(), batch["nodule_present"])
    return total


class Variant:
    """A network as somebody steps it without a framework: PyTorch's Adam as it comes."""

    def __init__(self, net: nn.Module, batch: Named, channels_last: bool, bfloat16: bool, strided: bool) -> None:
        self.net, self.batch, self.bfloat16 = net, dict(batch), bfloat16
        if channels_last:
            self.net = net.to(memory_format=torch.channels_last)
            self.batch["image"] = batch["image"].contiguous(memory_format=torch.channels_last)
        if strided:  # one channel is in both layouts at once, and PyTorch takes it for the other one
            count, channels, height, width = batch["image"].shape
            strides = (channels * height * width, 1, channels * width, channels)
            self.batch["image"] = self.batch["image"].as_strided(batch["image"].shape, strides)
        self.optimizer = torch.optim.Adam([p for p in self.net.parameters() if p.requires_grad], lr=1e-3)

    def forward(self) -> Named:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bfloat16):
            outputs = self.net(self.batch["image"])
        return {name: t for name, t in outputs.items() if name.endswith(".logits")}

    def train(self) -> float:
        self.net.train()
        self.optimizer.zero_grad(set_to_none=True)
        loss = loss_of(self.forward(), self.batch)
        value = loss.item()
        loss.backward()
        self.optimizer.step()
        return value

    @torch.inference_mode()
    def infer(self) -> Named:
        self.net.eval()
        return self.forward()


class ModelWork:
    def __init__(self, name: str, folder: Path, side: int, count: int, width: int) -> None:
        self.network, self.width, self.folder = NETWORKS[name], width, folder
        self.variants: dict[str, Variant] = {}
        if not (folder / "weights.safetensors").exists():
            save_file(batch_of(side, count), folder / "inputs.safetensors")
            net = self.built()
            fixed = {n for n, p in net.named_parameters() if not p.requires_grad}
            save_file({self.network.ours(n): t.float().contiguous() for n, t in net.state_dict().items()
                       if n not in fixed}, folder / "weights.safetensors")
        self.batch = load_file(folder / "inputs.safetensors")
        self.about = f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads"

    def built(self) -> nn.Module:
        torch.manual_seed(0)
        return self.network.build(self.width)

    def variant(self, name: str) -> Variant:
        if name not in self.variants:  # each costs memory
            self.variants[name] = Variant(self.built(), self.batch, *VARIANTS[name])
        return self.variants[name]

    def train(self, variant: str) -> float:
        return self.variant(variant).train()

    def infer(self, variant: str) -> None:
        self.variant(variant).infer()

    def check(self, variant: str) -> Named:
        return {name: t.float().contiguous().clone() for name, t in self.variant(variant).infer().items()}
