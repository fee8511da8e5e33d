# SPDX-License-Identifier: Apache-2.0
"""Weights under published names: torchvision's and SMP's come in, and what Hilum exports loads in Python strictly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import segmentation_models_pytorch as smp
import torch
import torchvision
from compare import Hilum, Named, Result, differences, made, normal
from deeplabv3plus import AGAINST as SMP
from deeplabv3plus import DeepLabV3Plus
from resnet50 import AGAINST as TORCHVISION
from resnet50 import ResNet50
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

MAPS = Path(__file__).parents[3] / "experiments" / "maps"
EXPERIMENT = """
[data]
source = "phantom"
roi = [64, 64]
val = "none"
[data.phantom]
count = 6
patients = 6
size = [3, 64, 64]
[train]
epochs = 1
batch = 6
lr = 0.01
precision = "float32"
threads = 2
"""
CLASSIFIER = """
[backbone.cls]
plugin = "resnet50"
[head.nodule]
plugin = "binary_nodule"
on = "cls.C5"
"""
OUTLINE = """
[backbone.seg]
plugin = "deeplabv3plus"
[head.mask]
plugin = "segmentation"
on = "seg.decoder"
upsample = "corners"
"""


def imported(hilum: Hilum, backbone: str, file: str, x: Tensor, words: list[str]) -> Named:
    """The stages of a backbone with somebody else's weights."""
    size = ",".join(str(n) for n in x.shape[1:])
    hilum("weights", "import", file, "--to", f"backbone/{backbone}", "--image", size, "-o", "ours.safetensors", *words)
    save_file({"x": x}, hilum.folder / "in.safetensors")
    hilum("forward", f"backbone/{backbone}", "--in", "in.safetensors", "--out", "out.safetensors", "--weights",
          "ours.safetensors")
    return load_file(hilum.folder / "out.safetensors")


def stages_of(peer: nn.Module, x: Tensor) -> Named:
    with torch.no_grad():
        return peer.float().eval()(x)


def import_pth(hilum: Hilum) -> dict[str, float]:
    """A file that torch.save wrote, with a classifier that is left out knowingly."""
    model = made(lambda: torchvision.models.resnet50(num_classes=10)).float()
    torch.save(model.state_dict(), hilum.folder / "resnet50.pth")
    peer = ResNet50()
    peer.load_state_dict(model.state_dict(), strict=False)
    x = normal(2, 3, 64, 64).float()
    words = ["--map", str(MAPS / "torchvision_resnet50.toml")]
    return differences(imported(hilum, "resnet50", "resnet50.pth", x, words), stages_of(peer, x))


def import_gray(hilum: Hilum) -> dict[str, float]:
    """Weights for colour on one channel give what the colour network gives for that channel three times."""
    peer = made(ResNet50)
    save_file(peer.float().state_dict(), hilum.folder / "rgb.safetensors")
    x = normal(2, 1, 64, 64).float()
    return differences(imported(hilum, "resnet50", "rgb.safetensors", x, []), stages_of(peer, x.repeat(1, 3, 1, 1)))


def import_smp(hilum: Hilum) -> dict[str, float]:
    peer = made(DeepLabV3Plus)
    save_file(peer.float().state_dict(), hilum.folder / "smp.safetensors")
    x = normal(2, 3, 64, 64).float()
    return differences(imported(hilum, "deeplabv3plus", "smp.safetensors", x, []), stages_of(peer, x))


def exported(hilum: Hilum, experiment: str, key_map: str, peer: nn.Module, output: str) -> dict[str, float]:
    """A trained network's weights in the peer, loaded strictly: both give the same logits."""
    (hilum.folder / "weights.toml").write_text(EXPERIMENT + experiment)
    (hilum.folder / "map.toml").write_text(key_map)
    hilum("run", "weights.toml")
    hilum("weights", "export", "@last", "--map", "map.toml", "-o", "theirs.safetensors")
    peer.load_state_dict(load_file(hilum.folder / "theirs.safetensors"), strict=True)
    x = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(3))
    save_file({"image": x}, hilum.folder / "in.safetensors")
    hilum("forward", "@last", "--in", "in.safetensors", "--out", "out.safetensors")
    with torch.no_grad():
        logits = peer.eval()(x)
    return differences(load_file(hilum.folder / "out.safetensors"), {output: logits})


def export_torchvision(hilum: Hilum) -> dict[str, float]:
    peer = torchvision.models.resnet50(num_classes=1)
    peer.conv1 = nn.Conv2d(1, 64, kernel_size=7, stride=2, padding=3, bias=False)
    return exported(hilum, CLASSIFIER, '[prefix]\n"head.nodule.fc" = "fc"\n', peer, "nodule.logits")


def export_smp(hilum: Hilum) -> dict[str, float]:
    peer = smp.DeepLabV3Plus("resnet50", encoder_weights=None, in_channels=1)
    return exported(hilum, OUTLINE, (MAPS / "smp_deeplabv3plus.toml").read_text(), peer, "mask.logits")


CHECKS: list[tuple[Callable[[Hilum], dict[str, float]], str, str]] = [
    (import_pth, TORCHVISION, "import of a .pth, eval"),
    (import_gray, TORCHVISION, "import of colour weights for one channel, eval"),
    (import_smp, SMP, "import of safetensors, eval"),
    (export_torchvision, TORCHVISION, "export of a run, load_state_dict(strict=True), its logits"),
    (export_smp, SMP, "export of a run, load_state_dict(strict=True), its logits"),
]


def results(hilum: Hilum) -> Iterator[Result]:
    for check, against, setting in CHECKS:
        result = Result("weights", against, setting, "f32")
        try:
            worst = check(hilum)
            result.outputs, result.gradients = max(worst.values()), 0.0
            result.compared, result.worst = len(worst), max(worst, key=worst.__getitem__)
        except (RuntimeError, KeyError, OSError) as error:
            result.error = str(error)
        yield result
