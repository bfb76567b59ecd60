"""Resident times as pytest-benchmark stores them, for its ``compare`` and ``--benchmark-compare``."""

from __future__ import annotations

import statistics
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Any

import msgspec

from fhnbench.report.result import ordered
from fhnbench.results.collection import row_times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhnbench.results.record import Row, RunRecord

VERSION = "5.0.0"
"""The version of pytest-benchmark whose files these are."""


def export(record: RunRecord) -> str:
    """Return a file of pytest-benchmark with a benchmark for each contender that ran; a block is a round."""
    environment = record.environment
    git = environment.get("git") or {}
    content = {
        "machine_info": {
            "machine": environment.get("os"),
            "python_version": environment.get("python"),
            "cpu": {"brand_raw": environment.get("cpu"), "count": environment.get("cpus")},
        },
        "commit_info": {"id": git.get("commit"), "dirty": git.get("dirty"), "time": record.created},
        "benchmarks": [_benchmark(row, record) for row in ordered(record.rows) if row.status == "ran"],
        "datetime": record.created,
        "version": VERSION,
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=1).decode() + "\n"


def _benchmark(row: Row, record: RunRecord) -> dict[str, Any]:
    times = list(row_times(row).values())
    asked = "" if row.output == "trajectories" else f", {row.output}"
    return {
        "group": f"problem {record.problem.name}, {record.dataset.size:,} samples{asked}",
        "name": row.contender,
        "fullname": f"fhnbench::{row.contender}",
        "params": None,
        "param": None,
        "extra_info": {
            "output": row.output,
            "accuracy": msgspec.to_builtins(row.accuracy),
            "features": msgspec.to_builtins(row.features),
            "roofline_fraction": row.roofline_fraction,
            "throughput": row.throughput,
            "effective": msgspec.to_builtins(row.effective),
        },
        "options": {"disable_gc": False, "timer": "perf_counter", "warmup": True},
        "stats": {**statistics_of(times), "iterations": max((block.runs for block in row.blocks), default=1)},
    }


def statistics_of(times: Sequence[float]) -> dict[str, Any]:
    """Return the statistics that pytest-benchmark stores of a benchmark, with the times themselves."""
    data = sorted(times)
    half = len(data) // 2
    lower, upper = statistics.median(data[: half + len(data) % 2]), statistics.median(data[half:])
    mean, deviation = statistics.mean(data), statistics.stdev(data) if len(data) > 1 else 0.0
    fences = lower - 1.5 * (upper - lower), upper + 1.5 * (upper - lower)
    beyond = sum(not mean - deviation <= time <= mean + deviation for time in data)
    outliers = sum(not fences[0] <= time <= fences[1] for time in data)
    return {
        "min": data[0],
        "max": data[-1],
        "mean": mean,
        "stddev": deviation,
        "rounds": len(data),
        "median": statistics.median(data),
        "iqr": upper - lower,
        "q1": lower,
        "q3": upper,
        "iqr_outliers": outliers,
        "stddev_outliers": beyond,
        "outliers": f"{beyond};{outliers}",
        "ld15iqr": data[bisect_left(data, fences[0])],
        "hd15iqr": data[bisect_right(data, fences[1]) - 1],
        "ops": 1 / mean,
        "total": sum(data),
        "data": list(times),
    }
