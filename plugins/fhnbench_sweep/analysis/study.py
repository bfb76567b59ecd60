"""A study as tables: a row for each network that was trained."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pandas as pd

from fhnbench import FhnbenchError
from fhnbench_sweep.analysis.record import LARGE
from fhnbench_sweep.outcome import Outcome
from fhnbench_sweep.plan import decode_plan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fhnbench_sweep.plan import Candidate, Plan

PLAN_FILE, OUTCOMES_FILE = "plan.json", "outcomes.jsonl"


@dataclass(frozen=True)
class Study:
    """The sweep of one problem.

    Parameters
    ----------
    folder
        Where it was read from.
    plan, outcomes
        As read.
    """

    folder: Path
    plan: Plan
    outcomes: Sequence[Outcome]

    @property
    def families(self) -> list[str]:
        """Families, in the order of their first outcome."""
        return list(dict.fromkeys(one.family for one in self.outcomes))

    @property
    def candidates(self) -> dict[str, Candidate]:
        """Candidates by name."""
        return {one.name: one for one in self.plan.candidates}

    @cached_property
    def networks(self) -> pd.DataFrame:
        """The networks that were trained, a row each.

        Columns: ``family``, ``candidate``, ``seed``, ``repeat`` (whether another seed of the candidate is the main
        one), ``architecture`` (hidden sizes and activations), ``shape``, ``size`` (bin), ``group`` (small or large),
        ``neurons``, ``layers``, ``parameters``, ``validation``, ``mae`` (of the test), ``log`` (its decimal
        logarithm), and for each activation its share of the layers.
        """
        main = self._main_seeds
        rows = [
            _row(self.candidates[one.candidate], self.plan.space.activations, one, repeat=one.seed != main[one.family])
            for one in self.outcomes
            if trained(one)
        ]
        return pd.DataFrame(rows)

    @cached_property
    def main_networks(self) -> pd.DataFrame:
        """`networks` without repeats."""
        return self.networks[~self.networks["repeat"]] if len(self.networks) else self.networks

    @property
    def main_outcomes(self) -> list[Outcome]:
        """Outcomes without repeats, failed ones included."""
        main = self._main_seeds
        return [one for one in self.outcomes if one.seed == main[one.family]]

    def failures(self, family: str) -> int:
        """Return how many candidates of a family failed, or have an error that is not finite."""
        return sum(one.family == family and not trained(one) for one in self.main_outcomes)

    @property
    def _main_seeds(self) -> dict[str, int]:
        """The seed with which most candidates of each family were trained."""
        seeds = {family: [one.seed for one in self.outcomes if one.family == family] for family in self.families}
        return {family: max(dict.fromkeys(found), key=found.count) for family, found in seeds.items()}


def read_study(folder: Path) -> Study:
    """Read the plan and the outcomes in the folder of a sweep; a last line that was not written whole is left out.

    Raises
    ------
    FhnbenchError
        If a file is missing or damaged; the message names it.
    """
    plan, outcomes = folder / PLAN_FILE, folder / OUTCOMES_FILE
    try:
        planned = decode_plan(plan.read_bytes())
        *lines, _ = outcomes.read_bytes().split(b"\n")
    except OSError as error:
        raise FhnbenchError(f"{error.filename}: {error.strerror}; is {folder} the folder of a sweep?") from None
    except FhnbenchError as error:
        raise FhnbenchError(f"{plan}: {error}") from None
    names = {one.name for one in planned.candidates}
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(msgspec.json.decode(line, type=Outcome))
        except msgspec.MsgspecError as error:
            raise FhnbenchError(f"{outcomes}, line {number}: {error}") from None
        if found[-1].candidate not in names:
            raise FhnbenchError(f"{outcomes}, line {number}: {found[-1].candidate} is not in {plan}")
    return Study(folder, planned, found)


def trained(outcome: Outcome) -> bool:
    """Return whether an outcome has errors that are positive numbers."""
    errors = outcome.validation_mae, outcome.test.get("mae")
    return outcome.status == "trained" and all(one is not None and 0 < one < np.inf for one in errors)


def share_column(activation: str) -> str:
    """Return the column of an activation's share of the layers."""
    return f"share of {activation}"


def _row(candidate: Candidate, activations: Sequence[str], outcome: Outcome, *, repeat: bool) -> dict[str, Any]:
    shares = {
        share_column(name): candidate.activations.count(name) / len(candidate.activations) for name in activations
    }
    return {
        "family": outcome.family,
        "candidate": candidate.name,
        "seed": outcome.seed,
        "repeat": repeat,
        "architecture": (candidate.hidden, candidate.activations),
        "shape": candidate.shape,
        "size": candidate.size_bin,
        "group": "large" if candidate.neurons >= LARGE else "small",
        "neurons": candidate.neurons,
        "layers": len(candidate.hidden),
        "parameters": outcome.parameters,
        "validation": outcome.validation_mae,
        "mae": outcome.test["mae"],
        "log": np.log10(outcome.test["mae"]),
        **shares,
    }
