"""The record of a self-test, ``selftest.json``."""

from __future__ import annotations

from typing import Any

import msgspec

from fhnbench.statistics.power import Found

SELFTEST_SCHEMA = "fhnbench.selftest/1"
SELFTEST_FILE = "selftest.json"


class SelfTest(msgspec.Struct, frozen=True):
    """A self-test.

    Parameters
    ----------
    created, command, environment
        When, how and where.
    processes, rounds
        What a comparison rests on.
    runs
        Measured runs that comparisons were drawn from; 0 on a simulated clock, where each has times of its own.
    rows
        How often each delay was found.
    times
        On this machine's clock, the times: by delay, process, session and round, in seconds.
    """

    created: str
    command: str
    environment: dict[str, Any]
    processes: int
    rounds: int
    runs: int
    rows: tuple[Found, ...]
    times: dict[float, list[dict[str, dict[int, float]]]]
    schema: str = SELFTEST_SCHEMA
