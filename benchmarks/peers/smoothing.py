# SPDX-License-Identifier: Apache-2.0
"""Regularizers in PyTorch, unrolled: one operation after the other, or made one by torch.compile."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "parity" / "peers"))

import regularizers  # noqa: E402

ITERATIONS = 10


def std() -> nn.Module:
    return regularizers.SoftThreshold(1.0, 1.0, 0.5, 1.0, ITERATIONS, 2, "zero", ["sigma", "lambda2"])


def rof() -> nn.Module:
    return regularizers.Rof(0.1, ITERATIONS, 0.25, True)


class RegularizerWork:
    def __init__(self, name: str, folder: Path, side: int, count: int) -> None:
        self.net = {"std": std, "tv": rof}[name]().float()
        self.compiled = torch.compile(self.net)  # at its first call, which takes half a minute
        if not (folder / "inputs.safetensors").exists():
            generator = torch.Generator().manual_seed(1)
            inputs = {"u": 2 * torch.randn(count, 1, side, side, generator=generator),
                      "grad": torch.randn(count, 1, side, side, generator=generator)}
            if name == "std":
                inputs["c"] = torch.rand(count, 1, generator=generator)
            save_file(inputs, folder / "inputs.safetensors")
        self.inputs = load_file(folder / "inputs.safetensors")
        self.grad = self.inputs.pop("grad")
        self.inputs["u"].requires_grad_(True)
        self.to = {regularizers.tv_name(n): p for n, p in self.net.named_parameters() if p.requires_grad}
        self.to["u"] = self.inputs["u"]
        self.about = f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads"

    def network(self, variant: str) -> nn.Module:
        return self.compiled if variant == "compiled" else self.net

    def gradients(self, variant: str) -> tuple[Tensor, tuple[Tensor, ...]]:
        z = self.network(variant)(**self.inputs)["z"]
        return z, torch.autograd.grad(z, list(self.to.values()), self.grad)

    def train(self, variant: str) -> float:
        self.gradients(variant)
        return 0.0

    @torch.inference_mode()
    def infer(self, variant: str) -> None:
        self.network(variant)(**self.inputs)

    def check(self, variant: str) -> dict[str, Tensor]:
        z, found = self.gradients(variant)
        return {"z": z.detach().contiguous()} | {f"grad.{n}": t.contiguous() for n, t in zip(self.to, found)}
