# SPDX-License-Identifier: Apache-2.0
"""Parameters and multiply-accumulates of every backbone beside its peer's; exit code 1 where they differ.

Ours are those of `hilum plan --json`, the peers' those of PyTorch's own counter of operations.

python tests/parity/peers/counts.py --hilum build/bin/hilum [--page docs/backbones.md]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from compare import Hilum, text_of
from deeplabv3plus import AGAINST as SMP
from deeplabv3plus import DeepLabV3Plus
from resnet50 import AGAINST as TORCHVISION
from resnet50 import ResNet50
from resunet import AGAINST as RESUNET
from resunet import ResUNet
from resunetpp import AGAINST as RESUNETPP
from resunetpp import ResUNetPlusPlus
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from unet import AGAINST as UNET
from unet import UNet

BEGIN, END = "<!-- counts: written by make parity-pages -->", "<!-- end of counts -->"


@dataclass
class Row:
    plugin: str
    options: dict[str, object]
    image: tuple[int, ...]  # channels, then the size
    last: str  # the stage that the head reads
    against: str
    peer: Callable[[], nn.Module]


QIMS = {"separable": True, "aspp": True}
ROWS = [
    Row("resnet50", {}, (1, 224, 224), "C5", TORCHVISION, lambda: ResNet50(1)),
    Row("resnet50", {}, (1, 128, 128), "C5", TORCHVISION, lambda: ResNet50(1)),
    Row("deeplabv3plus", {}, (1, 128, 128), "decoder", SMP, lambda: DeepLabV3Plus(1)),
    Row("deeplabv3plus", {"output_stride": 8}, (1, 128, 128), "decoder", SMP, lambda: DeepLabV3Plus(1, stride=8)),
    Row("unet", {}, (1, 128, 128), "S9", UNET, lambda: UNet()),
    Row("unet", {"width": 16, "depth": 4}, (1, 32, 64, 64), "S7", UNET, lambda: UNet(3, 1, 16, 4)),
    Row("resunet", {"depth": 4}, (1, 224, 224), "S7", RESUNET, lambda: ResUNet(depth=4)),
    Row("resunet", {}, (1, 128, 128), "S9", RESUNET, lambda: ResUNet()),
    Row("resunet", QIMS, (1, 128, 128), "S9", RESUNET, lambda: ResUNet(**QIMS)),
    Row("resunet", {"width": 16, "depth": 4}, (1, 32, 64, 64), "S7", RESUNET, lambda: ResUNet(3, 1, 16, 4)),
    Row("resunetpp", {}, (1, 256, 256), "S9", RESUNETPP, lambda: ResUNetPlusPlus()),
    Row("resunetpp", {}, (1, 128, 128), "S9", RESUNETPP, lambda: ResUNetPlusPlus()),
]


def planned(hilum: Hilum, row: Row) -> tuple[int, int]:
    """Of the backbone's stages, without the head."""
    options = "".join(f"{key} = {text_of(value)}\n" for key, value in row.options.items())
    (hilum.folder / "plan.toml").write_text(
        f"[data]\ndims = {len(row.image) - 1}\nroi = {list(row.image[1:])}\n"
        f'[backbone.net]\nplugin = "{row.plugin}"\n{options}'
        f'[head.mask]\nplugin = "segmentation"\non = "net.{row.last}"\n')
    stages = [op for op in json.loads(hilum("plan", "plan.toml", "--json"))["ops"] if op["kind"] == "stage"]
    return sum(op["parameters"] for op in stages), sum(op["macs"] for op in stages)


def counted(row: Row) -> tuple[int, int]:
    """Shapes are enough, so nothing is computed; PyTorch counts two operations a multiply-accumulate."""
    with torch.device("meta"):
        peer = row.peer().eval()
        with FlopCounterMode(display=False) as counter:
            peer(x=torch.empty(1, *row.image))
    return sum(p.numel() for p in peer.parameters()), counter.get_total_flops() // 2


def cells(row: Row, ours: tuple[int, int], theirs: tuple[int, int]) -> list[str]:
    options = " ".join(f"{key}={text_of(value)}" for key, value in row.options.items())
    numbers = [f"{n:,}" for n in (ours[0], theirs[0], ours[1], theirs[1])]
    image = "×".join(str(n) for n in row.image)
    return [f"`{row.plugin}`", f"`{options}`" if options else "", image, f"`{row.last}`", *numbers, row.against]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hilum", type=Path, default=Path("build/bin/hilum"), help="the program")
    parser.add_argument("--page", type=Path, help="write the table into this page")
    arguments = parser.parse_args()
    hilum = Hilum(arguments.hilum)
    lines = ["| backbone | options | image | to | parameters | peer's | multiply-accumulates | peer's | peer |",
             "| --- | --- | --- | --- | --: | --: | --: | --: | --- |"]
    equal = True
    for row in ROWS:
        ours, theirs = planned(hilum, row), counted(row)
        equal = equal and ours == theirs
        lines.append("| " + " | ".join(cells(row, ours, theirs)) + " |")
        print(lines[-1] if ours == theirs else f"DIFFER {lines[-1]}", flush=True)
    if arguments.page and equal:
        text = arguments.page.read_text()
        before, after = text.split(BEGIN)[0], text.split(END)[1]
        arguments.page.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
