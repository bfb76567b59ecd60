"""How many training steps of networks a machine takes a second: in stacks, and one network after another.

One after another is what most people write: a module, ``torch.optim.Adam``, a loss, ``backward``; with as many threads
as torch takes by itself, or with one, whichever is faster. Stacks are trained in as many processes as there are CPUs.
Both take the same samples and the same losses, and turns, so that a disturbance meets both.
"""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec
import torch

from fhnbench import median_interval
from fhnbench_sweep.allocation import keep_freed_memory
from fhnbench_sweep.batches import cost
from fhnbench_sweep.training import Job, StackTraining, design_of, initial_module, supply_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

    from torch import Tensor

_WARM = 3
_trainings: list[StackTraining] = []


class Throughput(msgspec.Struct, frozen=True, kw_only=True):
    """Networks times steps a second, in one run.

    Parameters
    ----------
    family
        What was trained.
    networks, batches, samples
        Number of networks in stacks, of stacks, and samples of a step.
    workers
        Processes that trained stacks at the same time, with one thread each.
    alone_networks
        Networks that were trained one after another, which stand for all.
    alone_threads
        Threads with which they were faster.
    stacked, alone
        Networks times steps a second, for each round.
    ratio, low, high
        Stacked over alone: the median over rounds, and its 95% interval.
    """

    family: str
    networks: int
    batches: int
    samples: int
    workers: int
    alone_networks: int
    alone_threads: int
    stacked: tuple[float, ...]
    alone: tuple[float, ...]
    ratio: float
    low: float
    high: float


def measure_throughput(
    jobs: Sequence[Job], *, workers: int, alone: int, steps: int, rounds: int, report: Callable[[str, float], None]
) -> Throughput:
    """Measure both in turns.

    Parameters
    ----------
    jobs
        All batches of a sweep of one family.
    workers
        Processes for stacks.
    alone
        How many networks are trained one after another: evenly chosen by cost.
    steps
        Of each network in a round.
    rounds
        How often.
    report
        Called with what is done and the fraction.
    """
    threads = torch.get_num_threads()
    loops = _lone_loops(jobs, alone)
    rates: dict[int, list[float]] = {count: [] for count in sorted({1, threads})}
    stacked = []
    networks = sum(len(job.candidates) for job in jobs)
    with ExitStack() as stack:
        pool = [stack.enter_context(_process()) for _ in range(workers)]
        shares = [[msgspec.json.encode(job) for job in jobs[place::workers]] for place in range(workers)]
        report("preparing", 0.0)
        for prepared in [process.submit(_prepare, share) for process, share in zip(pool, shares, strict=True)]:
            prepared.result()
        for number in range(rounds):
            report(f"round {number + 1} of {rounds}", number / rounds)
            for count, found in rates.items():
                torch.set_num_threads(count)
                found.append(len(loops) / sum(_seconds(loop, steps) for loop in loops))
            torch.set_num_threads(threads)
            taken = [process.submit(_stack_seconds, steps) for process in pool]
            # As if batches were dealt out so that all processes end together.
            stacked.append(networks / (sum(one.result() for one in taken) / workers))
    faster = max(rates, key=lambda count: sum(rates[count]))
    ratio = median_interval([mine / other for mine, other in zip(stacked, rates[faster], strict=True)])
    return Throughput(
        family=jobs[0].family, networks=networks, batches=len(jobs), samples=jobs[0].recipe.batch, workers=workers,
        alone_networks=len(loops), alone_threads=faster, stacked=tuple(stacked), alone=tuple(rates[faster]),
        ratio=ratio.median_s, low=ratio.low_s, high=ratio.high_s,
    )  # fmt: skip


def _process() -> Executor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


def _prepare(jobs: Sequence[bytes]) -> None:
    torch.set_num_threads(1)
    keep_freed_memory()
    for content in jobs:
        training = StackTraining(msgspec.json.decode(content, type=Job))
        training.supply.begin_round(0)
        _trainings.append(training)


def _stack_seconds(steps: int) -> float:
    """Return the sum over this process's batches of the seconds of a step."""
    return sum(_seconds(training.descend, steps) for training in _trainings)


def _seconds(step: Callable[[int], object], steps: int) -> float:
    """Return the seconds of a step."""
    for number in range(_WARM):
        step(number)
    began = time.perf_counter()
    for number in range(steps):
        step(number)
    return (time.perf_counter() - began) / steps


def _lone_loops(jobs: Sequence[Job], count: int) -> list[Callable[[int], Tensor]]:
    candidates = sorted((one for job in jobs for one in job.candidates), key=lambda one: (cost(one[1]), one[0]))
    count = min(count, len(candidates))
    return [_lone_loop(jobs[0], candidates[(2 * k + 1) * len(candidates) // (2 * count)]) for k in range(count)]


def _lone_loop(job: Job, candidate: tuple[str, tuple[int, ...], tuple[str, ...]]) -> Callable[[int], Tensor]:
    """Return a training step of a single network."""
    _, hidden, activations = candidate
    design = design_of(job, hidden, activations)
    module = initial_module(design, job)
    optimizer = torch.optim.Adam(module.parameters(), job.recipe.learning_rate)
    supply = supply_of(job, design.objective)
    supply.begin_round(0)

    def step(number: int) -> Tensor:
        del number
        optimizer.zero_grad()
        loss = design.objective.loss(module, supply.draw(job.recipe.batch), job.recipe.softness)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return loss.detach()

    return step
