"""Run records to test with."""

from fhnbench.accuracy import Accuracy
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
