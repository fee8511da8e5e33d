# SPDX-License-Identifier: Apache-2.0
"""The table of bench_peers.py and its page. Only the standard library."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pairing import Spread, verdict

BEGIN, END = "<!-- results: written by make bench-peers -->", "<!-- end of results -->"
PACKAGES = ("torch", "torchvision", "segmentation-models-pytorch", "monai", "medpy", "scipy", "numpy")


@dataclass
class Row:
    work: str
    beside: str
    ours: str = ""
    theirs: str = ""
    value: Spread | None = None  # ours / theirs; or ours alone, where nobody is beside it
    goal: float | None = None
    unit: str = ""
    note: str = ""  # in place of a figure

    def line(self) -> str:
        if self.value is None:
            return f"| {self.work} | {self.beside} | | | {self.note} | | |"
        goal = "" if self.goal is None else f"{self.goal:g}{self.unit}"
        digits = 3 if self.value.median < 0.1 else 2
        figure = f"{self.value.text(digits)}{self.unit}, {self.value.count}"
        return (f"| {self.work} | {self.beside} | {self.ours} | {self.theirs} | {figure} | {goal} | "
                f"{verdict(self.value.median, self.goal)} |")


def table(rows: list[Row]) -> str:
    head = ["| work | beside | ours | theirs | ours / theirs [quartiles], rounds | goal: at most | |",
            "| --- | --- | ---: | ---: | ---: | ---: | --- |"]
    return "\n".join([*head, *(row.line() for row in rows)])


def milliseconds(value: float) -> str:
    return f"{value:.0f} ms" if value >= 100 else f"{value:.3g} ms"


def machine(threads: int) -> str:
    info = Path("/proc/cpuinfo").read_text()
    found = re.search(r"^model name\s*: (.*)$", info, re.M)
    model = re.sub(r"\s+", " ", found[1]) if found else "unknown processor"
    have = set(re.search(r"^flags\s*: (.*)$", info, re.M)[1].split()) if "flags" in info else set()
    flags = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in have]
    gigabytes = int(re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())[1]) / 2**20
    return (f"{model}, {len(os.sched_getaffinity(0))} cores, {threads} threads for each side; "
            f"{', '.join(flags) or 'no AVX2'}; {gigabytes:.0f} GB")


def versions() -> str:
    def of(package: str) -> str:
        try:
            return f"{package} {version(package)}"
        except PackageNotFoundError:
            return f"{package} absent"

    return ", ".join(of(package) for package in PACKAGES)


def written(text: str, body: str) -> str:
    """A page with its results replaced; what people wrote around them stays."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"the page needs one line '{BEGIN}' and after it one line '{END}'")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{body}\n{END}{rest.split(END)[1]}"
