# SPDX-License-Identifier: Apache-2.0
"""How long people wait for the program. Only the standard library."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from page import Row
from pairing import Spread


def listed(hilum: Path, environment: Mapping[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run([hilum, "plugins", "list"], env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def first_step(hilum: Path, experiment: Path, environment: Mapping[str, str]) -> float:
    """From the call of `hilum run` to its line about the first step."""
    start = time.perf_counter()
    run = subprocess.Popen([hilum, "run", experiment, "train.log_every=1"], env=environment, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    seen = []
    for line in run.stdout:
        seen.append(line)
        if " step 1/" in line:
            break
    seconds = time.perf_counter() - start
    run.kill()
    run.communicate()
    if not seen or " step 1/" not in seen[-1]:
        raise RuntimeError(f"hilum run {experiment} ended before its first step: {''.join(seen[-3:])}")
    return seconds


def rows(hilum: Path, root: Path, environment: Mapping[str, str], times: int) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="hilum_bench_") as runs:
        env = dict(environment) | {"HILUM_RUNS": runs}
        steps = [first_step(hilum, root / "experiments/quickstart.toml", env) for _ in range(1 + times)][1:]
        lists = [listed(hilum, env) for _ in range(1 + 2 * times)][1:]
    return [Row(work, "", f"{spread.median:.2g} s", "", spread, goal, " s")
            for work, spread, goal in (("`hilum plugins list`", Spread.of(lists), 0.5),
                                       ("the quickstart, from the call to its first step", Spread.of(steps), 2.0))]
