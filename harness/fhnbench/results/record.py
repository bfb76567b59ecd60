"""The record of a run, ``run.json``: what was asked, on what machine, what came out, with all raw samples.

Everything that is shown (tables, pictures) is made from this record and nothing else. Times are in seconds.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from fhnbench.accuracy import Accuracy
from fhnbench.features import FeatureErrors
from fhnbench.problem import Problem
from fhnbench.workload import Output

RUN_SCHEMA = "fhnbench.run/1"

Status = Literal["ran", "unavailable", "refused", "failed", "timed_out"]


class Interval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A median with its bootstrap 95% interval, and the samples that it was taken from, in order of measuring."""

    median_s: float
    low_s: float
    high_s: float
    samples: tuple[float, ...]

    @property
    def spread(self) -> float | None:
        """The larger half of the interval, relative to the median; one sample has none."""
        if len(self.samples) < 2:
            return None
        return max(self.high_s - self.median_s, self.median_s - self.low_s) / self.median_s


class Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One timed block: an upload, `runs` runs in a row, a download.

    Parameters
    ----------
    round
        Number of the interleaved round, from 0; blocks of equal number were taken one after the other.
    started_s
        Start, in seconds since the first round began.
    runs
        Runs in the block; times are per run.
    upload_s, compute_s, download_s
        The spans, in seconds.
    idle_cpu_s
        CPU time that the worker used since its previous block, while it was not asked to do anything.
    device_s
        `compute_s` by the clock of the device, if it has one.
    background
        CPUs that other processes kept busy during the block, on average; None where the system does not tell.
    mhz
        Mean clock frequency after the block (of the CPUs, or of the GPU); None where it cannot be read.
    memory_bytes
        Memory of the worker after the block.
    energy_j
        Energy that the device used during the block; None where it does not tell.
    disturbed
        What disturbed the block, if anything: it was repeated and is not part of the statistics.
    """

    round: int
    started_s: float
    runs: int
    upload_s: float
    compute_s: float
    download_s: float
    idle_cpu_s: float
    device_s: float | None = None
    background: float | None = None
    mhz: float | None = None
    memory_bytes: int | None = None
    energy_j: float | None = None
    disturbed: str = ""


class CostRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Floating-point instructions and bytes that the contender declares for one run."""

    operations: float
    bytes: float


class EffectiveRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The device and the precision that really computed."""

    device: str
    precision: str


class ArtifactRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The artifact that a surrogate evaluated."""

    file: str
    digest: str
    hidden: tuple[int, ...]
    activations: tuple[str, ...]
    training_s: float
    data_s: float
    extrapolated: str | None = None
    """In what way the run lies outside the training ranges, if it does (``--extrapolate``)."""


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One contender of a run.

    Parameters
    ----------
    contender
        Name and options, as `fhnbench run` reads them.
    kind
        ``solver`` or ``surrogate``.
    status, reason
        Whether it ran, and if not, why and what to do.
    converged
        Whether the 95% interval of the resident median is within the precision asked for.
    accuracy
        Errors of a timed run's output against the reference.
    resident, end_to_end
        Time of one run with inputs and outputs left where they are, and with upload and download.
    prepare_s
        Import, compilation, loading and allocation.
    throughput
        Samples per second, resident.
    roofline_fraction
        Time that the machine's measured peaks allow for the declared cost, over the resident median.
    binds
        What that time is made of: ``arithmetic`` or ``memory``, whichever takes longer.
    cost, effective, artifact
        What the contender declares and what it evaluated.
    options
        All options that it ran with, defaults included, and what its artifact was selected by.
    order
        Order of convergence that a solver declares.
    sweep
        The option that trades error for time, if it has one.
    audits
        Names of the audits that it passed; see `fhnbench.measure.audits`.
    disturbed
        Whether too few blocks were undisturbed, so that the statistics are those of all.
    energy_j
        Energy of one run in joules, where the machine tells.
    finished
        Whether nothing more would have been measured; False for a row that was being measured when the run ended.
    notes
        Remarks that a reader should see (a busy idle worker, extrapolation, a gate that failed).
    blocks
        The raw measurements.
    output
        What it was asked for.
    features
        Errors of features, where they were asked for. Such a row has no `accuracy`, so it is neither on a frontier nor
        part of a claim.
    """

    contender: str
    kind: Literal["solver", "surrogate"]
    status: Status
    reason: str = ""
    converged: bool = False
    accuracy: Accuracy | None = None
    resident: Interval | None = None
    end_to_end: Interval | None = None
    prepare_s: float | None = None
    throughput: float | None = None
    roofline_fraction: float | None = None
    binds: Literal["arithmetic", "memory"] | None = None
    cost: CostRecord | None = None
    effective: EffectiveRecord | None = None
    artifact: ArtifactRecord | None = None
    options: dict[str, Any] = {}
    order: int | None = None
    sweep: str | None = None
    audits: tuple[str, ...] = ()
    disturbed: bool = False
    energy_j: float | None = None
    finished: bool = True
    notes: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    output: Output = "trajectories"
    features: FeatureErrors | None = None

    @property
    def errors(self) -> Accuracy | FeatureErrors | None:
        """Errors of the output, whichever it is."""
        return self.accuracy or self.features


class DatasetRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The dataset of a run: `size` of its samples were used."""

    file: str
    digest: str
    size: int
    sampling: str
    seed: int
    error_floor: float
    """Mean change of the reference when its step is halved: an MAE below it means nothing."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a run is measured.

    Parameters
    ----------
    precision
        Precision asked of contenders that name none.
    threads
        CPU threads of each worker.
    rounds
        Most blocks of a contender.
    time_budget_s
        Most time for the rounds, in seconds.
    timeout_s
        Most time for any one answer of a worker, in seconds.
    tolerance
        A contender is measured no more when its 95% interval is so narrow, either way from the median; with 0, all
        rounds are measured.
    seed
        Seed of the order of contenders and of the choice of inputs.
    cold
        Whether caches are flushed before each block, which is a single run then.
    extrapolate
        Whether surrogates may run outside their training ranges.
    max_error
        Accuracy gate: the largest MAE that passes.
    frontier
        Whether solvers were swept over their steps and surrogates over their artifacts.
    """

    precision: str = "float32"
    threads: int = 1
    rounds: int = 200
    time_budget_s: float = 20.0
    timeout_s: float = 300.0
    tolerance: float = 0.01
    seed: int = 0
    cold: bool = False
    extrapolate: bool = False
    max_error: float | None = None
    frontier: bool = False


class ProbeRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Peaks of a device, measured in the same rounds as the contenders (best of all rounds)."""

    precision: str
    fma_per_s: float
    bytes_per_s: float
    device: str = "cpu"


class RunRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole run.

    `complete` is False while a run goes on and after it was interrupted; what was measured is there all the same.
    Records of equal `session` were measured together: blocks of equal round were taken one after the other.
    """

    created: str
    command: str
    problem: Problem
    dataset: DatasetRecord
    settings: Settings
    environment: dict[str, Any]
    probes: tuple[ProbeRecord, ...]
    rows: tuple[Row, ...]
    complete: bool
    session: str = ""
    schema: str = RUN_SCHEMA

    def _repr_html_(self) -> str:
        """Return the run's table for Jupyter, which looks for this method; the one import here that points up."""
        from fhnbench.report.notebook import html_table

        return html_table(self)
