# SPDX-License-Identifier: Apache-2.0
"""The rounds of logging_bench.cpp for MLflow's store in SQLite."""
import logging
import os
import statistics
import time
import warnings
from pathlib import Path

os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", GIT_PYTHON_REFRESH="quiet")
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

import mlflow  # noqa: E402
from mlflow.entities import Metric  # noqa: E402

RUNS, NAMES, EPOCHS = 100, 20, 30


def epoch_of(step, count):
    return {f"{'val' if i % 2 else 'train'}.head.figure{i}": 1 / (step + i + 1) for i in range(count)}


def curve_of(call, count):
    return [Metric("train.loss", 0.5, 0, call * count + i) for i in range(count)]


class Store:
    """With the runs that logging_bench fills its own with."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True)
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        mlflow.set_experiment("logging")
        self.client = mlflow.MlflowClient()
        for _ in range(RUNS):
            with mlflow.start_run() as run:
                rows = [Metric(name, value, 0, step) for step in range(EPOCHS) for name, value in epoch_of(step, NAMES).items()]
                self.client.log_batch(run.info.run_id, metrics=rows)

    def round(self):
        """Microseconds a scalar, by case."""
        return {
            "log_metric": self.measure(200, 1, lambda run, step: mlflow.log_metric("train.loss", 0.5, step=step)),
            "log_metric, synchronous=False": self.measure(
                300, 1, lambda run, step: mlflow.log_metric("train.loss", 0.5, step=step, synchronous=False)),
            "log_metrics of 20": self.measure(60, 20, lambda run, step: mlflow.log_metrics(epoch_of(step, 20), step=step)),
            "log_batch of 1000": self.measure(
                5, 1000, lambda run, step: self.client.log_batch(run, metrics=curve_of(step, 1000))),
        }

    @staticmethod
    def measure(calls, scalars, log):
        each = []
        with mlflow.start_run() as run:
            start = time.perf_counter()
            for call in range(calls):
                begin = time.perf_counter()
                log(run.info.run_id, call)
                each.append(time.perf_counter() - begin)
            mlflow.flush_async_logging()
            stored = time.perf_counter() - start
        return {"mean": 1e6 * statistics.fmean(each) / scalars, "stored": 1e6 * stored / (calls * scalars)}
