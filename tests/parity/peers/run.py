# SPDX-License-Identifier: Apache-2.0
"""Compares every part of Hilum with its peers and prints a table; exit code 1 where one differs.

python tests/parity/peers/run.py --hilum build/bin/hilum [--only backbone/unet] [--page docs/parity.md]
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import torch
from compare import TOLERANCE, Case, Hilum, Result, compare

FAMILIES = ("resnet50", "deeplabv3plus", "unet", "resunet", "resunetpp", "fusions", "regularizers", "heads")
PACKAGES = ("torch", "torchvision", "segmentation-models-pytorch", "numpy")
BEGIN, END = "<!-- results: written by make parity-pages -->", "<!-- end of results -->"


def results(hilum: Hilum, only: str) -> Iterator[Result]:
    for family in FAMILIES:
        cases: list[Case] = importlib.import_module(family).cases()
        for case in cases:
            if case.plugin.startswith(only):
                yield from compare(hilum, case)
    # What is no function of tensors alone: whole models, losses on data from files, published names.
    for family in ("models", "losses", "weights"):
        module = importlib.import_module(family)
        if not only or only == family:
            yield from module.results(hilum)


def line(result: Result) -> str:
    if result.error:
        return f"FAIL  {result.plugin:24} {result.dtype}  {result.setting}\n      {result.error}"
    verdict = "pass" if result.passed else "FAIL"
    text = (f"{verdict}  {result.plugin:24} {result.dtype}  {result.outputs:8.1e} {result.gradients:8.1e} "
            f"{result.compared:4} {result.rounded or '':4}  {result.setting}")
    return text if result.passed else f"{text}\n      worst: {result.worst}"


def versions(hilum: Hilum) -> str:
    return ", ".join([hilum.version(), *(f"{package} {version(package)}" for package in PACKAGES)])


def figure(value: float) -> str:
    return "0" if value == 0 else f"{value:.0e}"


def table(all_results: list[Result]) -> str:
    """One row a part, peer and setting; both precisions beside each other."""
    rows: dict[tuple[str, str, str], dict[str, Result]] = {}
    for r in all_results:
        rows.setdefault((r.plugin, r.against, r.setting), {})[r.dtype] = r
    lines = ["| part | beside | setting | tensors | f32 out | f32 grad | rounded | f64 out | f64 grad |",
             "| --- | --- | --- | --: | --: | --: | --: | --: | --: |"]
    for (plugin, against, setting), by in rows.items():
        figures = [figure(getattr(by[dtype], what)) if dtype in by else ""
                   for dtype in TOLERANCE for what in ("outputs", "gradients")]
        figures.insert(2, str(by["f32"].rounded or ""))
        lines.append(f"| `{plugin}` | {against} | {setting} | {next(iter(by.values())).compared} | "
                     + " | ".join(figures) + " |")
    return "\n".join(lines)


def write_page(page: Path, hilum: Hilum, all_results: list[Result]) -> None:
    text = page.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    body = f"{BEGIN}\nMade with {versions(hilum)}.\n\n{table(all_results)}\n{END}"
    page.write_text(before + body + after)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hilum", type=Path, default=Path("build/bin/hilum"), help="the program")
    parser.add_argument("--only", default="", help="parts whose address begins so: backbone/unet, fusion; or models, "
                                                   "losses, weights")
    parser.add_argument("--page", type=Path, help="write the table of results into this page")
    arguments = parser.parse_args()
    if arguments.page and arguments.only:
        parser.error("--page is a table of everything; leave out --only")
    torch.set_num_threads(2)
    hilum = Hilum(arguments.hilum)
    print(versions(hilum))
    print("      part                     dtype out      grad     tensors, of them rounded, setting")
    start, done = time.monotonic(), []
    for result in results(hilum, arguments.only):
        done.append(result)
        print(line(result), flush=True)
    failed = [r for r in done if not r.passed]
    limits = ", ".join(f"{limit:.0e} in {dtype}" for dtype, limit in TOLERANCE.items())
    print(f"{len(done) - len(failed)} of {len(done)} within {limits}; {time.monotonic() - start:.0f} s")
    if arguments.page and not failed:
        write_page(arguments.page, hilum, done)
    return 1 if failed or not done else 0


if __name__ == "__main__":
    sys.exit(main())
