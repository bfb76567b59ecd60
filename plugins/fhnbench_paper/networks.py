"""The networks of runs, with what the runs say of them: what the rules on speed and accuracy are functions of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fhnbench import claims

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhnbench import Claim, RunRecord

FAMILIES = ("ddnn", "pinn", "itnn")
"""The paper's families; others are no networks, or not the paper's."""

HOST = "cpu"
ENGINE = "trt"
"""The runtime that evaluates networks with TensorRT, as the paper does."""


class Network(NamedTuple):
    """A network that ran.

    Parameters
    ----------
    problem, family, runtime
        What it is.
    hidden
        Sizes of its hidden layers.
    said
        What its run says of it: error, time, device and speed-ups.
    preparation_s
        Seconds that its training and its data took.
    time_maes
        MAE at each save point; empty where the record does not tell.
    """

    problem: str
    family: str
    runtime: str
    hidden: tuple[int, ...]
    said: Claim
    preparation_s: float = 0.0
    time_maes: tuple[float, ...] = ()

    @property
    def label(self) -> str:
        """Problem and contender."""
        return f"{self.problem}: {self.said.surrogate}"


def networks(records: Iterable[RunRecord]) -> list[Network]:
    """Return the paper's networks in some runs; of one that several measured, the first run counts."""
    found: dict[tuple[str, str, str], Network] = {}
    for record in records:
        rows = {row.contender: row for row in record.rows}
        for said in claims(record):
            family, _, runtime = said.surrogate.partition("[")[0].partition("-")
            row = rows[said.surrogate]
            if family in FAMILIES and row.artifact:
                paid = row.artifact.training_s + row.artifact.data_s
                profile = row.accuracy.profile if row.accuracy else None
                maes = tuple(mae for mae in profile.time.mae if mae is not None) if profile else ()
                network = Network(record.problem.name, family, runtime, row.artifact.hidden, said, paid, maes)
                found.setdefault((record.problem.name, said.surrogate, said.device), network)
    return list(found.values())
