# SPDX-License-Identifier: Apache-2.0
"""The peers in bench_peers.py, as step_bench.cpp is ours: one command a line, one line of JSON as its answer.

worker.py model NAME FOLDER SIDE BATCH WIDTH | regularizer NAME FOLDER SIDE BATCH | metrics NAME FOLDER DEPTH COUNT
Where FOLDER lacks the inputs and weights that both sides read, they are made from a seed.
Lines: train VARIANT N, infer VARIANT N, check VARIANT FILE, rss.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Protocol

warnings.filterwarnings("ignore")

import torch  # noqa: E402
from safetensors.torch import save_file  # noqa: E402


class Work(Protocol):
    about: str

    def train(self, variant: str) -> float: ...
    def infer(self, variant: str) -> None: ...
    def check(self, variant: str) -> dict[str, torch.Tensor]: ...


def made(kind: str, name: str, folder: Path, *numbers: int) -> Work:
    if kind == "model":
        import networks
        return networks.ModelWork(name, folder, *numbers)
    if kind == "regularizer":
        import smoothing
        return smoothing.RegularizerWork(name, folder, *numbers)
    import masks
    return masks.MetricsWork(name, folder, *numbers)


def repeat(work: Work, command: str, variant: str, times: int) -> dict:
    ms, loss = [], []
    cpu, start = time.process_time(), time.perf_counter()
    for _ in range(times):
        begin = time.perf_counter()
        if command == "train":
            loss.append(work.train(variant))
        else:
            work.infer(variant)
        ms.append(1e3 * (time.perf_counter() - begin))
    return {"ms": ms, "loss": loss, "cpu": (time.process_time() - cpu) / (time.perf_counter() - start)}


def memory() -> dict:
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {"mb": int(fields["VmRSS"].split()[0]) / 1024, "peak_mb": int(fields["VmHWM"].split()[0]) / 1024}


def answer(work: Work, line: str) -> dict:
    command, *rest = line.split()
    if command in ("train", "infer"):
        return repeat(work, command, rest[0], int(rest[1]))
    if command == "rss":
        return memory()
    save_file(work.check(rest[0]), rest[1])
    return {"file": rest[1]}


def main() -> None:
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    kind, name, folder, *numbers = sys.argv[1:]
    work = made(kind, name, Path(folder), *map(int, numbers))
    print(json.dumps({"about": work.about}), flush=True)
    for line in sys.stdin:
        try:
            print(json.dumps(answer(work, line)), flush=True)
        except Exception as error:  # whatever it was, the driver says it
            print(json.dumps({"error": f"{line.strip()}: {error!r}"}), flush=True)


if __name__ == "__main__":
    main()
