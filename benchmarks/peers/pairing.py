# SPDX-License-Identifier: Apache-2.0
"""Programs that do the same work in turns, and what their times say. Only the standard library."""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


class Worker:
    """A program that answers each line with one line of JSON. Between two lines it waits and uses no core."""

    def __init__(self, words: Sequence[object], environment: Mapping[str, str]) -> None:
        self._name = str(words[0])
        self._process = subprocess.Popen([str(word) for word in words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True, env=dict(environment))
        self.pid = self._process.pid
        self.about: str = self._answer()["about"]

    def ask(self, line: str) -> dict:
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict:
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._name} ended with exit code {self._process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{self._name}: {answer['error']}")
        return answer

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


@dataclass
class Spread:
    """A median with its quartiles."""

    median: float
    low: float
    high: float
    count: int

    @staticmethod
    def of(values: Sequence[float]) -> Spread:
        low, _, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
        return Spread(statistics.median(values), low, high, len(values))

    def text(self, digits: int) -> str:
        return f"{self.median:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


@dataclass
class Turns:
    """One who takes part: the times of a turn, by round."""

    name: str
    work: Callable[[], dict]
    ms: list[float] = field(default_factory=list)
    cores: list[float] = field(default_factory=list)

    def once(self) -> None:
        answer = self.work()
        self.ms.append(statistics.median(answer["ms"]))
        self.cores.append(answer["cpu"])


def alternate(parts: Sequence[Turns], rounds: int) -> None:
    """Every one once a round, the other way round in every other one: a slow moment of the machine hits all."""
    for i in range(rounds):
        for part in parts if i % 2 == 0 else reversed(parts):
            part.once()


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Of two times in the same round."""
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} rounds of ours, {len(theirs)} of the peer")
    return Spread.of([a / b for a, b in zip(ours, theirs)])


def verdict(value: float, goal: float | None) -> str:
    if goal is None:
        return ""
    return "met" if value <= goal else f"missed by {100 * (value / goal - 1):.0f} %"
