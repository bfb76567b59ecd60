"""Timing the networks of a sweep by the harness: what is measured, what is modelled, what is left behind."""

from __future__ import annotations

import dataclasses

import msgspec
import numpy as np
import pytest

from fhnbench import FhnbenchError, Workload, read_record, standard_problem
from fhnbench_sweep.analysis import measuring
from fhnbench_sweep.analysis.measuring import Measurement, measure, to_be_measured
from networks import artifact_of, network_of
from sweeps import study

SCHEMES = {"ddnn": "direct", "pinn": "direct", "itnn": "iterative"}


def trained_networks(of):
    """Return a function that gives the artifact of an outcome, as a sweep's store does."""

    def artifact(outcome):
        candidate = of.candidates[outcome.candidate]
        made = artifact_of(network_of(candidate.hidden, candidate.activations, SCHEMES[outcome.family]), 3)
        tensors = {name: 3 * tensor for name, tensor in made.tensors.items()}  # else they are linear, which audits find
        metadata = msgspec.structs.replace(made.metadata, family=outcome.family)
        return dataclasses.replace(made, metadata=metadata, tensors=tensors)

    return artifact


def test_what_is_measured_are_the_frontiers_and_networks_of_all_sizes():
    some = study(families=("ddnn", "pinn", "itnn"), per_doubling=-0.3, repeats=2)
    workload = Workload.of(standard_problem("C"), 100, "float32", 1)
    networks = measuring.networks_of(some, trained_networks(some), workload)
    assert len(networks) == 3 * 240
    chosen = to_be_measured(networks, np.random.default_rng(0))
    assert len(set(chosen)) == len(chosen)
    for family in SCHEMES:
        mine = [one for one in networks.values() if one.outcome.family == family]
        best = min(mine, key=lambda one: one.outcome.validation_mae)
        cheapest = min(mine, key=lambda one: (one.operations, one.outcome.validation_mae))
        assert {best.key, cheapest.key} <= set(chosen)
    iterative = sorted(networks[key].operations for key in chosen if key[0] == "itnn")
    assert len(iterative) >= measuring.CALIBRATION
    assert iterative[-1] > 30 * iterative[0]
    direct = [key for key in chosen if key[0] != "itnn"]
    assert len(direct) <= measuring.CALIBRATION + 2 * measuring.FRONTIER  # they share a model


def test_a_runtime_that_is_not_there_is_refused_and_leaves_nothing(tmp_path):
    some = dataclasses.replace(study(candidates=60), folder=tmp_path)
    with pytest.raises(FhnbenchError, match="nothing"):
        measure(some, trained_networks(some), Measurement(runtime="nothing"))
    assert not [*tmp_path.iterdir()]


@pytest.mark.slow
def test_times_are_measured_and_modelled(tmp_path, monkeypatch):
    monkeypatch.setattr(measuring, "CALIBRATION", 18)
    monkeypatch.setattr(measuring, "FRONTIER", 2)
    monkeypatch.setattr(measuring, "STEPS", {"euler": (0.1,), "rk4": (0.5,)})
    some = dataclasses.replace(study(candidates=60, families=("itnn",)), folder=tmp_path)
    times = measure(some, trained_networks(some), Measurement(size=1000, time_budget_s=5))
    assert {one.contender for one in times.classical} == {"euler-cpu[dt=0.1]", "rk4-cpu[dt=0.5]"}
    found = times.families["itnn"]
    measured = [one for one in found.values() if one.source == "measured"]
    assert len(found) == 60  # what an audit refuses is modelled
    assert len(measured) + len(times.unmeasured) in range(18, 21)
    model = times.models["itnn"]
    assert model.calibrated + model.held_out == len(measured)
    assert model.median_error < 0.5
    record = read_record(tmp_path / "measured" / "run.json")
    assert record.complete
    assert [folder.name for folder in tmp_path.iterdir()] == ["measured"]
    assert not [*tmp_path.rglob("*.safetensors")]
    with pytest.raises(FhnbenchError, match="--overwrite"):
        measure(some, trained_networks(some), Measurement())
