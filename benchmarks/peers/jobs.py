# SPDX-License-Identifier: Apache-2.0
"""What bench_peers.py measures: which work, beside whom, and the goal."""

from __future__ import annotations

from dataclasses import dataclass, field

EAGER, FAST, COMPILED = "PyTorch, float32", "PyTorch, channels last, bfloat16", "torch.compile, float32"
STRIDED = f"{FAST}, strides of the image set"


@dataclass
class Peer:
    variant: str  # for peers/worker.py
    name: str
    goal: float | None = None  # of ours / theirs
    calls: int = 1  # in a turn


@dataclass
class Job:
    work: str
    kind: str  # of step_bench and peers/worker.py: model, regularizer, metrics
    name: str
    peers: list[Peer]
    rounds: int
    calls: int  # of ours in a turn, so that turns are of some length
    command: str = "train"
    ours: list[str] = field(default_factory=list)  # experiment and overrides; a regularizer's options
    numbers: list[int] = field(default_factory=list)  # for peers/worker.py
    small: list[str] = field(default_factory=list)  # overrides of --quick
    warm: int = 2  # turns before the first that counts
    per: int = 1  # a call does so many


QIMS = "experiments/qims2025/"
MODEL = [128, 10, 64]  # side, batch, width
# As the networks of the tables; what has no part in a step is left out.
COMMON = ["data.source=phantom", "data.subset.count=0", "train.weight_decay=0", "train.lr=0.001"]
NARROW = ["backbone.seg.width=8"]


def jobs() -> list[Job]:
    std, rof = ["iterations=10"], ["model=rof", "iterations=10"]
    return [
        Job("train step, U-Net 64…1024", "model", "unet",
            [Peer("eager", EAGER, 0.20), Peer("fast", FAST, 0.90, 2), Peer("strided", STRIDED, None, 2)], 8, 2,
            ours=[QIMS + "unet.toml", *COMMON], numbers=MODEL, small=NARROW),
        Job("train step, ResNet-50", "model", "resnet50",
            [Peer("eager", f"torchvision: {EAGER}", 0.50, 2), Peer("fast", f"torchvision: {FAST}", 0.90, 3)], 10, 3,
            ours=["benchmarks/step/resnet50.toml"], numbers=MODEL),
        Job("train step, DeepLabv3+", "model", "deeplabv3plus",
            [Peer("eager", f"SMP: {EAGER}", 0.55), Peer("fast", f"SMP: {FAST}")], 8, 2,
            ours=[QIMS + "deeplabv3plus.toml", *COMMON, "backbone.seg.rates=[12,24,36]", "backbone.seg.dropout=0",
                  "head.mask.upsample=corners"], numbers=MODEL),
        Job("train step, the whole QIMS model", "model", "proposed",
            [Peer("eager", EAGER, 0.30), Peer("fast", FAST), Peer("strided", STRIDED)], 5, 1,
            ours=[QIMS + "proposed.toml", *COMMON], numbers=MODEL, small=NARROW, warm=1),
        Job("STD, forward and backward, 10 iterations", "regularizer", "std",
            [Peer("eager", EAGER, 0.04, 5), Peer("compiled", COMPILED, 0.20, 10)], 15, 40, ours=std, numbers=MODEL[:2]),
        Job("TV (ROF), forward and backward, 10 iterations", "regularizer", "tv",
            [Peer("eager", EAGER, 0.10, 10), Peer("compiled", COMPILED, None, 20)], 15, 40, ours=rof, numbers=MODEL[:2]),
        Job("seven metrics of two masks of 128×128", "metrics", "-",
            [Peer("monai", "MONAI", 0.05), Peer("medpy", "MedPy", 0.10, 2)], 9, 50, "infer", numbers=[1, 40], per=40),
        Job("seven metrics of two masks of 64×128×128", "metrics", "-", [Peer("monai", "MONAI", 0.10, 2)], 9, 10,
            "infer", numbers=[64, 5], per=5),
        Job("inference, ResU-Net 64…512", "model", "resunet",
            [Peer("eager", EAGER, 0.18), Peer("fast", FAST, None, 3), Peer("strided", STRIDED, None, 3)], 8, 4, "infer",
            ours=[QIMS + "resunet.toml", *COMMON], numbers=MODEL, small=NARROW),
    ]


def smaller(job: Job) -> Job:
    """For --quick: seconds for everything, and no times worth anything."""
    job.rounds = job.calls = job.warm = 1
    for peer in job.peers:
        peer.calls = 1
    if job.kind == "metrics":
        job.numbers, job.per = [min(job.numbers[0], 8), 2], 2
        return job
    job.numbers = [64, 4, 8][:len(job.numbers)]  # smaller, and a batch norm makes noise of one value a channel
    if job.kind == "model":
        job.ours = [*job.ours, "data.roi=[64,64]", *job.small]
    return job
