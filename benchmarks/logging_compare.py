#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Logging: Store::log beside MLflow's store in SQLite, in turns, on the same disk. `make bench-logging` runs it."""
import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))

# What is compared: a case of logging_bench and its figure, one of mlflow_logging.py and its figure.
ROWS = [
    ("1 a call", "mean", "log_metric", "mean"),
    ("1 a call", "mean", "log_metric, synchronous=False", "mean"),
    ("1 a call", "stored", "log_metric, synchronous=False", "stored"),
    ("20 a call", "mean", "log_metrics of 20", "mean"),
    ("20 a call, flushed 5 ms later", "mean", "log_metrics of 20", "mean"),
    ("20 a call, flushed at once", "mean", "log_metrics of 20", "mean"),
    ("1000 a call", "mean", "log_batch of 1000", "mean"),
    ("1000 a call", "stored", "log_batch of 1000", "stored"),
]


def ours(program, folder):
    run = subprocess.run([program, folder / "hilum"], stdout=subprocess.PIPE, text=True, check=True)
    return {case.pop("case"): case for case in map(json.loads, run.stdout.splitlines())}


def median(values, digits):
    return f"{statistics.median(values):.{digits}f} [{min(values):.{digits}f}, {max(values):.{digits}f}]"


def table(rounds):
    yield "| Hilum | us a scalar | MLflow | us a scalar | ratio |"
    yield "| --- | ---: | --- | ---: | ---: |"
    for case, figure, peer_case, peer_figure in ROWS:
        mine = [hilum[case][figure] for hilum, _ in rounds]
        theirs = [peer[peer_case][peer_figure] for _, peer in rounds]
        ratios = [b / a for a, b in zip(mine, theirs)]
        until = {"mean": "", "stored": ", until stored"}
        yield (f"| {case}{until[figure]} | {median(mine, 2)} | {peer_case}{until[peer_figure]} | "
               f"{median(theirs, 0)} | {median(ratios, 0)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", type=Path, help="build/benchmarks/logging_bench")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="on the disk to measure; default: the temporary one")
    options = parser.parse_args()
    if not options.program.is_file():
        parser.error(f"there is no program {options.program}: cmake --build build --target logging_bench")
    try:
        import mlflow_logging
    except ModuleNotFoundError as error:
        parser.error(f'{error}. Run it with the Python that "scripts/peer_env.sh logging_peer" prints')
    with tempfile.TemporaryDirectory(prefix="hilum_logging_", dir=options.folder) as name:
        folder = Path(name)
        peer = mlflow_logging.Store(folder / "mlflow")
        ours(options.program, folder), peer.round()  # made, filled and warm
        rounds = []
        for i in range(options.rounds):  # who is first changes
            if i % 2:
                theirs = peer.round()
                rounds.append((ours(options.program, folder), theirs))
            else:
                rounds.append((ours(options.program, folder), peer.round()))
    print("\n".join(table(rounds)))
    print(f"\nMedian [least, most] of {options.rounds} rounds; MLflow {mlflow_logging.mlflow.__version__}.")


if __name__ == "__main__":
    main()
