"""Verdicts over a table of ratios: faster, slower, equivalent or inconclusive, each at a stated level for all rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

from fhnbench.statistics.ratio import Ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Verdict = Literal["faster", "slower", "equivalent", "inconclusive"]

ALPHA = 0.05


class Judged(msgspec.Struct, frozen=True):
    """A ratio with its verdict.

    Parameters
    ----------
    ratio
        Candidate over base.
    threshold
        Relative change that does not matter.
    p_different
        Two-sided p-value of a ratio of 1, adjusted for all rows of the table.
    p_equivalent
        The larger p-value of the two one-sided tests against a change of `threshold` either way, adjusted likewise.
    verdict
        ``equivalent`` if the change is shown to be below the threshold, however surely there is one; else ``faster`` or
        ``slower`` if there is one; else ``inconclusive``.
    """

    ratio: Ratio
    threshold: float
    p_different: float
    p_equivalent: float
    verdict: Verdict


def judge(ratios: Sequence[Ratio], thresholds: Sequence[float], alpha: float = ALPHA) -> list[Judged]:
    """Return the verdicts of a table: over all rows, a false one occurs with probability `alpha` at most.

    Differences are tested by Student's test of the log ratio, equivalence by two such one-sided tests; the p-values of
    either are adjusted by Holm's method.

    Parameters
    ----------
    ratios
        One for each row.
    thresholds
        Relative change that does not matter, as in 0.03, for each row; 0 never gives ``equivalent``.
    alpha
        Probability of a false claim in the table.
    """
    different = holm([p_different(ratio) for ratio in ratios])
    equivalent = holm([p_equivalent(ratio, threshold) for ratio, threshold in zip(ratios, thresholds, strict=True)])
    return [
        Judged(ratio, threshold, p, q, _verdict(ratio, p, q, alpha))
        for ratio, threshold, p, q in zip(ratios, thresholds, different, equivalent, strict=True)
    ]


def p_different(ratio: Ratio) -> float:
    """Return the two-sided p-value of a ratio of 1."""
    return 2 * _tail(ratio, abs(math.log(ratio.value)))


def p_equivalent(ratio: Ratio, threshold: float) -> float:
    """Return the p-value of a change of more than `threshold`, up or down: two one-sided tests."""
    return _tail(ratio, math.log1p(threshold) - abs(math.log(ratio.value)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted by Holm's step-down method, in the order given.

    SciPy adjusts for the false discovery rate only, and statsmodels, which has this one, is no small thing to install.
    """
    given = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(given)
    raised = given[order] * np.arange(given.size, 0, -1)
    adjusted: NDArray[np.float64] = np.empty_like(given)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(raised))
    return adjusted.tolist()  # type: ignore[no-any-return]


def _verdict(ratio: Ratio, different: float, equivalent: float, alpha: float) -> Verdict:
    if equivalent <= alpha:
        return "equivalent"
    if different <= alpha:
        return "slower" if ratio.value > 1 else "faster"
    return "inconclusive"


def _tail(ratio: Ratio, distance: float) -> float:
    """Return the probability that the error alone moves the log ratio by more than `distance` one way."""
    from scipy.special import stdtr

    if math.isinf(ratio.log_error):
        return 0.5
    tail: Any = stdtr(ratio.freedom, -distance / ratio.log_error)
    return float(tail)
