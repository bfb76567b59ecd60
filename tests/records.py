"""Run records to test with."""

import msgspec

from fhnbench.accuracy import Accuracy
from fhnbench.error_profile import BINS, ErrorProfile, ErrorStatistics
from fhnbench.problem import standard_problem
from fhnbench.results.record import (
    Block,
    CostRecord,
    DatasetRecord,
    EffectiveRecord,
    Interval,
    Row,
    RunRecord,
    Settings,
)


def row(contender: str, time_s: float, mae: float, kind: str = "solver", **fields) -> Row:
    accuracy = Accuracy(mae, 2 * mae, 30 * mae, 3.0, 0.02, 1000, 1, 0)
    interval = Interval(time_s, 0.98 * time_s, 1.03 * time_s, (time_s,) * 5)
    return Row(
        contender,
        kind,
        "ran",
        converged=True,
        accuracy=accuracy,
        resident=interval,
        end_to_end=interval,
        prepare_s=1.5,
        throughput=100_000 / time_s,
        roofline_fraction=0.8,
        cost=CostRecord(2e8, 4e7),
        effective=EffectiveRecord("cpu", "float32"),
        blocks=(Block(0, 0.1, 1, 1e-4, time_s, 1e-5, 0.0),),
        **fields,
    )


def with_profile(of: Row) -> Row:
    """Return a row whose errors grow in time, with u0 and with the current; one cell has no samples."""

    def growing(count: int) -> ErrorStatistics:
        values = [of.accuracy.mae * 2 * i / (count - 1) for i in range(count)]
        return ErrorStatistics(tuple(values), tuple(30 * value for value in values))

    cells = growing(BINS * BINS)
    cells = ErrorStatistics((None, *cells.mae[1:]), (None, *cells.p999[1:]))
    profile = ErrorProfile(growing(standard_problem("C").save_points), cells, growing(BINS))
    return msgspec.structs.replace(of, accuracy=msgspec.structs.replace(of.accuracy, profile=profile))


def record(*rows: Row, complete: bool = True) -> RunRecord:
    return RunRecord(
        created="2026-01-02T03:04:05+00:00",
        command="fhnbench run",
        problem=standard_problem("C"),
        dataset=DatasetRecord("C.h5", "ab" * 32, 100_000, "uniform", 1961, 4e-11),
        settings=Settings(threads=2),
        environment={"cpu": "A CPU"},
        probes=(),
        rows=rows,
        complete=complete,
    )
