# SPDX-License-Identifier: Apache-2.0
"""Losses: one step of training on a ROI set from files, beside the same step in PyTorch.

A U-Net with four heads starts from weights that are written here. One step of SGD without momentum moves each
parameter by the learning rate times its gradient, so the trained weights tell the gradient of the total loss.
"""

from __future__ import annotations

import copy
import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import segmentation_models_pytorch as smp
import torch
import torch.nn.functional as F
import torchvision
from compare import DTYPES, Hilum, Named, Result, Values, judge, made
from heads import Attributes, OneLogit, Segmentation
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from unet import UNet

RATE, WEIGHT = 100.0, 100.0  # of learning; of each head: large steps, so that their rounding does not count
ATTRIBUTES = ["margin", "texture"]
COLUMNS = ["malignancy", *ATTRIBUTES]
EXPERIMENT = """
[data]
source = "set"
val = "none"
roi = [16, 16]
window = [0, 1]
sampler = "all"
[backbone.seg]
plugin = "unet"
width = 4
depth = 2
[head.mask]
plugin = "segmentation"
on = "seg.S3"
weight = 100
[head.nodule]
plugin = "binary_nodule"
on = "seg.S2"
weight = 100
[head.attributes]
plugin = "attribute"
on = "seg.S2"
attributes = ["margin", "texture"]
hidden = 6
weight = 100
[head.malignancy]
plugin = "malignancy"
on = ["seg.S2", "attributes.hidden"]
weight = 100
[train]
epochs = 1
batch = 15
optimizer = "sgd"
momentum = 0
weight_decay = 0
schedule = "constant"
precision = "float32"
threads = 2
init = "start.safetensors"
"""


class Network(nn.Module):
    """The experiment's network, with its names."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self.seg = UNet(width=4, depth=2)
        self.head = nn.ModuleDict({"mask": Segmentation(2, 4), "nodule": OneLogit(8),
                                   "attributes": Attributes(8, ATTRIBUTES, mode, 5, 6), "malignancy": OneLogit(14)})

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        stages = self.seg(x)
        attributes = self.head["attributes"](stages["S2"])
        hidden = attributes["hidden"][:, :, None]  # pooling leaves it as it is
        malignancy = self.head["malignancy"](a=stages["S2"], b=hidden)
        logits = {"mask": self.head["mask"](stages["S3"])["logits"],
                  "nodule": self.head["nodule"](x=stages["S2"])["logits"],
                  "malignancy": malignancy["logits"]}
        what = "probability" if self.regression else "logits"  # a regression's value
        return logits | {name: attributes[f"{name}_{what}"] for name in ATTRIBUTES}

    @property
    def regression(self) -> bool:
        return self.head["attributes"].mode == "regression"


@dataclass
class Set:
    """Slices of all training regions, and the folder that Hilum reads them from."""

    x: Tensor  # [N,1,16,16]
    mask: Tensor
    targets: Named  # [N,1]; NaN where unknown


def write_image(file: Path, voxels: Tensor) -> None:
    """MetaImage: a header of text, then the voxels, [D,H,W]."""
    size = " ".join(str(n) for n in reversed(voxels.shape))
    header = (f"ObjectType = Image\nNDims = 3\nDimSize = {size}\nElementSpacing = 0.7 0.7 2.5\n"
              "ElementByteOrderMSB = False\nElementType = MET_FLOAT\nElementDataFile = LOCAL\n")
    file.write_bytes(header.encode() + voxels.float().numpy().tobytes())


def write_set(folder: Path) -> Set:
    """Six regions of three slices, one of them without nodule; the last one is the test."""
    generator = torch.Generator().manual_seed(5)
    folder.mkdir()
    images = torch.rand(6, 3, 16, 16, generator=generator, dtype=torch.float32)
    masks = torch.zeros_like(images)
    for i in range(6):
        masks[i, : 1 + i % 3, 3 : 8 + i, 4 : 10 + i % 4] = 1
    ratings = {"malignancy": [4.25, 3.0, 1.5, 2.0, 4.75, 5.0], "margin": [1.0, float("nan"), 2.5, 4.0, 5.0, 3.0],
               "texture": [5.0, 4.5, 3.75, 1.25, float("nan"), 2.0]}
    with (folder / "index.csv").open("w", newline="") as index, (folder / "folds.csv").open("w", newline="") as folds:
        rows, dealt = csv.writer(index), csv.writer(folds)
        rows.writerow(["id", "patient", "image", "mask", *COLUMNS])
        dealt.writerow(["id", "fold"])
        for i in range(6):
            write_image(folder / f"image{i}.mha", images[i])
            write_image(folder / f"mask{i}.mha", masks[i])
            known = ["" if ratings[c][i] != ratings[c][i] else ratings[c][i] for c in COLUMNS]
            rows.writerow([f"R{i}", f"P{i}", f"image{i}.mha", f"mask{i}.mha", *known])
            dealt.writerow([f"R{i}", 0 if i == 5 else 1])
    targets = {c: torch.tensor(ratings[c][:5]).repeat_interleave(3)[:, None] for c in COLUMNS}
    return Set(images[:5].reshape(15, 1, 16, 16), masks[:5].reshape(15, 1, 16, 16), targets)


def of_known(loss: Callable[..., Tensor], z: Tensor, y: Tensor, **options: object) -> Tensor:
    """The mean over the samples whose target is known."""
    known = ~y.isnan().flatten()
    return loss(z[known], y[known], **options)


def dice(z: Tensor, y: Tensor, smooth: float, by_sample: bool) -> Tensor:
    p, y = (z.sigmoid().flatten(1), y.flatten(1)) if by_sample else (z.sigmoid().reshape(1, -1), y.reshape(1, -1))
    return (1 - (2 * (p * y).sum(1) + smooth) / (p.sum(1) + y.sum(1) + smooth)).mean()


def labels(rating: Tensor) -> Tensor:
    """Above 3 malignant, below benign, 3 itself unknown."""
    return torch.where(rating == 3, float("nan"), torch.where(rating.isnan(), rating, (rating > 3).to(rating.dtype)))


def coral(z: Tensor, y: Tensor) -> Tensor:
    """Is the rounded rating above 1, above 2, ...: a question a level, summed over the levels."""
    above = y.round().clamp(1, 5) > torch.arange(1, 5)
    return F.binary_cross_entropy_with_logits(z, above.to(z.dtype), reduction="none").sum(1).mean()


def balanced(z: Tensor, y: Tensor) -> Tensor:
    """Each class has half of the weight."""
    ones = y.sum()
    weight = torch.where(y == 1, 0.5 / ones, 0.5 / (y.numel() - ones))
    return F.binary_cross_entropy_with_logits(z, y, weight, reduction="sum")


def binary(z: Tensor, rating: Tensor, above: float) -> Tensor:
    return of_known(lambda a, b: F.binary_cross_entropy_with_logits(a, (b > above).to(a.dtype)), z, rating)


BCE = F.binary_cross_entropy_with_logits
SMP_DICE = smp.losses.DiceLoss("binary", smooth=0.5)
SMP_TVERSKY = smp.losses.TverskyLoss("binary", alpha=0.3, beta=0.7, smooth=1.0)
Term = Callable[[dict[str, Tensor], Set], Tensor]


@dataclass
class Study:
    overrides: list[str]
    against: str
    terms: dict[str, Term]  # by their names in the run's metrics
    mode: str = "binary"
    weights: dict[str, float] = field(default_factory=dict)  # of heads, WEIGHT where nothing is said


def attribute_terms(loss: Callable[[Tensor, Tensor], Tensor]) -> dict[str, Term]:
    return {f"attributes.{name}": (lambda z, s, name=name: loss(z[name], s.targets[name])) for name in ATTRIBUTES}


def present(s: Set) -> Tensor:
    return s.mask.flatten(1).amax(1, keepdim=True)


STUDIES = [
    Study(["+head.mask.smooth=1"], "torch.nn.functional, SMP's Dice",
          {"mask.bce": lambda z, s: BCE(z["mask"], s.mask),
           "mask.dice": lambda z, s: SMP_DICE(z["mask"], s.mask),
           "nodule.bce": lambda z, s: BCE(z["nodule"], present(s)),
           "malignancy.bce": lambda z, s: of_known(BCE, z["malignancy"], labels(s.targets["malignancy"])),
           **attribute_terms(lambda z, y: binary(z, y, 3.5))}),
    Study(["+head.mask.loss=dice", "+head.mask.smooth=0", "+head.malignancy.loss=l1",
           "+head.attributes.thresholds=[2.0,4.0]"], "torch.nn.functional: the ICPR paper's joint loss",
          {"mask.dice": lambda z, s: dice(z["mask"], s.mask, 0, False),
           "nodule.bce": lambda z, s: BCE(z["nodule"], present(s)),
           "malignancy.l1": lambda z, s: of_known(F.l1_loss, z["malignancy"].sigmoid(),
                                                  labels(s.targets["malignancy"])),
           "attributes.margin": lambda z, s: binary(z["margin"], s.targets["margin"], 2.0),
           "attributes.texture": lambda z, s: binary(z["texture"], s.targets["texture"], 4.0)}),
    Study(["+head.mask.reduce=sample", "+head.mask.smooth=0.1", "+head.nodule.class_weight=balanced",
           "+head.attributes.mode=ordinal", "+head.malignancy.labels=soft", "+data.malignancy=raw",
           "head.mask.weight=50", "head.malignancy.weight=300"], "torch.nn.functional",
          {"mask.bce": lambda z, s: BCE(z["mask"], s.mask),
           "mask.dice": lambda z, s: dice(z["mask"], s.mask, 0.1, True),
           "nodule.bce": lambda z, s: balanced(z["nodule"], present(s)),
           "malignancy.bce": lambda z, s: of_known(BCE, z["malignancy"], (s.targets["malignancy"] - 1) / 4),
           **attribute_terms(lambda z, y: of_known(coral, z, y))},
          mode="ordinal", weights={"mask": 50.0, "malignancy": 300.0}),
    Study(["+head.mask.loss=focal", "+head.mask.gamma=2", "+head.mask.alpha=0.25", "+head.attributes.mode=regression"],
          "torchvision's focal loss, torch.nn.functional",
          {"mask.focal": lambda z, s: torchvision.ops.sigmoid_focal_loss(z["mask"], s.mask, 0.25, 2, "mean"),
           "nodule.bce": lambda z, s: BCE(z["nodule"], present(s)),
           "malignancy.bce": lambda z, s: of_known(BCE, z["malignancy"], labels(s.targets["malignancy"])),
           **attribute_terms(lambda z, y: of_known(F.smooth_l1_loss, z, y))}, mode="regression"),
    Study(["+head.mask.loss=tversky", "+head.attributes.mode=regression", "+head.attributes.loss=l2"],
          "SMP's Tversky loss, torch.nn.functional",
          {"mask.tversky": lambda z, s: SMP_TVERSKY(z["mask"], s.mask),
           "nodule.bce": lambda z, s: BCE(z["nodule"], present(s)),
           "malignancy.bce": lambda z, s: of_known(BCE, z["malignancy"], labels(s.targets["malignancy"])),
           **attribute_terms(lambda z, y: of_known(F.mse_loss, z, y))}, mode="regression"),
]


def start_of(study: Study, data: Set) -> nn.Module:
    network = made(lambda: Network(study.mode))
    if study.mode == "regression":  # a regression learns the difference from the mean of what it is trained on
        network.head["attributes"].center.copy_(torch.cat([data.targets[name].nanmean(0) for name in ATTRIBUTES]))
    return network


def peer_step(study: Study, network: nn.Module, data: Set, dtype: torch.dtype) -> Values:
    """Every term and their weighted sum, and its gradients."""
    network = copy.deepcopy(network).to(dtype).train()
    typed = Set(data.x.to(dtype), data.mask.to(dtype), {name: t.to(dtype) for name, t in data.targets.items()})
    logits = network(typed.x)
    terms = {name: term(logits, typed) for name, term in study.terms.items()}
    total = sum(study.weights.get(name.split(".")[0], WEIGHT) * term for name, term in terms.items())
    total.backward()
    gradients = {name: p.grad for name, p in network.named_parameters()}
    return Values({name: t.detach() for name, t in {**terms, "loss": total}.items()}, gradients)


def hilum_step(study: Study, hilum: Hilum, start: Named, parameters: set[str]) -> Values:
    save_file(start, hilum.folder / "start.safetensors")
    (hilum.folder / "losses.toml").write_text(EXPERIMENT)
    run = json.loads(hilum("run", "losses.toml", "--json", f"train.lr={RATE}", *study.overrides))
    hilum("weights", "export", run["id"], "-o", "end.safetensors")
    end = load_file(hilum.folder / "end.safetensors")
    heads = ("loss", "mask.", "nodule.", "attributes.", "malignancy.")
    logged = {name.removeprefix("train."): value for name, value in run["metrics"].items() if name.startswith("train.")}
    terms = {name: torch.tensor(value) for name, value in logged.items() if name.startswith(heads)}
    moved = {name: (start[name].double() - end[name].double()) / RATE for name in parameters}
    return Values(terms, moved)


def results(hilum: Hilum) -> Iterator[Result]:
    data = write_set(hilum.folder / "set")
    for study in STUDIES:
        words = [word.removeprefix("+").removeprefix("head.") for word in study.overrides]
        result = Result("losses", study.against, " ".join(words), "f32")
        try:
            network = start_of(study, data)
            start = {name: t.float().contiguous() for name, t in network.state_dict().items()}

            def peer(inputs: Named, dtype: str) -> Values:
                return peer_step(study, network, Set(inputs["x"], data.mask, data.targets), DTYPES[dtype])

            inputs = {"x": data.x}
            exact = peer(inputs, "f64")
            judge(result, hilum_step(study, hilum, start, set(exact.gradients)), peer, inputs, exact)
        except (RuntimeError, KeyError, OSError) as error:
            result.error = str(error)
        yield result
