"""The experiments by name; each is imported only when it is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from fhnbench import FhnbenchError, Spec, Unavailable, import_target, suggestion

if TYPE_CHECKING:
    from fhnbench_paper.experiment import Experiment


DISTRIBUTION = "fhnbench"
"""The distribution whose extras experiments name."""


@dataclass(frozen=True, slots=True)
class ExperimentSpec(Spec):
    """An experiment: the target is a frozen dataclass that implements `Experiment`."""

    kind: ClassVar[str] = "experiment"

    def experiment(self) -> type[Experiment]:
        """Import the experiment's class.

        Raises
        ------
        Unavailable
            If a package that it needs is missing; the message holds the remedy.
        """
        if not (availability := self.availability(DISTRIBUTION)).available:
            raise Unavailable(f"{self.name}: {availability}")
        experiment: type[Experiment] = import_target(self.target)
        return experiment


def _trains(name: str, target: str, summary: str) -> ExperimentSpec:
    return ExperimentSpec(name, target, summary, requires=("torch",), extra="torch")


EXPERIMENTS = (
    _trains(
        "data-scarcity",
        "fhnbench_paper.data_scarcity:DataScarcity",
        "DDNN against PINN over training-set sizes: when physics helps, and how many points problem A needs",
    ),
    ExperimentSpec(
        "error-map",
        "fhnbench_paper.error_map:ErrorMap",
        "Figure 1: true, predicted and error over (initial state, time), and where errors gather",
    ),
    ExperimentSpec(
        "euler-step",
        "fhnbench_paper.euler_step:EulerStep",
        "error over the step for Euler, Heun, midpoint, RK3 and RK4: the largest step with an error below 1e-2",
    ),
    _trains(
        "itnn-failures",
        "fhnbench_paper.itnn_failures:IterativeFailures",
        "Figure 4: how iterated networks fail, next state against increment, and against the DDNN",
    ),
    _trains(
        "training-cost",
        "fhnbench_paper.training_cost:TrainingCost",
        "time of a training iteration, PINN over DDNN, at equal network and batch",
    ),
)


def find(name: str) -> ExperimentSpec:
    """Return an experiment.

    Raises
    ------
    FhnbenchError
        If there is none of that name; the message gives the closest.
    """
    named = {spec.name: spec for spec in EXPERIMENTS}
    if name not in named:
        raise FhnbenchError(f"no experiment {name!r}; {suggestion(name, sorted(named))}")
    return named[name]
