"""``fhnbench selftest``: whether comparisons find what is there, and nothing else."""

from __future__ import annotations

import random
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fhnbench.asked import contenders_of, dataset_of, everything, interrupt_on_sigterm, output_folder
from fhnbench.cli._numbers import POSITIVE, CpuCount
from fhnbench.exit_status import ExitStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhnbench.measure.selftest import Pool
    from fhnbench.statistics.power import Found

DELAYS = (0.01, 0.02, 0.05)


@click.command()
@click.argument("contender", required=False, metavar="[CONTENDER]")
@click.option("--simulated", is_flag=True, help="On simulated clocks, a quiet and a busy one; takes seconds.")
@click.option(
    "--processes",
    type=click.IntRange(2),
    default=6,
    show_default=True,
    help="Processes of each side that a comparison rests on.",
)
@click.option("--rounds", type=click.IntRange(5), default=30, show_default=True, help="Rounds of each process.")
@click.option(
    "--repetitions", type=click.IntRange(1), default=400, show_default=True, help="Comparisons of each delay."
)
@click.option(
    "--time-budget",
    type=POSITIVE,
    default=300,
    show_default=True,
    help="Seconds of measuring on this machine's clock.",
)
@click.option("-n", "--size", type=click.IntRange(1), default=20_000, show_default=True, help="Samples.")
@click.option("--threads", type=CpuCount(), default=1, show_default=True, help="CPU threads of each worker.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), help="Folder of the record.  [default: results/runs/TIME]")
def command(contender: str | None, simulated: bool, output: Path | None, **given: Any) -> int:
    """Test the statistics of `fhnbench compare` against times whose truth is known.

    A contender (the first that can run here) is compared with itself: differences that are found are false alarms,
    and there may be 5% of them. Then one side is delayed by 1, 2 and 5%: this must be found as often as the
    comparisons say they would. The record is written to selftest.json, with all times, and the table to table.md.

    \b
    Exit status:
      0    false alarms and power are as stated
      2    wrong usage, one line says what to do
      4    they are not
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    import msgspec

    from fhnbench.files import write_whole
    from fhnbench.measure.environment import environment
    from fhnbench.report.console import answers
    from fhnbench.report.progress import reporting
    from fhnbench.report.selftest import selftest_table, to_markdown
    from fhnbench.results.selftest import SELFTEST_FILE, SelfTest

    folder = output_folder(output)
    interrupt_on_sigterm()
    with reporting() as report:
        pool = None if simulated else _pool(contender, report, **given)
        rows = _simulated(report, **given) if pool is None else _drawn(pool, report, **given)
    test = SelfTest(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=shlex.join(["fhnbench", *sys.argv[1:]]),
        environment=environment(),
        processes=given["processes"],
        rounds=given["rounds"],
        runs=pool.runs if pool else 0,
        rows=tuple(rows),
        times=pool.times if pool else {},
    )
    write_whole(folder / SELFTEST_FILE, msgspec.json.encode(test))
    write_whole(folder / "table.md", to_markdown(test))
    answers().print(selftest_table(test))
    click.echo(f"Results: {folder}")
    return ExitStatus.OK if all(row.kept for row in rows) else ExitStatus.GATE_FAILED


def _simulated(report: Callable[[str, float], None], **given: Any) -> list[Found]:
    import numpy as np

    from fhnbench.statistics.noise import BUSY, QUIET
    from fhnbench.statistics.power import found_delays

    generator = np.random.default_rng(given["seed"])
    rows = []
    for name, noise in (("simulated, quiet", QUIET), ("simulated, busy", BUSY)):

        def draw(delay: float, noise: Any = noise) -> Any:
            return noise.times(generator, given["processes"], given["rounds"], [0.0, delay])

        rows += found_delays(name, draw, DELAYS, given["repetitions"], report)
    return rows


def _pool(contender: str | None, report: Callable[[str, float], None], **given: Any) -> Pool:
    from fhnbench.measure.selftest import measure_pool
    from fhnbench.results.record import Settings

    dataset = dataset_of(None, None, given["size"])
    chosen, *_ = contenders_of([contender], "float32") if contender else everything(dataset, "float32")
    settings = Settings(
        threads=given["threads"], rounds=given["rounds"], time_budget_s=given["time_budget"], seed=given["seed"]
    )
    return measure_pool(dataset, given["size"], chosen, settings, DELAYS, given["processes"] + 2, report)


def _drawn(pool: Pool, report: Callable[[str, float], None], **given: Any) -> list[Found]:
    from fhnbench.statistics.power import found_delays

    generator = random.Random(given["seed"])
    return found_delays(
        "this machine",
        lambda delay: pool.draw(generator, given["processes"], delay),
        DELAYS,
        given["repetitions"],
        report,
    )
