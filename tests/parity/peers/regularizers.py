# SPDX-License-Identifier: Apache-2.0
"""Regularizers: soft threshold dynamics (QIMS paper, eqs. 3 to 6) and total variation, in 2D and 3D.

Logits `u` [N,K,...] in, logits `z` out; `c` [N,1] is the guide, which is never learned from.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from compare import Case, normal
from torch import Tensor, nn


def gaussian(sigma: Tensor, half: int, dims: int) -> Tensor:
    """exp(−|r|²/2σ²) on (2·half+1)^dims points, of sum 1."""
    r = torch.arange(-half, half + 1, dtype=sigma.dtype)
    axes = torch.meshgrid(*[r] * dims, indexing="ij")
    k = torch.exp(-sum(axis * axis for axis in axes) / (2 * sigma * sigma))
    return k / k.sum()


class SoftThreshold(nn.Module):
    """x⁰ = Sig(u); x ← Sig((u − λ1·k*(1−2x) − λ2(1−c))/ε), with the whole kernel, one channel at a time."""

    def __init__(self, sigma: float, lambda1: float, lambda2: float, epsilon: float, iterations: int, half_size: int,
                 padding: str, learn: list[str]) -> None:
        super().__init__()
        for name, value in {"sigma": sigma, "lambda1": lambda1, "lambda2": lambda2, "epsilon": epsilon}.items():
            setattr(self, name, nn.Parameter(torch.tensor([value], dtype=torch.float64), requires_grad=name in learn))
        self.iterations, self.half, self.padding = iterations, half_size, padding

    def smooth(self, x: Tensor) -> Tensor:
        dims = x.dim() - 2
        kernel = gaussian(self.sigma, self.half, dims)
        mode = {"zero": "constant", "replicate": "replicate"}[self.padding]
        padded = F.pad(x, [self.half] * (2 * dims), mode=mode)
        convolve = F.conv2d if dims == 2 else F.conv3d
        return torch.cat([convolve(padded[:, k : k + 1], kernel[None, None]) for k in range(x.shape[1])], 1)

    def forward(self, u: Tensor, c: Tensor | None = None) -> dict[str, Tensor]:
        base = u
        if c is not None:
            base = u - self.lambda2 * (1 - c).reshape(-1, *[1] * (u.dim() - 1))
        x, z = torch.sigmoid(u), u
        for _ in range(self.iterations):
            z = (base - self.lambda1 * self.smooth(1 - 2 * x)) / self.epsilon
            x = torch.sigmoid(z)
        return {"z": z}


def axes_of(x: Tensor) -> range:
    return range(2, x.dim())


def forward_difference(x: Tensor, axis: int) -> Tensor:
    """x[i+1] − x[i]; 0 at the end."""
    return torch.diff(x, dim=axis, append=x.narrow(axis, x.shape[axis] - 1, 1))


def divergence(p: list[Tensor]) -> Tensor:
    """Minus the adjoint of the forward differences."""
    total = torch.zeros_like(p[0])
    for axis, component in zip(axes_of(p[0]), p):
        inner = component.narrow(axis, 0, component.shape[axis] - 1)
        zero = torch.zeros_like(component.narrow(axis, 0, 1))
        total = total + torch.diff(torch.cat([zero, inner, zero], axis), dim=axis)
    return total


class Entropic(nn.Module):
    """min −⟨x,u⟩ + εH(x) + λTV(x): ξ ← Π(ξ − τ∇x) onto |ξ| ≤ λ, x ← Sig((u − div ξ)/ε) (Jia, Liu, Tai 2021)."""

    def __init__(self, lam: float, lambda2: float, epsilon: float, iterations: int, step: float,
                 isotropic: bool) -> None:
        super().__init__()
        self.lam = nn.Parameter(torch.tensor([lam], dtype=torch.float64))
        self.lambda2 = nn.Parameter(torch.tensor([lambda2], dtype=torch.float64))
        self.epsilon, self.iterations, self.step, self.isotropic = epsilon, iterations, step, isotropic

    def project(self, xi: list[Tensor]) -> list[Tensor]:
        if not self.isotropic:
            return [torch.maximum(torch.minimum(part, self.lam), -self.lam) for part in xi]
        # The norm has no slope where the field is 0; nothing is projected there.
        square = sum(part * part for part in xi)
        norm = torch.where(square > 0, square, 1).sqrt() * (square > 0)
        return [part / torch.clamp(norm / self.lam, min=1) for part in xi]

    def forward(self, u: Tensor, c: Tensor | None = None) -> dict[str, Tensor]:
        if c is not None:
            u = u - self.lambda2 * (1 - c).reshape(-1, *[1] * (u.dim() - 1))
        xi = [torch.zeros_like(u) for _ in axes_of(u)]
        z = u / self.epsilon
        for _ in range(self.iterations):
            x = torch.sigmoid(z)
            moved = [part - self.step * forward_difference(x, axis) for part, axis in zip(xi, axes_of(u))]
            xi = self.project(moved)
            z = (u - divergence(xi)) / self.epsilon
        return {"z": z}


class Rof(nn.Module):
    """min TV(x) + |x − Sig(u)|²/(2λ) by Chambolle's dual iterations (JMIV 2004); the logit of the clamped result."""

    def __init__(self, lam: float, iterations: int, step: float, isotropic: bool) -> None:
        super().__init__()
        self.lam = nn.Parameter(torch.tensor([lam], dtype=torch.float64))
        self.iterations, self.step, self.isotropic = iterations, step, isotropic

    def forward(self, u: Tensor) -> dict[str, Tensor]:
        f = torch.sigmoid(u)
        p = [torch.zeros_like(f) for _ in axes_of(f)]
        for _ in range(self.iterations):
            residual = divergence(p) - f / self.lam
            slopes = [forward_difference(residual, axis) for axis in axes_of(f)]
            # 1e-12 under the root gives it a slope at 0.
            length = torch.sqrt(sum(s * s for s in slopes) + 1e-12)
            p = [(part + self.step * slope) / (1 + self.step * (length if self.isotropic else slope.abs()))
                 for part, slope in zip(p, slopes)]
        x = torch.clamp(f - self.lam * divergence(p), 1e-6, 1 - 1e-6)
        return {"z": torch.log(x) - torch.log1p(-x)}


def std_cases() -> list[Case]:
    plane, volume, guide = 2 * normal(2, 1, 24, 20), 2 * normal(2, 2, 7, 9, 8), torch.tensor([[0.9], [0.2]]).double()
    start = {"sigma": 1.0, "lambda1": 1.0, "lambda2": 0.5, "epsilon": 1.0, "iterations": 10, "half_size": 2,
             "padding": "zero"}
    everything = ["sigma", "lambda1", "lambda2", "epsilon"]
    against = "PyTorch, from the QIMS paper's eqs. 3 to 6"

    def case(u: Tensor, guided: bool, learn: list[str], **changes: object) -> Case:
        settings = start | changes
        inputs = {"u": u, "c": guide} if guided else {"u": u}
        return Case("regularizer/std", against, SoftThreshold(**settings, learn=learn), inputs,
                    changes | {"learn": learn}, note="guide" if guided else "", without_weights=True, constant=("c",))

    return [
        case(plane, True, ["sigma", "lambda2"]),
        case(plane, True, everything, sigma=0.8, half_size=3, epsilon=0.5, lambda2=2.0),
        case(plane, True, everything, sigma=10.0, half_size=3, lambda1=5.0, padding="replicate"),
        case(plane, False, ["sigma", "lambda1", "epsilon"], iterations=1, half_size=1),
        case(volume, True, everything, sigma=1.5, lambda1=2.0),
    ]


def tv_cases() -> list[Case]:
    plane, volume, guide = 2 * normal(2, 1, 24, 20), 2 * normal(2, 2, 7, 9, 8), torch.tensor([[0.9], [0.2]]).double()
    cases = []
    for u, isotropic, guided, epsilon in ((plane, True, True, 1.0), (plane, False, False, 0.5),
                                          (volume, True, True, 1.0)):
        options = {"model": "entropic", "norm": "isotropic" if isotropic else "anisotropic", "iterations": 20,
                   "lambda": 0.3, "lambda2": 0.7, "epsilon": epsilon, "step": 0.3 * epsilon}
        peer = Entropic(0.3, 0.7, epsilon, 20, 0.3 * epsilon, isotropic)
        peer.lambda2.requires_grad_(guided)
        cases.append(Case("regularizer/tv", "PyTorch, from Jia, Liu, Tai 2021", peer,
                          {"u": u, "c": guide} if guided else {"u": u}, options, note="guide" if guided else "",
                          ours=tv_name, without_weights=True, constant=("c",)))
    for u, isotropic, step in ((plane, True, 0.25), (plane, False, 0.2), (volume, True, 0.15)):
        options = {"model": "rof", "norm": "isotropic" if isotropic else "anisotropic", "iterations": 10,
                   "lambda": 0.1, "step": step}
        cases.append(Case("regularizer/tv", "PyTorch, from Chambolle 2004", Rof(0.1, 10, step, isotropic), {"u": u},
                          options, ours=tv_name, without_weights=True))
    return cases


def tv_name(name: str) -> str:
    return "lambda" if name == "lam" else name


def cases() -> list[Case]:
    return std_cases() + tv_cases()
