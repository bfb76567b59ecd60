"""A run as pandas data frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fhnbench.report.result import ordered
from fhnbench.report.runs import FIGURES, figures_of
from fhnbench.results.record import Block

if TYPE_CHECKING:
    import pandas as pd

    from fhnbench.results.record import RunRecord

_TEXT = ("contender", "kind", "output", "status", "binds", "reason")
_TRUTH = ("converged", "disturbed")


def frame(record: RunRecord) -> pd.DataFrame:
    """Return a run with a row for each contender: those that ran from fast to slow, then the others.

    Parameters
    ----------
    record
        A run.

    Returns
    -------
    pandas.DataFrame
        The columns of ``table.csv``. Times end in ``_s`` and are in seconds, energies in ``_j`` and in joules; errors
        are those of u and w, without a unit. What a contender has not got is NaN, or None in columns of text.
    """
    import pandas as pd

    rows = pd.DataFrame([figures_of(row) for row in ordered(record.rows)], columns=list(FIGURES), dtype=object)
    numbers = [name for name in FIGURES if name not in {*_TEXT, *_TRUTH}]
    return rows.astype({**dict.fromkeys(numbers, float), **dict.fromkeys(_TRUTH, bool)})


def block_frame(record: RunRecord) -> pd.DataFrame:
    """Return the raw measurements of a run with a row for each timed block, in the order of measuring.

    Parameters
    ----------
    record
        A run.

    Returns
    -------
    pandas.DataFrame
        ``contender`` and the fields of a block, as results/README.md describes them: ``round``, ``started_s``,
        ``runs``, ``upload_s``, ``compute_s``, ``download_s`` and what the machine did meanwhile. Times are in seconds,
        those of a block's spans for one run. What the machine does not tell is NaN.
    """
    import pandas as pd

    blocks = [
        {"contender": row.contender, **msgspec.structs.asdict(block)} for row in record.rows for block in row.blocks
    ]
    names = ["contender", *Block.__struct_fields__]
    types: dict[str, Any] = {name: float for name in names if name not in {"contender", "disturbed"}}
    found = pd.DataFrame(blocks, columns=names, dtype=object).astype({**types, "round": int, "runs": int})
    return found.sort_values("started_s", ignore_index=True)
