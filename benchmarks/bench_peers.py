#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ours and the Python peers' on the same work, in turns, in one run on one machine. `make bench-peers` runs it.

First both must compute the same from the same weights and inputs. Then a program of ours (step_bench) and one of
theirs (peers/worker.py) live side by side, one of them at work and the other waiting, and change places each turn.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks" / "peers"))

import startup  # noqa: E402
from jobs import Job, jobs, smaller  # noqa: E402
from page import Row, machine, milliseconds, table, versions, written  # noqa: E402
from pairing import Spread, Turns, Worker, alternate, ratio  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")


def seconds_of(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def busy_seconds() -> float:
    """Processor time of all programs so far, all cores together."""
    user, nice, system, _idle, _wait, irq, soft, *_ = map(int, Path("/proc/stat").read_text().split()[1:11])
    return (user + nice + system + irq + soft) / TICK


class Bench:
    def __init__(self, build: Path, threads: int, folder: Path) -> None:
        self.build, self.threads, self.folder = build, threads, folder
        self.environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
        self.others, self.cores = 0.0, 0.0  # seconds that other programs took, of those there were
        self.used: list[float] = []  # cores in use, of each side of each network
        self.raw: dict[str, dict] = {}

    def inputs(self, job: Job) -> Path:
        folder = self.folder / f"{job.name}_{job.numbers[0]}"
        folder.mkdir(exist_ok=True)
        return folder

    def theirs(self, job: Job) -> Worker:
        words = [sys.executable, "-B", ROOT / "benchmarks/peers/worker.py", job.kind, job.name, self.inputs(job)]
        return Worker([*words, *job.numbers], self.environment)

    def ours(self, job: Job, *more: str) -> Worker:
        program, given = self.build / "benchmarks/step_bench", self.inputs(job)
        words: list[object] = [given / "inputs.safetensors"]
        if job.kind == "regularizer":
            words = [job.name, *words, *job.ours]
        elif job.kind == "model":
            words = [ROOT / job.ours[0], *words, *job.ours[1:], f"train.init={given / 'weights.safetensors'}", *more]
        return Worker([program, job.kind, *words], self.environment)

    def same(self, job: Job, theirs: Worker) -> None:
        """Raises where a peer does something else."""
        from compare_works import same

        with self.ours(job, "train.precision=float32") as ours:
            first = job.peers[:1] if job.kind == "model" else job.peers  # variants of one network
            for peer in first:
                text = same(ours, theirs, peer.variant, job.kind == "model" and job.command == "train",
                            self.inputs(job))
                print(f"  {peer.name}: {text}", flush=True)

    def measure(self, job: Job) -> list[Row]:
        print(f"{job.work}", flush=True)
        with self.theirs(job) as theirs:
            self.same(job, theirs)
            with self.ours(job) as ours:
                print(f"  ours: {ours.about.split('; ')[0]}", flush=True)
                mine = Turns("ours", lambda: ours.ask(f"{job.command} {job.calls}"))
                parts = [Turns(peer.name, lambda p=peer: theirs.ask(f"{job.command} {p.variant} {p.calls}"))
                         for peer in job.peers]
                for part in (mine, *parts):
                    for _ in range(job.warm):
                        part.work()
                self.watched([ours.pid, theirs.pid], lambda: alternate([mine, *parts], job.rounds))
        self.raw[job.work] = {part.name: {"ms": part.ms, "cores": part.cores} for part in (mine, *parts)}
        if job.kind == "model":
            self.used += [Spread.of(part.cores).median for part in (mine, *parts)]
        rows = []
        for peer, part in zip(job.peers, parts):
            row = Row(job.work, peer.name, milliseconds(Spread.of(mine.ms).median / job.per),
                      milliseconds(Spread.of(part.ms).median / job.per), ratio(mine.ms, part.ms), peer.goal)
            print(f"  {row.line()} cores in use {Spread.of(mine.cores).median:.2f}, "
                  f"{Spread.of(part.cores).median:.2f}", flush=True)
            rows.append(row)
        return rows

    def watched(self, pids: list[int], work) -> None:
        def own() -> float:
            return sum(map(seconds_of, pids))

        start, busy, mine = time.monotonic(), busy_seconds(), own()
        work()
        self.others += max(0.0, busy_seconds() - busy - (own() - mine))
        self.cores += (time.monotonic() - start) * (os.cpu_count() or 1)

    def memory(self, job: Job, times: int) -> list[Row]:
        """The largest resident set after three steps, each time in a new process."""
        print(f"memory: {job.work}", flush=True)
        peaks: dict[str, list[float]] = {}
        for _ in range(times):
            with self.ours(job) as ours:
                ours.ask("train 3")
                peaks.setdefault("ours", []).append(ours.ask("rss")["peak_mb"])
            for peer in [p for p in job.peers if p.variant != "strided"]:
                with self.theirs(job) as theirs:
                    theirs.ask(f"train {peer.variant} 3")
                    peaks.setdefault(peer.variant, []).append(theirs.ask("rss")["peak_mb"])
        self.raw[f"memory: {job.work}"] = peaks
        return [Row(f"peak memory, {job.work}", peer.name, f"{Spread.of(peaks['ours']).median:.0f} MB",
                    f"{Spread.of(peaks[peer.variant]).median:.0f} MB", ratio(peaks["ours"], peaks[peer.variant]),
                    0.85 if peer.variant == "eager" else None) for peer in job.peers if peer.variant in peaks]

    def tried(self, work: str, measured) -> list[Row]:
        try:
            return measured()
        except (RuntimeError, OSError, KeyError, subprocess.SubprocessError) as error:
            print(f"  no figure: {error}", flush=True)
            return [Row(work, "", note=f"no figure: {str(error).splitlines()[0]}")]

    def all(self, only: str, quick: bool) -> list[Row]:
        rows = []
        chosen = [smaller(job) if quick else job for job in jobs() if only in job.work]
        for job in chosen:
            rows += self.tried(job.work, lambda: self.measure(job))
        for job in chosen:
            if job.name == "unet":
                rows += self.tried(f"peak memory, {job.work}", lambda: self.memory(job, 1 if quick else 3))
        if not only:
            print("start-up", flush=True)
            rows += self.tried("start-up", lambda: startup.rows(self.build / "bin/hilum", ROOT, self.environment,
                                                                1 if quick else 7))
        return rows


def git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True).stdout.strip()


def body(bench: Bench, rows: list[Row], minutes: float) -> str:
    hilum = subprocess.run([bench.build / "bin/hilum", "--version"], capture_output=True, text=True).stdout.strip()
    commit = git("rev-parse", "--short", "HEAD") or "unknown"
    changed = " with changes" if git("status", "--porcelain", "--untracked-files=no") else ""
    others = 100 * bench.others / bench.cores if bench.cores else 0
    used = f"; the networks had at least {min(bench.used):.2f} cores each" if bench.used else ""
    return "\n".join([
        f"- {date.today()}, {minutes:.0f} minutes; {hilum}, commit {commit}{changed}.",
        f"- {machine(bench.threads)}.",
        f"- While times were taken, other programs used {others:.1f} % of the cores{used}.",
        f"- Python {sys.version.split()[0]}, {versions()}.", "", table(rows)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="the folder with bin and benchmarks")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of each side")
    parser.add_argument("--only", default="", help="works whose name in the table has this in it")
    parser.add_argument("--quick", action="store_true", help="one round of small sizes: does everything run?")
    parser.add_argument("--page", type=Path, help="write the results into this page, between its markers")
    parser.add_argument("--json", type=Path, help="every round's times")
    options = parser.parse_args()
    if options.page and (options.only or options.quick):
        parser.error("--page is a table of everything at full size; leave out --only and --quick")
    if not (options.build / "benchmarks/step_bench").is_file():
        parser.error(f"there is no {options.build}/benchmarks/step_bench: cmake --build build --target step_bench demo")
    missing = [name for name in ("torch", "segmentation_models_pytorch", "monai", "medpy") if not find_spec(name)]
    if missing:
        parser.error(f'this Python lacks {", ".join(missing)}; scripts/peer_env.sh bench_peer prints one that has them')
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hilum_peers_") as folder:
        bench = Bench(options.build.resolve(), options.threads, Path(folder))
        rows = bench.all(options.only, options.quick)
    if not rows:
        parser.error(f"no work has '{options.only}' in its name: {'; '.join(job.work for job in jobs())}")
    text = body(bench, rows, (time.monotonic() - start) / 60)
    print(f"\n{text}")
    if options.json:
        options.json.write_text(json.dumps(bench.raw, indent=1))
    if options.page:
        options.page.write_text(written(options.page.read_text(), text))
    return 1 if any(row.value is None for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
