"""A claim: a statement of the paper with the rule by which our figures judge it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from fhnbench import FhnbenchError
from fhnbench_paper.catalogue import find
from fhnbench_paper.record import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fhnbench_paper.evidence import Evidence
    from fhnbench_paper.record import ExperimentRecord, Verdict
    from fhnbench_paper.statements import Statement


class Judgement(NamedTuple):
    """What a rule gives: our figures in words, the verdict, and one sentence."""

    measurement: str
    verdict: Verdict
    why: str


class Claim(Protocol):
    """What a row of the comparison is made from.

    `needs` names the records without which nothing can be said, `also` those that are read where they are; `pictures`
    are files below the folder of records, the first that is there is shown.
    """

    @property
    def statement(self) -> Statement:
        """What the paper says."""
        ...

    @property
    def rule(self) -> str:
        """The rule that turns figures into the verdict."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of records."""
        ...

    @property
    def also(self) -> tuple[str, ...]:
        """Names of records."""
        ...

    @property
    def pictures(self) -> tuple[str, ...]:
        """Files."""
        ...

    def finding(self, evidence: Evidence) -> Finding:
        """Judge, when all that it needs is there."""
        ...


@dataclass(frozen=True, slots=True)
class RuleClaim:
    """A claim whose rule is a function of records."""

    statement: Statement
    rule: str
    judge: Callable[[Evidence], Judgement]
    needs: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()

    def finding(self, evidence: Evidence) -> Finding:
        """Judge the statement."""
        measurement, verdict, why = self.judge(evidence)
        return Finding(self.statement.words, self.statement.section, self.rule, measurement, verdict, why)


@dataclass(frozen=True, slots=True)
class ExperimentClaim:
    """A claim that an experiment judges: its own rule is applied to the figures of its record once more."""

    statement: Statement
    experiment: str
    rule: str = field(init=False)
    needs: tuple[str, ...] = field(init=False)
    also: tuple[str, ...] = ()
    pictures: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rule", f"that of `fhnbench experiment {self.experiment}`")
        object.__setattr__(self, "needs", (f"experiments/{self.experiment}",))
        object.__setattr__(self, "pictures", (f"experiments/{self.experiment}/picture.png",))

    def finding(self, evidence: Evidence) -> Finding:
        """Judge the statement."""
        findings = judged(evidence.experiments[self.needs[0]].record)
        return next(one for one in findings if one.statement == self.statement.words)


def figures_of(record: ExperimentRecord) -> Any:
    """Return the figures of an experiment's record, as the experiment's own class.

    Raises
    ------
    FhnbenchError
        If they are not such figures.
    """
    try:
        return msgspec.convert(record.figures, _module(record).Figures)
    except msgspec.ValidationError as error:
        raise FhnbenchError(f"record of {record.experiment}: figures: {error}") from None


def judged(record: ExperimentRecord) -> Sequence[Finding]:
    """Return the findings that follow from the figures of an experiment's record by the experiment's rules."""
    found = _module(record).judge(figures_of(record))
    return found if isinstance(found, tuple) else (found,)


def _module(record: ExperimentRecord) -> Any:
    return importlib.import_module(find(record.experiment).target.partition(":")[0])
