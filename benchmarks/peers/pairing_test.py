# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of bench_peers.py, its protocol and its page. No times, nothing but the standard library."""

import ast
import sys
import unittest
from pathlib import Path

import page
from jobs import jobs, smaller
from page import BEGIN, END, Row, written
from pairing import Spread, Turns, Worker, alternate, ratio, verdict

HERE = Path(__file__).resolve().parent
ECHO = """
import json, sys
print(json.dumps({"about": "echo"}), flush=True)
for line in sys.stdin:
    if line == "stop\\n": break
    print(json.dumps({"error": "no"} if line == "bad\\n" else {"ms": [3, 1, 2], "cpu": 1.5, "line": line}), flush=True)
"""


class Figures(unittest.TestCase):
    def test_a_ratio_is_of_times_in_the_same_round(self):
        found = ratio([1, 2, 3, 4, 100], [2, 8, 3, 16, 50])  # 0.5, 0.25, 1, 0.25, 2
        self.assertEqual((found.median, found.low, found.high, found.count), (0.5, 0.25, 1.0, 5))
        self.assertEqual(found.text(2), "0.50 [0.25, 1.00]")
        with self.assertRaises(ValueError):
            ratio([1, 2], [1])

    def test_one_round_has_no_spread(self):
        self.assertEqual(Spread.of([3.0]), Spread(3.0, 3.0, 3.0, 1))

    def test_a_goal_is_met_or_missed_by_a_share_of_it(self):
        self.assertEqual(verdict(0.2, 0.2), "met")
        self.assertEqual(verdict(0.25, 0.2), "missed by 25 %")
        self.assertEqual(verdict(0.25, None), "")

    def test_every_other_round_goes_the_other_way(self):
        order = []

        def part(name):
            return Turns(name, lambda: order.append(name) or {"ms": [5, 1, 3], "cpu": 2})

        parts = [part("a"), part("b"), part("c")]
        alternate(parts, 3)
        self.assertEqual("".join(order), "abccbaabc")
        self.assertEqual((parts[0].ms, parts[0].cores), ([3, 3, 3], [2, 2, 2]))


class Protocol(unittest.TestCase):
    def test_a_worker_answers_says_errors_and_that_it_ended(self):
        with Worker([sys.executable, "-c", ECHO], {}) as worker:
            self.assertEqual(worker.about, "echo")
            self.assertEqual(worker.ask("train 3")["line"], "train 3\n")
            with self.assertRaisesRegex(RuntimeError, "no"):
                worker.ask("bad")
            with self.assertRaisesRegex(RuntimeError, "exit code 0"):
                worker.ask("stop")


class Page(unittest.TestCase):
    def test_what_people_wrote_around_the_results_stays(self):
        old = f"before\n{BEGIN}\nold\n{END}\nafter\n"
        self.assertEqual(written(old, "new"), old.replace("old", "new"))
        for text in ("", f"{END}\n{BEGIN}\n", f"{BEGIN}\n{BEGIN}\n{END}\n"):
            with self.assertRaises(ValueError):
                written(text, "new")

    def test_the_repositorys_page_has_its_markers(self):
        self.assertIn("new", written((HERE.parents[1] / "docs" / "performance.md").read_text(), "new"))

    def test_a_row_says_its_figures_or_why_there_are_none(self):
        row = Row("step", "peer", "1 ms", "5 ms", Spread(0.25, 0.2, 0.3, 7), 0.2)
        self.assertEqual(row.line(), "| step | peer | 1 ms | 5 ms | 0.25 [0.20, 0.30], 7 | 0.2 | missed by 25 % |")
        self.assertIn("losses", Row("step", "peer", note="losses differ").line())
        self.assertEqual(len({line.count("|") for line in page.table([row, Row("a", "b", note="c")]).splitlines()}), 1)


class Jobs(unittest.TestCase):
    def test_a_quick_round_is_small_and_leaves_nothing_out(self):
        for job in jobs():
            goals = [peer.goal for peer in job.peers]
            small = smaller(job)
            self.assertEqual((small.rounds, small.calls, [peer.goal for peer in small.peers]), (1, 1, goals), job.work)
            self.assertLessEqual(small.numbers[0], 64, job.work)

    def test_what_only_the_peers_python_runs_can_be_read(self):
        for file in [*HERE.glob("*.py"), *HERE.parent.glob("*.py")]:
            ast.parse(file.read_text(), str(file))


if __name__ == "__main__":
    unittest.main()
