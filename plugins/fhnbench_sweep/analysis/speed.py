"""Networks against classical methods, and what decides how long a network takes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from fhnbench_sweep.analysis.record import Speed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from fhnbench_sweep.analysis.record import Classical
    from fhnbench_sweep.analysis.times import Time


def speed(
    networks: pd.DataFrame, times: Mapping[str, Time], classical: Sequence[Classical], euler: Classical
) -> Speed | None:
    """Return how fast the networks of one family are; None if none has a time.

    Parameters
    ----------
    networks
        As `Study.networks` has them, without repeats.
    times
        By candidate.
    classical
        All classical contenders, among them Euler's method.
    euler
        The paper's solver.
    """
    timed = networks[networks["candidate"].isin(list(times))]
    if timed.empty:
        return None
    seconds = np.array([times[name].seconds for name in timed["candidate"]])
    useful = timed[[is_useful(*pair, classical) for pair in zip(seconds, timed["mae"], strict=True)]]
    neurons = useful["neurons"]
    return Speed(
        networks=len(timed),
        slower=float(np.mean(seconds > euler.seconds)),
        useful=len(useful) / len(timed),
        useful_layers=dict(sorted(Counter(map(int, useful["layers"])).items())),
        useful_neurons=(int(neurons.min()), float(neurons.median()), int(neurons.max())) if len(useful) else None,
        **_correlations(timed, times),
    )


def is_useful(seconds: float, mae: float, classical: Sequence[Classical]) -> bool:
    """Return whether no classical contender is as accurate and as fast."""
    return not any(one.seconds <= seconds and one.mae <= mae for one in classical)


def _correlations(timed: pd.DataFrame, times: Mapping[str, Time]) -> dict[str, float | None]:
    measured = timed[[times[name].source == "measured" for name in timed["candidate"]]]
    of = [times[name] for name in measured["candidate"]]
    seconds = [one.seconds for one in of]
    properties = {
        "time_by_neurons": measured["neurons"],
        "time_by_layers": measured["layers"],
        "time_by_operations": [one.operations for one in of],
    }
    return {name: _rank_correlation(values, seconds) for name, values in properties.items()}


def _rank_correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    if len(set(first)) < 3 or len(set(second)) < 3:
        return None
    return float(stats.spearmanr(first, second).statistic)
