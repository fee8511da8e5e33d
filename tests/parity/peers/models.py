# SPDX-License-Identifier: Apache-2.0
"""Whole models: a run's network in PyTorch with the run's weights, its outputs and gradients.

Here a regularizer's gradient goes through a probability; alone, the sum of total variation's logits is the sum of
its inputs, whatever it does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import resnet50
import torch
from compare import TOLERANCE, Hilum, Named, Result, Values, evaluate, judge, made, same_names
from fusions import Combine, CrossStitch
from heads import OneLogit, Segmentation
from regularizers import Entropic, Rof, SoftThreshold
from resunet import ResUNet
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from unet import UNet

DATA = """
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
lr = 0
precision = "float32"
channels_last = "off"
threads = 2
init = "start.safetensors"
"""
GUIDED = """
[backbone.cls]
plugin = "resnet50"
[backbone.seg]
plugin = "resunet"
width = 8
separable = true
aspp = true
[fusion.combine]
plugin = "conv1x1"
connect = [["cls.C1", "seg.S2"], ["cls.C2", "seg.S3"], ["cls.C3", "seg.S4"], ["cls.C4", "seg.S5"]]
[head.nodule]
plugin = "binary_nodule"
on = "cls.C5"
[head.mask]
plugin = "segmentation"
on = "seg.S9"
[head.mask.regularizer]
plugin = "std"
guide = "nodule"
"""
SMOOTHED = """
[backbone.seg]
plugin = "unet"
width = 8
depth = 3
[head.mask]
plugin = "segmentation"
on = "seg.S5"
[head.mask.regularizer]
plugin = "tv"
iterations = 20
lambda = 0.02
learn = ["lambda"]
"""
STITCHED = """
[backbone.a]
plugin = "unet"
width = 8
depth = 3
[backbone.b]
plugin = "unet"
width = 8
depth = 3
[fusion.stitch]
plugin = "cross_stitch"
between = [["a.S2", "b.S2"], ["a.S4", "b.S4"]]
[head.first]
plugin = "segmentation"
on = "a.S5"
[head.second]
plugin = "segmentation"
on = "b.S5"
"""


def named(head: str, logits: Tensor) -> Named:
    return {f"{head}.logits": logits, f"{head}.probability": torch.sigmoid(logits)}


class Guided(nn.Module):
    """The QIMS model: each stage of the U-shaped network, once computed, is replaced by what the fusion makes of it."""

    GIVERS = {"S2": "C1", "S3": "C2", "S4": "C3", "S5": "C4"}

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.cls, self.seg = resnet50.ResNet50(1), ResUNet(width=width, separable=True, aspp=True)
        sizes = {"S2": (2 * width, 64), "S3": (4 * width, 256), "S4": (8 * width, 512), "S5": (16 * width, 1024)}
        blocks = nn.ModuleDict({stage: Combine(2, *channels) for stage, channels in sizes.items()})
        self.fusion = nn.ModuleDict({"combine": nn.ModuleDict({"seg": blocks})})
        self.head = nn.ModuleDict({"nodule": OneLogit(2048), "mask": Segmentation(2, width)})
        std = SoftThreshold(1.0, 1.0, 0.5, 1.0, 10, 2, "zero", ["sigma", "lambda2"])
        self.regularizer = nn.ModuleDict({"mask": std})

    def forward(self, image: Tensor) -> Named:
        features = self.cls(image)
        blocks = self.fusion["combine"]["seg"]
        hooks = [getattr(self.seg, stage).register_forward_hook(
            lambda _module, _inputs, out, stage=stage: blocks[stage](out, features[self.GIVERS[stage]])["a"])
            for stage in self.GIVERS]
        stages = self.seg(image)
        for hook in hooks:
            hook.remove()
        nodule = self.head["nodule"](x=features["C5"])["logits"]
        u = self.head["mask"](stages["S9"])["logits"]
        return named("nodule", nodule) | named("mask", self.regularizer["mask"](u, torch.sigmoid(nodule).detach())["z"])


class Smoothed(nn.Module):
    def __init__(self, regularizer: nn.Module) -> None:
        super().__init__()
        self.seg, self.head = UNet(width=8, depth=3), nn.ModuleDict({"mask": Segmentation(2, 8)})
        self.regularizer = nn.ModuleDict({"mask": regularizer})

    def forward(self, image: Tensor) -> Named:
        u = self.head["mask"](self.seg(image)["S5"])["logits"]
        return named("mask", self.regularizer["mask"](u)["z"])


class Stitched(nn.Module):
    """Two U-Nets of three levels, level by level: both features of a pair become sums of what was there before."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = UNet(width=8, depth=3), UNet(width=8, depth=3)

        def units() -> nn.ModuleDict:
            return nn.ModuleDict({stage: CrossStitch({"a": 16, "b": 16}, 2, True) for stage in ("S2", "S4")})

        self.fusion = nn.ModuleDict({"stitch": nn.ModuleDict({"a": units(), "b": units()})})
        self.head = nn.ModuleDict({"first": Segmentation(2, 8), "second": Segmentation(2, 8)})

    def forward(self, image: Tensor) -> Named:
        a, b = self.a(image), self.b(image)  # up to the first unit, both are as if alone
        a["S2"], b["S2"] = self.stitched("S2", a["S2"], b["S2"])
        tails = [self.up(net, out, "S4", out["S3"], out["S2"])
                 for net, out in ((self.a, self.below(self.a, a)), (self.b, self.below(self.b, b)))]
        ends = zip((self.a, self.b), (a, b), self.stitched("S4", *tails), ("first", "second"))
        return {name: t for net, out, x, head in ends
                for name, t in named(head, self.head[head](self.up(net, out, "S5", x, out["S1"]))["logits"]).items()}

    def stitched(self, stage: str, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        units = self.fusion["stitch"]
        return units["a"][stage](a=a, b=b)["a"], units["b"][stage](a=b, b=a)["a"]

    @staticmethod
    def below(net: UNet, out: Named) -> Named:
        return out | {"S3": net.S3(nn.functional.max_pool2d(out["S2"], 2))}

    @staticmethod
    def up(net: UNet, out: Named, stage: str, x: Tensor, skip: Tensor) -> Tensor:
        block = net.get_submodule(stage)
        return block(torch.cat([skip, block.up(x)], 1))


@dataclass
class Model:
    setting: str
    toml: str
    peer: nn.Module


def ours(name: str) -> str:
    part, rest = name.split(".", 1)
    if part == "cls":
        return f"cls.{resnet50.ours(rest)}"
    return name.replace("regularizer.mask.lam", "regularizer.mask.lambda") if name.endswith(".lam") else name


def rof() -> nn.Module:
    return Smoothed(Rof(0.02, 20, 0.25, True))


def entropic() -> nn.Module:
    smoothed = Smoothed(Entropic(0.02, 0.5, 1.0, 20, 0.5, True))
    smoothed.regularizer["mask"].lambda2.requires_grad_(False)
    return smoothed


def models() -> list[Model]:
    return [
        Model("the QIMS model: resnet50, resunet, conv1x1, std with its guide", GUIDED, made(Guided)),
        Model("unet, tv: entropic", SMOOTHED, made(entropic)),
        Model("unet, tv: rof", f'{SMOOTHED}model = "rof"\n', made(rof)),
        Model("two unets, cross_stitch both ways", STITCHED, made(Stitched)),
    ]


def parts_of(peer: nn.Module) -> Named:
    """What the run has too, by its names: all but values that are fixed."""
    fixed = {name for name, p in peer.named_parameters() if not p.requires_grad}
    return {ours(name): t.float().contiguous() for name, t in peer.state_dict().items() if name not in fixed}


def load(peer: nn.Module, weights: Named) -> None:
    same_names(weights, parts_of(peer), "weights")
    state = {name: weights[ours(name)] for name in peer.state_dict() if ours(name) in weights}
    peer.load_state_dict(state, strict=False)  # what is left is fixed


def results(hilum: Hilum) -> Iterator[Result]:
    image = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(3))
    save_file({"image": image}, hilum.folder / "in.safetensors")
    for model in models():
        found = [Result("models", "the same peers together", model.setting, dtype) for dtype in TOLERANCE]

        def peer(inputs: Named, dtype: str) -> Values:
            return evaluate(model.peer, inputs, dtype, ours)

        try:
            (hilum.folder / "model.toml").write_text(DATA + model.toml)
            save_file(parts_of(model.peer), hilum.folder / "start.safetensors")
            hilum("run", "model.toml")  # changes nothing but the batch norms' running means
            hilum("weights", "export", "@last", "-o", "weights.safetensors")
            load(model.peer, load_file(hilum.folder / "weights.safetensors"))
            exact = peer({"image": image}, "f64")
            for result in found:
                hilum("forward", "@last", "--in", "in.safetensors", "--out", "out.safetensors", "--grad", "--dtype",
                      result.dtype)
                mine = Values.of(load_file(hilum.folder / "out.safetensors"))
                judge(result, mine, peer, {"image": image}, exact)
        except (RuntimeError, KeyError, OSError) as error:
            for result in found:
                result.error = str(error)
        yield from found
