"""All claims, in the order of the paper: one for each of its statements."""

from __future__ import annotations

from fhnbench_paper import (
    rules_accuracy,
    rules_data,
    rules_iterated,
    rules_settings,
    rules_speed,
    rules_statistics,
    rules_sweep,
    statements,
)

_ORDER = [value for value in vars(statements).values() if isinstance(value, statements.Statement)]

CLAIMS = tuple(
    sorted(
        (
            *rules_accuracy.CLAIMS,
            *rules_data.CLAIMS,
            *rules_iterated.CLAIMS,
            *rules_settings.CLAIMS,
            *rules_speed.CLAIMS,
            *rules_statistics.CLAIMS,
            *rules_sweep.CLAIMS,
        ),
        key=lambda claim: _ORDER.index(claim.statement),
    )
)
