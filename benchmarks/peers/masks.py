# SPDX-License-Identifier: Apache-2.0
"""The seven metrics of pairs of masks by MONAI and by MedPy, a pair at a time as an evaluation meets them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

NAMES = ("dice", "iou", "precision", "sensitivity", "hd", "hd95", "assd")


def blob(shape: tuple[int, ...], centre: np.ndarray, radius: np.ndarray, phase: float) -> np.ndarray:
    """An ellipsoid with an uneven surface."""
    offsets = [(axis - c) / r for axis, c, r in zip(np.indices(shape), centre, radius)]
    distance = np.sqrt(sum(o * o for o in offsets))
    uneven = 0.12 * np.sin(3 * np.arctan2(offsets[-2], offsets[-1]) + phase) + 0.06 * np.sin(7 * offsets[-1] + phase)
    return distance + uneven < 1


def pairs(shape: tuple[int, ...], count: int) -> dict[str, torch.Tensor]:
    random, dims = np.random.default_rng(0), len(shape)
    low, high = ([3, 6, 6], [8, 22, 22]) if dims == 3 else ([3, 3], [25, 25])
    truths, preds, spacings = [], [], []
    for _ in range(count):
        centre, radius = np.array(shape) * random.uniform(0.35, 0.65, dims), random.uniform(low, high)
        truths.append(blob(shape, centre, radius, random.uniform(0, 6)))
        preds.append(blob(shape, centre + random.normal(0, 1.5, dims), radius * random.uniform(0.8, 1.25, dims),
                          random.uniform(0, 6)))
        plane = random.uniform(0.5, 0.9)
        spacings.append([2.5, plane, plane][3 - dims:])
    return {"pred": torch.from_numpy(np.array(preds, np.uint8)), "truth": torch.from_numpy(np.array(truths, np.uint8)),
            "spacing": torch.tensor(spacings, dtype=torch.float64)}


def monai(pred: np.ndarray, truth: np.ndarray, spacing: list[float]) -> dict[str, float]:
    from monai import metrics

    a, b = (torch.from_numpy(mask[None, None]).float() for mask in (pred, truth))
    counts = metrics.get_confusion_matrix(a, b)
    hausdorff = {name: metrics.compute_hausdorff_distance(a, b, include_background=True, percentile=percentile,
                                                          spacing=spacing)
                 for name, percentile in (("hd", None), ("hd95", 95))}
    found = {
        "dice": metrics.compute_dice(a, b),
        "iou": metrics.compute_iou(a, b),
        "precision": metrics.compute_confusion_matrix_metric("precision", counts),
        "sensitivity": metrics.compute_confusion_matrix_metric("sensitivity", counts),
        "assd": metrics.compute_average_surface_distance(a, b, include_background=True, symmetric=True,
                                                         spacing=spacing),
    }
    return {name: t.item() for name, t in (found | hausdorff).items()}


def medpy(pred: np.ndarray, truth: np.ndarray, spacing: list[float]) -> dict[str, float]:
    from medpy.metric import binary

    return {"dice": binary.dc(pred, truth), "iou": binary.jc(pred, truth), "precision": binary.precision(pred, truth),
            "sensitivity": binary.recall(pred, truth), "hd": binary.hd(pred, truth, spacing),
            "hd95": binary.hd95(pred, truth, spacing), "assd": binary.assd(pred, truth, spacing)}


class MetricsWork:
    """MedPy's hd95 is the percentile of both directions' distances together: another figure, so it is not compared."""

    def __init__(self, _: str, folder: Path, depth: int, count: int) -> None:
        if not (folder / "inputs.safetensors").exists():
            save_file(pairs((depth, 128, 128) if depth > 1 else (128, 128), count), folder / "inputs.safetensors")
        given = load_file(folder / "inputs.safetensors")
        self.pairs = [(p.bool().numpy(), t.bool().numpy(), s.tolist())
                      for p, t, s in zip(given["pred"], given["truth"], given["spacing"])]
        self.about = f"{len(self.pairs)} pairs"

    def train(self, _: str) -> float:
        raise ValueError("there is nothing to train here")

    def each(self, variant: str) -> list[dict[str, float]]:
        return [{"monai": monai, "medpy": medpy}[variant](*pair) for pair in self.pairs]

    def infer(self, variant: str) -> None:
        self.each(variant)

    def check(self, variant: str) -> dict[str, torch.Tensor]:
        found = self.each(variant)
        return {name: torch.tensor([values[name] for values in found], dtype=torch.float64) for name in NAMES
                if (variant, name) != ("medpy", "hd95")}
