# SPDX-License-Identifier: Apache-2.0
"""One part of Hilum beside an independent implementation: the same numbers in, the numbers out compared."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

Named = dict[str, Tensor]

# What the largest relative difference of a case may be.
TOLERANCE = {"f32": 1e-5, "f64": 1e-10}
DTYPES = {"f32": torch.float32, "f64": torch.float64}
# Where a deep network or a sum with cancellation loses digits, two right float32 implementations differ by more. Such
# a tensor may be this many times as far from the peer's float64 value as the peer's own float32 value is, at the
# inputs or at inputs that are one rounding away. Every one is counted in the table; in float64 it is compared as all
# others are.
ROUNDING = 10
# Beside the case's largest gradient, a gradient below this is zero but for rounding: of a bias before a batch norm
# in training, of a feature that is normalised afterwards.
ZERO = 1e-11


@dataclass
class Case:
    """A plugin with options, and the peer that it has to equal."""

    plugin: str  # "backbone/unet"
    against: str  # what the peer is, for the table
    peer: nn.Module  # float64; called with the inputs by name, returns the outputs by name
    inputs: Named  # float64, by the names of `hilum forward`
    options: Mapping[str, object] = field(default_factory=dict)
    note: str = ""  # for the table, beside the options
    train: bool = False
    # A peer's parameter or buffer as Hilum calls it.
    ours: Callable[[str], str] = staticmethod(lambda name: name)
    without_weights: bool = False  # values are options, such as a regularizer's sigma
    constant: tuple[str, ...] = ()  # inputs that get no gradient: a guide

    def setting(self) -> str:
        words = [f"{key}={text_of(value)}" for key, value in self.options.items()]
        sizes = "×".join(str(n) for n in next(iter(self.inputs.values())).shape)
        return " ".join([*words, *([self.note] if self.note else []), sizes, "train" if self.train else "eval"])


@dataclass
class Result:
    plugin: str
    against: str
    setting: str
    dtype: str
    outputs: float = float("inf")  # the largest relative difference
    gradients: float = float("inf")
    compared: int = 0  # tensors
    rounded: int = 0  # of them, those that float32 cannot tell to the tolerance; not in the two figures above
    worst: str = ""  # the tensor with the largest difference
    error: str = ""

    @property
    def passed(self) -> bool:
        limit = TOLERANCE[self.dtype]
        return not self.error and self.outputs <= limit and self.gradients <= limit


class Hilum:
    """The program, run in a folder that goes with the object, with a run store of its own."""

    def __init__(self, program: Path) -> None:
        self.program = program.resolve()
        self._folder = tempfile.TemporaryDirectory(prefix="hilum_parity_")
        self.folder = Path(self._folder.name)
        self._environment = os.environ | {"HILUM_RUNS": str(self.folder / "runs")}

    def __call__(self, *words: str) -> str:
        done = subprocess.run([self.program, *words], cwd=self.folder, env=self._environment, capture_output=True,
                              text=True)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()
            raise RuntimeError(f"hilum {' '.join(words)}: exit {done.returncode}: {said}")
        return done.stdout

    def version(self) -> str:
        return self("--version").strip()

    def forward(self, case: Case, dtype: str, inputs: Named, weights: Named | None) -> Named:
        words = ["forward", case.plugin, "--in", "in.safetensors", "--out", "out.safetensors", "--grad"]
        words += ["--dtype", dtype]
        for key, value in case.options.items():
            words += ["--set", f"{key}={text_of(value)}"]
        if case.train:
            words.append("--train")
        save_file(inputs, self.folder / "in.safetensors")
        if weights is not None:
            save_file(weights, self.folder / "weights.safetensors")
            words += ["--weights", "weights.safetensors"]
        self(*words)
        return load_file(self.folder / "out.safetensors")


def text_of(value: object) -> str:
    """A value as TOML writes it; strings without quotes, as on the command line."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def randomise(module: nn.Module, seed: int) -> nn.Module:
    """Batch norms with weights, biases and running means that are not 1 and 0, so that each is really tested."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(t: Tensor, low: float, high: float) -> None:
        with torch.no_grad():
            t.copy_(low + (high - low) * torch.rand(t.shape, generator=generator))

    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            uniform(part.weight, 0.6, 1.4)
            uniform(part.bias, -0.3, 0.3)
            uniform(part.running_mean, -0.2, 0.2)
            uniform(part.running_var, 0.5, 1.5)
    return module


def made(build: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    """The module in float64, with PyTorch's own initial weights from the seed and random batch norms."""
    torch.manual_seed(seed)
    # Values that float32 has too, so that both precisions see the same.
    return randomise(build(), seed).float().double()


def normal(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).double()


def differences(ours: Named, theirs: Named, floor: Mapping[str, float] | None = None) -> dict[str, float]:
    """max|ours − theirs| / max|theirs| of each tensor; below `floor`, the floor is what is divided by."""
    worst = {}
    for name, reference in theirs.items():
        if ours[name].shape != reference.shape:
            raise RuntimeError(f"{name}: ours is {list(ours[name].shape)}, the peer's is {list(reference.shape)}")
        if not (torch.isfinite(reference).all() and torch.isfinite(ours[name]).all()):
            raise RuntimeError(f"{name}: not finite, ours or the peer's")
        difference = (ours[name].double() - reference.double()).abs().max().item()
        scale = max(largest(reference), (floor or {}).get(name, 0.0))
        worst[name] = difference / scale if difference else 0.0
    return worst


def largest(t: Tensor) -> float:
    return t.abs().max().item()


@dataclass
class Values:
    """What one side gives: outputs, and gradients of the sum of all outputs as "grad.NAME"."""

    outputs: Named
    gradients: Named

    @staticmethod
    def of(tensors: Named) -> Values:
        return Values({n: t for n, t in tensors.items() if not n.startswith("grad.")},
                      {n: t for n, t in tensors.items() if n.startswith("grad.")})

    def zeros(self) -> dict[str, float]:
        """Gradients that are zero but for rounding, and what they are measured beside: the largest of all."""
        top = max((largest(t) for t in self.gradients.values()), default=0.0)
        return {name: top for name, t in self.gradients.items() if largest(t) < ZERO * top}


def typed(tensors: Named, dtype: str) -> Named:
    return {name: t.to(DTYPES[dtype]) for name, t in tensors.items()}


def evaluate(peer: nn.Module, inputs: Named, dtype: str, ours: Callable[[str], str], constant: tuple[str, ...] = (),
             train: bool = False) -> Values:
    """The peer at this precision; a copy, since training changes a batch norm's running means."""
    peer = copy.deepcopy(peer).to(DTYPES[dtype]).train(train)
    inputs = {name: t.clone().requires_grad_(name not in constant) for name, t in typed(inputs, dtype).items()}
    outputs = peer(**inputs)
    sum(out.sum() for out in outputs.values()).backward()
    gradients = {f"grad.{name}": t.grad for name, t in inputs.items() if name not in constant}
    gradients |= {f"grad.{ours(n)}": p.grad for n, p in peer.named_parameters() if p.requires_grad}
    return Values({name: t.detach() for name, t in outputs.items()}, gradients)


def weights_of(case: Case, dtype: str) -> Named | None:
    if case.without_weights:
        return None
    state = copy.deepcopy(case.peer).to(DTYPES[dtype]).state_dict()
    return {case.ours(name): t.contiguous() for name, t in state.items()}


def same_names(ours: Iterable[str], theirs: Iterable[str], what: str) -> None:
    missing, extra = sorted(set(theirs) - set(ours)), sorted(set(ours) - set(theirs))
    if missing or extra:
        raise RuntimeError(f"{what}: only the peer has {missing[:6]}, only Hilum has {extra[:6]}")


def nudged(inputs: Named) -> Named:
    """Each value up or down by one rounding of float32."""
    generator = torch.Generator().manual_seed(7)

    def nudge(t: Tensor) -> Tensor:
        return t * (1 + torch.finfo(torch.float32).eps * (2 * torch.randint(0, 2, t.shape, generator=generator) - 1))

    return {name: nudge(t) for name, t in inputs.items()}


def lost_in_float32(beside: dict[str, float], ours: Named, truth: Named, theirs: list[Named],
                    floor: Mapping[str, float]) -> set[str]:
    """Names of the tensors over the tolerance whose difference is the rounding that the peer has itself."""
    limit = TOLERANCE["f32"]
    off = differences(ours, truth, floor)
    own = [differences(one, truth, floor) for one in theirs]
    allowed = {name: ROUNDING * max(o[name] for o in own) for name in beside}
    return {name for name, d in beside.items() if d > limit and allowed[name] > limit and off[name] <= allowed[name]}


def judge(result: Result, ours: Values, peer: Callable[[Named, str], Values], inputs: Named, exact: Values) -> None:
    """Fills the result. peer: its values at inputs and a precision; exact: those in float64."""
    theirs = peer(inputs, result.dtype) if result.dtype != "f64" else exact
    same_names(ours.outputs, theirs.outputs, "outputs")
    same_names(ours.gradients, theirs.gradients, "gradients")
    figures: dict[str, float] = {}
    worst = {"outputs": 0.0, "gradients": 0.0}
    for what, floor in (("outputs", {}), ("gradients", exact.zeros())):
        mine, reference, truth = (getattr(side, what) for side in (ours, theirs, exact))
        beside = differences(mine, reference, floor)
        if result.dtype == "f32" and max(beside.values(), default=0.0) > TOLERANCE["f32"]:
            again = getattr(peer(nudged(inputs), "f32"), what)
            lost = lost_in_float32(beside, mine, truth, [reference, again], floor)
            result.rounded += len(lost)
            beside = {n: d for n, d in beside.items() if n not in lost}
        worst[what] = max(beside.values(), default=0.0)
        figures |= beside
    result.outputs, result.gradients = worst["outputs"], worst["gradients"]
    result.compared = len(figures) + result.rounded
    result.worst = max(figures, key=figures.__getitem__, default="")


def compare(hilum: Hilum, case: Case) -> Iterator[Result]:
    def peer(inputs: Named, dtype: str) -> Values:
        return evaluate(case.peer, inputs, dtype, case.ours, case.constant, case.train)

    exact = peer(case.inputs, "f64")
    for dtype in TOLERANCE:
        result = Result(case.plugin, case.against, case.setting(), dtype)
        try:
            ours = Values.of(hilum.forward(case, dtype, typed(case.inputs, dtype), weights_of(case, dtype)))
            judge(result, ours, peer, case.inputs, exact)
        except (RuntimeError, KeyError, OSError) as error:
            result.error = str(error)
        yield result
