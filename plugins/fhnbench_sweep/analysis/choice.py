"""Which networks one would choose, by time and validation error, and what that choice does to the error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fhnbench_sweep.analysis.record import Chosen, Selection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from fhnbench_sweep.analysis.times import Time
    from fhnbench_sweep.plan import Candidate


def frontier(costs: Sequence[float], errors: Sequence[float]) -> NDArray[np.int_]:
    """Return the indices of what nothing beats in both cost and error, from cheap to accurate."""
    order = np.lexsort([errors, costs])
    least, found = np.inf, []
    for index in order:
        if errors[index] < least:
            least = errors[index]
            found.append(index)
    return np.array(found, int)


def chosen(network: pd.Series, candidate: Candidate, time: Time | None, repeats: pd.DataFrame | None = None) -> Chosen:
    """Return a network that was chosen, with the test errors of other seeds of the same candidate.

    Parameters
    ----------
    network
        Its row in `Study.networks`.
    candidate
        What it is.
    time
        How long it takes, if that is known.
    repeats
        The networks of other seeds.
    """
    others = () if repeats is None else repeats.loc[repeats["candidate"] == candidate.name, "mae"]
    return Chosen(
        candidate=candidate.name,
        hidden=candidate.hidden,
        activations=candidate.activations,
        shape=candidate.shape,
        neurons=candidate.neurons,
        seconds=time.seconds if time else None,
        source=time.source if time else None,
        validation=float(network["validation"]),
        test=float(network["mae"]),
        repeats=tuple(map(float, others)),
    )


def choose(
    networks: pd.DataFrame,
    candidates: Mapping[str, Candidate],
    times: Mapping[str, Time],
) -> tuple[Chosen, ...]:
    """Return the frontier of one family by time and validation error, from fast to accurate.

    Without any times, the number of weights stands for the time.
    """
    main = networks[~networks["repeat"]].reset_index(drop=True)
    if times:
        main = main[main["candidate"].isin(list(times))].reset_index(drop=True)
    costs = [times[name].seconds for name in main["candidate"]] if times else main["parameters"].to_list()
    repeats = networks[networks["repeat"]]
    return tuple(
        chosen(
            main.loc[place], candidates[main.loc[place, "candidate"]], times.get(main.loc[place, "candidate"]), repeats
        )
        for place in frontier(costs, main["validation"].to_list())
    )


def selection(networks: pd.DataFrame, front: Sequence[Chosen]) -> Selection:
    """Return what the choice of a frontier by validation error does to the error.

    Parameters
    ----------
    networks
        All of the family, without repeats.
    front
        The frontier.
    """
    lucky = [other / one.test for one in front for other in one.repeats]
    return Selection(
        all_ratio=float((networks["mae"] / networks["validation"]).median()),
        chosen_ratio=float(np.median([one.test / one.validation for one in front])),
        repeats_ratio=float(np.median(lucky)) if lucky else None,
    )
