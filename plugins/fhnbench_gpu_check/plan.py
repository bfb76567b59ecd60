"""What is measured and checked, within a budget of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

BUDGET_S = 450.0
"""Seconds for everything; half a minute is kept for what is not planned, so that the command takes less than 8 min."""

ROUNDS_S = 60.0
"""Seconds of it for the rounds of the run."""


@dataclass(frozen=True, slots=True)
class Task:
    """One contender to measure or to check.

    Parameters
    ----------
    action
        Measure it as a ``solver`` or a ``surrogate``, or ``check`` its conformance.
    contender
        Name and options.
    seconds
        What it takes, estimated: its worker, its preparation and, if it is checked, all checks.
    """

    action: Literal["solver", "surrogate", "check"]
    contender: str
    seconds: float


TASKS = (
    Task("solver", "euler-cuda", 3),
    Task("solver", "midpoint-cuda", 3),
    Task("solver", "rk3-cuda", 3),
    Task("solver", "rk4-cuda", 3),
    Task("solver", "heun-cuda", 3),
    Task("surrogate", "itnn-cuda", 4),
    Task("surrogate", "itnn-cuda[precision=float16]", 4),
    Task("surrogate", "itnn-cuda[hidden=8x8]", 4),
    Task("surrogate", "itnn-cuda[hidden=8x8,precision=float16]", 4),
    Task("surrogate", "ddnn-cuda", 4),
    Task("surrogate", "ddnn-cuda[precision=float16]", 4),
    # Steps at which classical methods have about the errors of the networks.
    Task("solver", "euler-cuda[dt=0.0125]", 3),
    Task("solver", "euler-cuda[dt=0.00390625]", 3),
    Task("solver", "rk3-cuda[dt=0.25]", 3),
    Task("solver", "heun-cuda[dt=0.125]", 3),
    Task("solver", "euler-cuda[variant=naive]", 4),
    Task("solver", "euler-cuda[output=features]", 3),
    Task("surrogate", "itnn-torch[device=cuda,graph=true]", 12),
    Task("surrogate", "ddnn-torch[device=cuda,graph=true]", 12),
    Task("check", "euler-cuda", 15),
    Task("check", "rk4-cuda", 15),
    Task("check", "itnn-cuda", 20),
    Task("check", "ddnn-cuda", 20),
    Task("surrogate", "itnn-trt[precision=float16]", 60),
    Task("surrogate", "ddnn-trt[precision=float16]", 30),
    Task("check", "itnn-torch[device=cuda,graph=true]", 25),
    Task("check", "ddnn-torch[device=cuda]", 25),
    Task("surrogate", "itnn-torch[device=cuda]", 12),
    Task("surrogate", "ddnn-torch[device=cuda]", 12),
    Task("surrogate", "ddnn-trt", 30),
    Task("surrogate", "ddnn-trt[precision=float16,build=2]", 30),
    Task("check", "midpoint-cuda", 15),
    Task("check", "heun-cuda", 15),
    Task("check", "rk3-cuda", 15),
    Task("surrogate", "ddnn-torch[device=cuda,compile=true,graph=true]", 60),
    Task("surrogate", "ddnn-trt[tf32=true]", 30),
    Task("surrogate", "itnn-trt", 60),
    Task("check", "ddnn-trt", 90),
    Task("check", "itnn-trt[rollout=loop]", 90),
)
"""Everything, the most telling first."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What fits into the budget, and what does not."""

    tasks: tuple[Task, ...]
    left_out: tuple[Task, ...]

    @property
    def measured(self) -> tuple[Task, ...]:
        """What is measured in one run."""
        return tuple(task for task in self.tasks if task.action != "check")

    @property
    def checked(self) -> tuple[Task, ...]:
        """What the conformance checks are run on, one after the other."""
        return tuple(task for task in self.tasks if task.action == "check")

    @property
    def seconds(self) -> float:
        """What it takes, estimated."""
        return ROUNDS_S + sum(task.seconds for task in self.tasks)


def plan(available: Iterable[str], budget_s: float) -> Plan:
    """Return what is done within a budget, in the order of `TASKS`; what is too long for what is left is left out.

    Parameters
    ----------
    available
        Contenders that can run here.
    budget_s
        Seconds for everything.
    """
    names = set(available)
    left_s = budget_s - ROUNDS_S
    taken: list[Task] = []
    left_out: list[Task] = []
    for task in TASKS:
        if task.contender not in names:
            continue
        fits = task.seconds <= left_s
        (taken if fits else left_out).append(task)
        left_s -= task.seconds if fits else 0.0
    return Plan(tuple(taken), tuple(left_out))
