"""Timing a sweep's networks by the harness's own rules, and the model for those that were not measured."""

from __future__ import annotations

import shutil
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

import fhnbench
from fhnbench import FhnbenchError, Workload, network_cost, standard_problem
from fhnbench_sweep.analysis.choice import frontier
from fhnbench_sweep.analysis.cost_model import calibrate
from fhnbench_sweep.analysis.record import Classical
from fhnbench_sweep.analysis.study import trained
from fhnbench_sweep.analysis.times import FOLDER, Time, Times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fhnbench import Artifact, Network, RunRecord
    from fhnbench_sweep.analysis.cost_model import Calibrated
    from fhnbench_sweep.analysis.study import Study
    from fhnbench_sweep.outcome import Outcome
    from fhnbench_sweep.plan import Candidate

STEPS = {
    "euler": (0.2, 0.1, 0.05, 0.02, 0.01),
    "midpoint": (0.5, 0.25, 0.2, 0.1, 0.05),
    "rk4": (1.0, 0.5, 0.25, 0.2, 0.1),
}
"""Steps of classical methods, the paper's solver among them, whose errors span those of networks."""

CALIBRATION = 24
"""Networks of all sizes that the model of times rests on and is checked with, for each scheme."""

FRONTIER = 12
"""Most networks of a family's frontier that are measured."""


class Measurement(NamedTuple):
    """How to measure.

    Parameters
    ----------
    runtime
        What evaluates the networks; solvers of the same name are the classical contenders (``euler-cuda``).
    size, threads
        Samples of an evaluation, and CPU threads.
    time_budget_s
        For all rounds.
    seed
        Of the choice of networks.
    """

    runtime: str = "cpu"
    size: int = 10_000
    threads: int = 1
    time_budget_s: float = 120.0
    seed: int = 0


class TrainedNetwork(NamedTuple):
    """A network that was trained, its structure, and the operations that are declared for the workload."""

    outcome: Outcome
    network: Network
    operations: float

    @property
    def key(self) -> tuple[str, str]:
        """Family and candidate."""
        return self.outcome.family, self.outcome.candidate


def measure(
    study: Study, artifact_of: Callable[[Outcome], Artifact], asked: Measurement, *, overwrite: bool = False
) -> Times:
    """Time the frontier of each family and networks of all sizes, and model the others.

    The frontier here is that of declared operations and validation error, since times are not known yet. The run and
    its files, but for the times, go to ``measured/`` in the study's folder, once it is finished.

    Parameters
    ----------
    study
        The sweep.
    artifact_of
        Returns the trained network of an outcome.
    asked
        How to measure.
    overwrite
        Whether a run that is there may be replaced.

    Raises
    ------
    FhnbenchError
        If there is a run already, or nothing was trained.
    """
    folder = study.folder / FOLDER
    if folder.exists() and not overwrite:
        raise FhnbenchError(f"{folder} holds times; give --overwrite to measure again")
    problem = standard_problem(study.plan.problem)
    workload = Workload.of(problem, asked.size, "float32", asked.threads)
    networks = networks_of(study, artifact_of, workload)
    if not networks:
        raise FhnbenchError(f"{study.folder}: no network was trained, so none can be measured")
    unfinished = folder.with_name(f"{FOLDER}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        contenders = {}
        for key in to_be_measured(networks, np.random.default_rng(asked.seed)):
            file = unfinished / f"{'-'.join(key)}.safetensors"
            artifact_of(networks[key].outcome).save(file)
            contenders[f"{key[0]}-{asked.runtime}[artifact={file}]"] = key
        record = fhnbench.run(
            [*_classical(asked.runtime), *contenders],
            problem=problem.name,
            size=asked.size,
            threads=asked.threads,
            time_budget_s=asked.time_budget_s,
            output=unfinished,
        )
        for file in unfinished.glob("*.safetensors"):
            file.unlink()
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return _times(asked.runtime, record, contenders, networks, workload)


def _classical(backend: str) -> list[str]:
    return [f"{method}-{backend}[dt={step:g}]" for method, steps in STEPS.items() for step in steps]


def networks_of(
    study: Study, artifact_of: Callable[[Outcome], Artifact], workload: Workload
) -> dict[tuple[str, str], TrainedNetwork]:
    """Return every network that was trained, its structure told by one artifact of its family and its candidate."""
    likes: dict[str, Network] = {}
    found = {}
    for outcome in study.main_outcomes:
        if not trained(outcome):
            continue
        if outcome.family not in likes:
            likes[outcome.family] = artifact_of(outcome).network
        network = _of_candidate(likes[outcome.family], study.candidates[outcome.candidate])
        one = TrainedNetwork(outcome, network, network_cost(network, workload).operations)
        found[one.key] = one
    return found


def _of_candidate(like: Network, candidate: Candidate) -> Network:
    """Return the network of a candidate; networks of one family and problem differ in their hidden layers only."""
    return msgspec.structs.replace(
        like,
        widths=(like.widths[0], *candidate.hidden, like.widths[-1]),
        activations=(*candidate.activations, like.activations[-1]),
    )


def _scheme(network: Network) -> Network:
    """Return what networks have in common whose times the same model tells."""
    return msgspec.structs.replace(
        network,
        widths=(network.widths[0], network.widths[-1]),
        activations=network.activations[-1:],
        input_shift=(0.0,) * network.widths[0],
        input_scale=(1.0,) * network.widths[0],
        output_shift=(0.0,) * network.widths[-1],
        output_scale=(1.0,) * network.widths[-1],
    )


def to_be_measured(
    networks: Mapping[tuple[str, str], TrainedNetwork], chance: np.random.Generator
) -> list[tuple[str, str]]:
    """Return the families and candidates that are timed: the frontiers, and networks of all sizes by chance."""
    return list(dict.fromkeys([*_frontiers(networks), *_calibration(networks, chance)]))


def _frontiers(networks: Mapping[tuple[str, str], TrainedNetwork]) -> list[tuple[str, str]]:
    found = []
    for family in dict.fromkeys(family for family, _ in networks):
        of_family = [one for one in networks.values() if one.outcome.family == family]
        errors = [one.outcome.validation_mae or 0.0 for one in of_family]
        front = frontier([one.operations for one in of_family], errors)
        places = np.unique(np.linspace(0, len(front) - 1, FRONTIER).round().astype(int))
        found += [of_family[index].key for index in front[places]]
    return found


def _calibration(
    networks: Mapping[tuple[str, str], TrainedNetwork], chance: np.random.Generator
) -> list[tuple[str, str]]:
    """Return networks of each scheme, one of each of equal parts of all when ordered by operations.

    It is one of the most accurate third of the part: trajectories of poor networks may be lines, which audits refuse.
    """
    found = []
    for scheme in _by_scheme(networks.values()).values():
        ordered = sorted(scheme, key=lambda one: one.operations)
        for part in np.array_split(np.arange(len(ordered)), min(CALIBRATION, len(ordered))):
            best = sorted((ordered[index] for index in part), key=lambda one: one.outcome.validation_mae or 0.0)
            found.append(best[int(chance.integers((len(best) + 2) // 3))].key)
    return found


def _by_scheme(networks: Iterable[TrainedNetwork]) -> dict[Network, list[TrainedNetwork]]:
    groups: dict[Network, list[TrainedNetwork]] = defaultdict(list)
    for one in networks:
        groups[_scheme(one.network)].append(one)
    return groups


def _times(
    runtime: str,
    record: RunRecord,
    contenders: Mapping[str, tuple[str, str]],
    networks: Mapping[tuple[str, str], TrainedNetwork],
    workload: Workload,
) -> Times:
    rows = {row.contender: row for row in record.rows}
    seconds = {
        key: row.resident.median_s
        for label, key in contenders.items()
        if (row := rows[label]).status == "ran" and row.resident
    }
    models: dict[str, Calibrated] = {}
    for group in _by_scheme(networks.values()).values():
        measured = [one for one in group if one.key in seconds]
        model = calibrate([one.network for one in measured], [seconds[one.key] for one in measured], workload)
        if model:
            models |= dict.fromkeys({one.outcome.family for one in group}, model)
    families: dict[str, dict[str, Time]] = defaultdict(dict)
    for (family, name), one in networks.items():
        if (family, name) in seconds:
            families[family][name] = Time(seconds[family, name], "measured", one.operations)
        elif family in models:
            families[family][name] = Time(models[family].seconds(one.network), "modelled", one.operations)
    return Times(
        problem=record.problem.name,
        runtime=runtime,
        size=record.dataset.size,
        threads=record.settings.threads,
        machine=_machine(record),
        created=record.created,
        command=record.command,
        classical=tuple(
            Classical(contender=row.contender, seconds=row.resident.median_s, mae=row.accuracy.mae)
            for row in record.rows
            if row.kind == "solver" and row.status == "ran" and row.resident and row.accuracy
        ),
        models={family: model.record for family, model in models.items()},
        families=dict(families),
        disturbed=sum(row.disturbed for row in record.rows),
        unmeasured={
            "-".join(key): rows[label].reason for label, key in contenders.items() if rows[label].status != "ran"
        },
    )


def _machine(record: RunRecord) -> str:
    """Return the device that computed, or the CPU by its name."""
    devices = {row.effective.device for row in record.rows if row.effective} - {"cpu"}
    return ", ".join(sorted(devices)) or record.environment.get("cpu") or "unknown CPU"
