# SPDX-License-Identifier: Apache-2.0
"""Do both compute the same? Asked before anything is timed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pairing import Worker
from safetensors.numpy import load_file

OUTPUTS = 1e-4  # max|ours − theirs| / max|theirs| of each tensor, in float32
FIRST_LOSS = 1e-4  # of the first step's, before any update
LATER_LOSS = 1e-2  # Adam's first updates are signs of gradients: those that are nearly 0 may differ


def outputs_differ(ours: Path, theirs: Path) -> tuple[float, str]:
    """The largest difference and its tensor. Of what the peer has; ours may have more."""
    mine, reference = load_file(ours), load_file(theirs)
    worst = (0.0, "")
    for name, expected in reference.items():
        if name not in mine or mine[name].shape != expected.shape:
            here = list(mine[name].shape) if name in mine else "absent"
            raise RuntimeError(f"{name} is {list(expected.shape)} there and {here} here")
        scale = np.abs(expected).max()
        off = float(np.abs(mine[name].astype(np.float64) - expected).max() / (scale if scale else 1))
        if not off <= worst[0]:
            worst = (off, name)
    return worst


def same(ours: Worker, theirs: Worker, variant: str, trained: bool, folder: Path) -> str:
    """In words; raises where they are not."""
    mine, reference = folder / f"ours_{variant}.safetensors", folder / f"{variant}.safetensors"
    ours.ask(f"check {mine}")
    theirs.ask(f"check {variant} {reference}")
    off, name = outputs_differ(mine, reference)
    if not off <= OUTPUTS:
        raise RuntimeError(f"{name} differs by {off:.1e}, allowed {OUTPUTS:.0e}")
    text = f"outputs equal to {off:.0e}"
    if not trained:
        return text
    losses = [ours.ask("train 3")["loss"], theirs.ask(f"train {variant} 3")["loss"]]
    each = [abs(a / b - 1) for a, b in zip(*losses)]
    if not (each[0] <= FIRST_LOSS and max(each) <= LATER_LOSS):
        raise RuntimeError(f"losses of three steps are {losses[0]} here and {losses[1]} there")
    return f"{text}, losses of three steps to {', '.join(f'{e:.0e}' for e in each)}"
