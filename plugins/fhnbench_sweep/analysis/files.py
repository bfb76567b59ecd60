"""The files of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fhnbench import write_whole
from fhnbench_sweep.analysis.figures.checks import residuals_against_normal, validation_against_test
from fhnbench_sweep.analysis.figures.errors import errors_by_class
from fhnbench_sweep.analysis.figures.influences import influences
from fhnbench_sweep.analysis.figures.speeds import errors_against_time
from fhnbench_sweep.analysis.report import to_markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from fhnbench_sweep.analysis.record import Analysis
    from fhnbench_sweep.analysis.study import Study
    from fhnbench_sweep.analysis.times import Times

ANALYSIS_FILE, REPORT_FILE, NETWORKS_FILE = "analysis.json", "report.md", "networks.csv"


def write_report(
    folder: Path,
    analysis: Analysis,
    studies: Sequence[Study],
    times: Mapping[str, Times],
    report: Callable[[str, float], None] = lambda _what, _fraction: None,
) -> None:
    """Write figures, the table of all networks, the report and, last, the analysis, each whole.

    Parameters
    ----------
    folder
        Where to.
    analysis, studies, times
        What it is of; the studies in the order of the analysis's problems.
    report
        Called with what is going on and the fraction done.
    """
    families = list(dict.fromkeys(family.family for problem in analysis.problems for family in problem.families))
    drawings: dict[str, tuple[str, Callable[[], bytes]]] = {
        f"errors-{family}.png": (
            f"Errors by class and neurons, {family}",
            lambda family=family: errors_by_class(studies, family),  # type: ignore[misc]
        )
        for family in families
    }
    if any(problem.euler for problem in analysis.problems):
        drawings["times.png"] = (
            "Error against time",
            lambda: errors_against_time(studies, analysis.problems, times),
        )
    if any(family.predictors for problem in analysis.problems for family in problem.families):
        drawings["influences.png"] = "What predicts the error", lambda: influences(analysis.problems)
    drawings["selection.png"] = (
        "Validation and test error",
        lambda: validation_against_test(studies, analysis.problems),
    )
    drawings["residuals.png"] = "Residuals against normal ones", lambda: residuals_against_normal(studies)
    for number, (file, (title, draw)) in enumerate(drawings.items()):
        report(f"drawing: {title}", number / len(drawings))
        write_whole(folder / file, draw())
    write_whole(folder / NETWORKS_FILE, _networks(studies, times))
    write_whole(folder / REPORT_FILE, to_markdown(analysis, {file: title for file, (title, _) in drawings.items()}))
    write_whole(folder / ANALYSIS_FILE, msgspec.json.format(msgspec.json.encode(analysis), indent=1) + b"\n")


def _networks(studies: Sequence[Study], times: Mapping[str, Times]) -> str:
    """Return all networks as CSV, with their times where they are known."""
    import pandas as pd

    tables = []
    for study in studies:
        table = study.networks.drop(columns=["architecture", "group", "log"])
        known = times[study.plan.problem].families if study.plan.problem in times else {}
        found = [
            known.get(family, {}).get(name) for family, name in zip(table["family"], table["candidate"], strict=True)
        ]
        layers = [study.candidates[name] for name in table["candidate"]]
        tables.append(
            table.assign(
                problem=study.plan.problem,
                hidden=["x".join(map(str, one.hidden)) for one in layers],
                activations=["-".join(one.activations) for one in layers],
                seconds=[one and one.seconds for one in found],
                source=[one and one.source for one in found],
            )
        )
    text: str = pd.concat(tables).to_csv(index=False, float_format="%.6g")
    return text
