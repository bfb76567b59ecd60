"""A fixture of pytest-benchmark that measures contenders, for the tests of plugins and for our own.

Import it in ``conftest.py``, where pytest looks for fixtures::

    from fhnbench.testing.benchmark import contender_benchmark

and ask for it in a test::

    def test_speed(contender_benchmark):
        contender_benchmark("ab2-example")
"""

from __future__ import annotations

import dataclasses
import functools
import math
import time
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

from fhnbench.accuracy import measure_accuracy
from fhnbench.errors import Refused, Unavailable
from fhnbench.measure.environment import environment, usable_cpus
from fhnbench.measure.peaks import probes_of
from fhnbench.measure.roofline import floor_s
from fhnbench.measure.statistics import is_stationary
from fhnbench.plugins.contender import SurrogateContender
from fhnbench.problem import VARIABLES, Ensemble, Problem, standard_problem
from fhnbench.reference import reference_trajectories
from fhnbench.results.record import CostRecord
from fhnbench.testing.subject import Subject
from fhnbench.trajectories import check_trajectories
from fhnbench.workload import Workload

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fhnbench.measure.peaks import PeakProbe
    from fhnbench.plugins.interfaces import Execution
    from fhnbench.workload import Precision

SHORTEST_ROUND_S = 5e-3
"""Runs are repeated until a round is so long, so that the clock and what else a processor does do not matter."""

MOST_WARM_S = 1.0
FEWEST_ROUNDS, MOST_ROUNDS = 5, 200
ACCURACY_SAMPLES = 1000
TIMEOUT_S = 120.0


@pytest.fixture
def contender_benchmark(benchmark: Any) -> ContenderBenchmark:
    """Return a function that measures a contender once; see `ContenderBenchmark.__call__`."""
    return ContenderBenchmark(benchmark)


class ContenderBenchmark:
    """Measures a contender with pytest-benchmark's fixture ``benchmark``."""

    def __init__(self, benchmark: Any) -> None:
        self._benchmark = benchmark

    def __call__(
        self,
        contender: str,
        problem: Problem | str = "C",
        size: int = 100_000,
        precision: Precision | None = None,
        threads: int | None = None,
        time_budget_s: float = 2.0,
    ) -> None:
        """Measure the resident time of a contender: inputs and outputs stay where they are.

        It is warmed up until its times are stationary. A round is as many runs as last 5 ms, each of which is waited
        for; where that is one run, each round has other inputs. Benchmarks of one problem, size and precision form a
        group. The test is skipped with the reason if the contender cannot run.

        Parameters
        ----------
        contender
            Name and options, as in ``euler-cpu[dt=0.05]``.
        problem
            The problem or its letter.
        size
            Samples of the ensemble.
        precision
            The precision, unless the contender's options give one.
        threads
            CPU threads; all, if left out.
        time_budget_s
            About how long the rounds last together, in seconds.

        Notes
        -----
        ``extra_info`` holds the contender, device and precision, `prepare_s`, samples per second, the errors of a timed
        run's output against the reference (its first 1,000 samples), the time that the device's measured peaks allow
        and the fraction of it that is reached, and the environment.
        """
        problem = standard_problem(problem) if isinstance(problem, str) else problem
        subject = _subject(contender, problem, precision, threads or usable_cpus())
        workload = Workload.of(problem, size, subject.precision, subject.threads)
        ensemble = problem.sample(size).astype(workload.dtype)
        began = time.perf_counter()
        try:
            execution = subject.contender.prepare(workload)
        except (Refused, Unavailable) as reason:
            pytest.skip(str(reason))
        prepare_s = time.perf_counter() - began
        self._benchmark.group = f"problem {problem.name}, {size:,} samples, {subject.precision}"
        try:
            probes = probes_of([(execution.effective.device, workload)], TIMEOUT_S)
            inputs = self._measure(execution, ensemble, time_budget_s, probes)
            states = check_trajectories(execution.output(), workload, inputs.current())
            accuracy = measure_accuracy(inputs.first(states), _reference(problem, size), workload.times)
        finally:
            execution.close()
        self._benchmark.extra_info.update(
            contender=subject.name,
            effective=dataclasses.asdict(execution.effective),
            prepare_s=prepare_s,
            accuracy=msgspec.to_builtins(accuracy),
            environment=environment(),
            **_artifact(subject),
        )
        if self._benchmark.stats:  # none where benchmarks are disabled
            median_s = self._benchmark.stats.stats.median
            self._benchmark.extra_info["samples_per_s"] = size / median_s
            cost = subject.contender.cost(workload)
            for probe in probes:
                if probe.problem:
                    continue
                allowed_s, bound = floor_s(CostRecord(float(cost.operations), float(cost.bytes)), probe.best)
                self._benchmark.extra_info.update(
                    floor_s=allowed_s, bound=bound, roofline_fraction=allowed_s / median_s
                )

    def _measure(
        self, execution: Execution, ensemble: Ensemble, time_budget_s: float, probes: list[PeakProbe]
    ) -> _Rotating:
        """Warm up, probe, measure, probe again; return the inputs."""
        inputs = _Rotating(execution, ensemble)

        def run() -> None:
            execution.run()
            execution.synchronize()

        try:
            inputs.upload()
            run_s = _warm_up(run)
            iterations = math.ceil(SHORTEST_ROUND_S / run_s)
            rounds = round(time_budget_s / (iterations * run_s))
            _measure_all(probes)
            self._benchmark.pedantic(
                run,
                setup=inputs.upload if iterations == 1 else None,
                iterations=iterations,
                rounds=min(MOST_ROUNDS, max(FEWEST_ROUNDS, rounds)),
            )
            _measure_all(probes)
        finally:
            for probe in probes:
                probe.close()
        return inputs


class _Rotating:
    """Inputs that are shifted cyclically with each upload."""

    def __init__(self, execution: Execution, ensemble: Ensemble) -> None:
        self._execution = execution
        self._ensemble = ensemble
        self._shift = -16

    def upload(self) -> None:
        """Upload the next inputs."""
        self._shift = (self._shift + 16) % self._ensemble.size
        self._execution.upload(self.current())
        self._execution.synchronize()

    def current(self) -> Ensemble:
        """Return the inputs that were uploaded last."""
        columns = {name: np.roll(getattr(self._ensemble, name), -self._shift) for name in VARIABLES}
        return Ensemble(**columns, model=self._ensemble.model)

    def first(self, states: NDArray[Any]) -> NDArray[Any]:
        """Return the states of the ensemble's first samples."""
        samples = np.arange(min(ACCURACY_SAMPLES, self._ensemble.size)) - self._shift
        return np.ascontiguousarray(states[:, :, samples % self._ensemble.size])


def _subject(contender: str, problem: Problem, precision: Precision | None, threads: int) -> Subject:
    try:
        subject = Subject.of(contender, problem)
    except (Refused, Unavailable) as reason:
        pytest.skip(str(reason))
    return dataclasses.replace(subject, precision=precision or subject.precision, threads=threads)


def _warm_up(run: Any) -> float:
    """Run until times are stationary, twice at least; return the time of a warm run in seconds."""
    durations: list[float] = []
    began = time.perf_counter()
    while len(durations) < 2 or (time.perf_counter() - began < MOST_WARM_S and not is_stationary(durations)):
        start = time.perf_counter()
        run()
        durations.append(time.perf_counter() - start)
    return float(np.median(durations[-3:]))


def _measure_all(probes: list[PeakProbe]) -> None:
    for probe in probes:
        probe.measure()


@functools.cache
def _reference(problem: Problem, size: int) -> NDArray[np.float64]:
    states, _ = reference_trajectories(problem, problem.sample(size)[: min(ACCURACY_SAMPLES, size)])
    return states


def _artifact(subject: Subject) -> dict[str, str]:
    contender = subject.contender
    return {"artifact": contender.artifact.digest} if isinstance(contender, SurrogateContender) else {}
