"""What all rules on sweeps share: whose networks they judge, and how a rule becomes a claim.

The paper does not say which family and which problem its statistics are of. They are judged by the DDNNs, the family
that it recommends, and hold only if they hold for every problem that was swept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhnbench_paper.claim import Judgement, RuleClaim
from fhnbench_paper.evidence import SWEEP

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fhnbench_paper.statements import Statement
    from fhnbench_paper.sweep_figures import Family, Problem

FAMILY = "ddnn"

SMALL_NEURONS = 120
"""Networks of fewer neurons are small."""

EVERY = f"in every problem that was swept, the {FAMILY}s"
"""Beginning of a rule's condition, whose possessive is ``'``."""


def families(problems: Sequence[Problem]) -> list[tuple[Problem, Family]]:
    """Return each problem with what there is of the family that is judged."""
    return [(problem, family) for problem in problems if (family := problem.family(FAMILY))]


def not_measured(why: str) -> Judgement:
    """Return that the sweeps hold nothing that could decide."""
    return Judgement("nothing", "not measured", why)


def sweep_claim(
    statement: Statement, rule: str, judge: Callable[[Sequence[Problem]], Judgement], picture: str = ""
) -> RuleClaim:
    """Return the claim that a rule on the problems of sweeps judges, with a picture of their report."""
    pictures = (f"{SWEEP}/report/{picture}", f"{SWEEP}/C/report/{picture}") if picture else ()
    return RuleClaim(statement, rule, lambda evidence: judge(evidence.problems), needs=(SWEEP,), pictures=pictures)
