"""Analyses of variance, what they assume, variances between and within classes, and the spread at equal size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.diagnostic import het_breuschpagan
from statsmodels.stats.multitest import multipletests

from fhnbench_sweep.analysis.record import Anova, Assumptions, Bounded, Effect, Spread, Variances

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    import pandas as pd
    from numpy.typing import NDArray

    from fhnbench_sweep.analysis.record import Group, Scale

EQUAL_AT_LEAST = 3
"""A spread is one of at least so many networks."""

_RESPONSE: dict[Scale, Callable[[pd.DataFrame], pd.Series]] = {
    "log": lambda networks: networks["log"],
    "plain": lambda networks: networks["mae"],
    "ranks": lambda networks: networks["mae"].rank(),
}


def anovas(networks: pd.DataFrame) -> list[Anova]:
    """Return the analyses of variance of one family: small and large networks, on each scale.

    A group of which a factor has one level only, or in which too few networks are left, has none. The p-values of one
    scale are adjusted together (Holm).
    """
    found = [
        one
        for group in ("small", "large")
        for scale in _RESPONSE
        if (one := two_way(networks[networks["group"] == group], group, scale))
    ]
    for scale in _RESPONSE:
        places = [place for place, one in enumerate(found) if one.scale == scale]
        ps = [effect.p for place in places for effect in found[place].effects]
        adjusted = iter(multipletests(ps, method="holm")[1] if ps else [])
        for place in places:
            effects = [msgspec.structs.replace(one, p_adjusted=float(next(adjusted))) for one in found[place].effects]
            found[place] = msgspec.structs.replace(found[place], effects=tuple(effects))
    return found


def two_way(networks: pd.DataFrame, group: Group, scale: Scale) -> Anova | None:
    """Return the two-way analysis of variance (type II) of networks by class and size; None if there are too few.

    Of ranks it is the test of Scheirer, Ray and Hare (1976): the sum of squares over the variance of all ranks follows
    chi squared.
    """
    levels = networks["shape"].nunique(), networks["size"].nunique()
    if min(levels) < 2 or len(networks) < sum(levels) + 2:
        return None
    table = networks.assign(response=_RESPONSE[scale](networks))
    fitted = _fitted(table)
    parts = anova_lm(fitted, typ=2)
    residual, total = parts.loc["Residual"], table["response"].var()
    effects = []
    for factor in ("shape", "size"):
        squares, degrees, f, p = (float(parts.loc[f"C({factor})", name]) for name in ("sum_sq", "df", "F", "PR(>F)"))
        if scale == "ranks":
            f = squares / float(total)
            p = float(stats.chi2.sf(f, degrees))
        explained = squares / (squares + residual["sum_sq"])
        effects.append(
            Effect(
                factor=factor,
                statistic=f,
                p=p,
                p_adjusted=p,
                degrees=round(degrees),
                explained=float(explained),
            )
        )
    return Anova(
        group=group,
        scale=scale,
        networks=len(table),
        effects=tuple(effects),
        residual_degrees=round(residual["df"]),
        assumptions=None if scale == "ranks" else _assumptions(table, fitted),
    )


def residuals(networks: pd.DataFrame, scale: Scale) -> NDArray[np.float64] | None:
    """Return what class and size leave unexplained of a group, in standard deviations; None if there is no analysis."""
    if min(networks["shape"].nunique(), networks["size"].nunique()) < 2:
        return None
    left = _fitted(networks.assign(response=_RESPONSE[scale](networks))).resid.to_numpy()
    return np.asarray(left / left.std())


def _fitted(table: pd.DataFrame) -> Any:
    return ols("response ~ C(shape) + C(size)", table).fit()


def _assumptions(table: pd.DataFrame, fitted: Any) -> Assumptions:
    cells = [cell.to_numpy() for _, cell in table.groupby(["shape", "size"])["response"] if len(cell) > 1]
    return Assumptions(
        normal=float(stats.shapiro(fitted.resid).pvalue),
        equal_variances=float(stats.levene(*cells, center="median").pvalue) if len(cells) > 1 else None,
        homoscedastic=float(het_breuschpagan(fitted.resid, fitted.model.exog)[1]),
        additive=_additive(table, fitted),
    )


def _additive(table: pd.DataFrame, fitted: Any) -> float | None:
    cells = table.groupby(["shape", "size"]).ngroups
    if cells < table["shape"].nunique() * table["size"].nunique() or cells >= len(table):
        return None
    interacting = ols("response ~ C(shape) * C(size)", table).fit()
    return float(anova_lm(fitted, interacting)["Pr(>F)"].iloc[1])


def variances(networks: pd.DataFrame) -> list[Variances]:
    """Return the variances between and within classes, of small and of large networks, plain and logarithmic.

    The interval of their ratio is that of normal errors and of classes that stand for any others: the ratio over what
    is expected of it follows F.
    """
    found = []
    for group in ("small", "large"):
        for scale in ("plain", "log"):
            of_group = networks[networks["group"] == group]
            classes = [one for _, one in _RESPONSE[scale](of_group).groupby(of_group["shape"]) if len(one) > 1]
            if len(classes) > 1:
                found.append(_variances(classes, group, scale))
    return found


def _variances(classes: Sequence[pd.Series], group: Group, scale: Literal["log", "plain"]) -> Variances:
    between = float(np.var([one.mean() for one in classes], ddof=1))
    within = float(np.mean([one.var() for one in classes]))
    degrees = len(classes) - 1, sum(map(len, classes)) - len(classes)
    value = between / within
    high, low = (value / float(one) for one in stats.f.ppf([0.025, 0.975], *degrees))
    return Variances(
        group=group, scale=scale, between=between, within=within, ratio=Bounded(value=value, low=low, high=high)
    )


def spread(networks: pd.DataFrame, repeats: pd.DataFrame) -> Spread:
    """Return how errors differ at equal neurons and layers, and from seed to seed.

    Parameters
    ----------
    networks
        The networks of one family, without repeats.
    repeats
        The same and the repeats.
    """
    factors = _factors(networks.groupby(["neurons", "layers"])["mae"])
    seeds = _factors(repeats.groupby("candidate")["mae"])
    return Spread(
        sizes=len(factors),
        median=float(np.median(factors)) if factors else None,
        largest=max(factors, default=None),
        seeds_median=float(np.median(seeds)) if seeds else None,
        seeds_largest=max(seeds, default=None),
        small=_variance_at_size(networks[networks["group"] == "small"]),
        large=_variance_at_size(networks[networks["group"] == "large"]),
    )


def _factors(grouped: Any) -> list[float]:
    return [float(one.max() / one.min()) for _, one in grouped if len(one) >= EQUAL_AT_LEAST]


def _variance_at_size(networks: pd.DataFrame) -> float | None:
    found = networks.groupby("size")["log"].var().dropna()
    return float(found.mean()) if len(found) else None
