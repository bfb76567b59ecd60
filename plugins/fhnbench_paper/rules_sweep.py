"""Rules on what predicts the accuracy of many networks, over the analyses of sweeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhnbench_paper import statements
from fhnbench_paper.claim import RuleClaim

if TYPE_CHECKING:
    from fhnbench_paper.claim import Claim, Judgement
    from fhnbench_paper.evidence import Evidence


def _unread(evidence: Evidence) -> Judgement:
    raise NotImplementedError


_A, _B, _C = "sweep/A", "sweep/B", "sweep/C"

CLAIMS: tuple[Claim, ...] = tuple(
    RuleClaim(statement, "decided by the analysis of a sweep", _unread, needs=needs)
    for statement, needs in (
        (statements.CANDIDATES, (_A, _B, _C)),
        (statements.FIGURE_2, (_A, _C)),
        (statements.SATURATION, (_A, _C)),
        (statements.SPREAD, (_A, _C)),
        (statements.NO_ADVANTAGE, (_A, _C)),
        (statements.NEURONS_LEAD, (_C,)),
        (statements.LARGER_VARY_LESS, (_A, _C)),
        (statements.SHAPE_F, (_A, _C)),
        (statements.SIZE_F, (_A, _C)),
        (statements.VARIANCES, (_A, _C)),
        (statements.ACTIVATIONS, (_A, _C)),
        (statements.SMALL_FAIL, (_A, _B, _C)),
        (statements.A_TO_B, (_A, _B, _C)),
        (statements.DESIGN_MATTERS, (_A, _C)),
    )
)
