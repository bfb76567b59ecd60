"""What the coordinator and a worker say to each other: one JSON object a line, over pipes."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from fhnbench.plugins.contender import Kind
from fhnbench.plugins.interfaces import Sweep
from fhnbench.workload import Workload

CPU_PROBE = "fhnbench.measure.probes:MachineProbe"
"""What makes the probe of the CPU."""


class PrepareProbe(msgspec.Struct, tag=True, frozen=True):
    """Become a probe of a device's peaks; `target` is what makes it, the CPU's unless a plugin's is named."""

    workload: Workload
    target: str = CPU_PROBE


class Prepare(msgspec.Struct, tag=True, frozen=True):
    """Become a contender: import it, prepare it, warm it up.

    Parameters
    ----------
    contender, kind
        What to prepare, with its options but without selectors.
    artifact
        File of the artifact, for a surrogate.
    workload
        What is asked of it.
    inputs
        File of inputs, a NumPy array ``[3, 2 N]`` of the workload's dtype: u0, w0, i_app of the ensemble, twice.
    varied
        Names of the inputs in which samples differ.
    audited
        Whether the contender is audited; not again where it was in this run.
    """

    contender: str
    kind: Kind
    artifact: str | None
    workload: Workload
    inputs: str
    varied: tuple[str, ...] = ()
    audited: bool = True


class Measure(msgspec.Struct, tag=True, frozen=True):
    """Measure one block.

    Parameters
    ----------
    shift
        The inputs are the N columns from here on, so that each block has other inputs.
    flush_bytes
        Write so many bytes first, to empty the caches, and run once.
    save
        File to copy the output of the timed run to, after the clock has stopped.
    """

    shift: int
    flush_bytes: int = 0
    save: str | None = None


class MeasureProbe(msgspec.Struct, tag=True, frozen=True):
    """Measure the machine's peaks once."""


class Describe(msgspec.Struct, tag=True, frozen=True):
    """Say what options a contender has, without preparing it."""

    contender: str
    kind: Kind


class Described(msgspec.Struct, tag=True, frozen=True):
    """A contender's options, and a solver's order and sweep."""

    options: dict[str, Any]
    order: int | None = None
    sweep: Sweep | None = None


class Prepared(msgspec.Struct, tag=True, frozen=True):
    """A worker is ready.

    `prepare_s` is the time of import, compilation, loading and allocation; `run_s` that of a warm run; `options` are
    the plugin's own, defaults included; `order` and `sweep` a solver's; `notes` the execution's; `audits` those that
    were passed.
    """

    prepare_s: float
    run_s: float
    operations: float
    bytes: float
    device: str
    precision: str
    options: dict[str, Any] = {}
    order: int | None = None
    sweep: Sweep | None = None
    notes: tuple[str, ...] = ()
    audits: tuple[str, ...] = ()


class Measured(msgspec.Struct, tag=True, frozen=True):
    """Spans of one block in seconds (each per run), and the machine meanwhile; see `fhnbench.results.record.Block`.

    `waited` is the time that the worker's threads waited for a CPU, as a share of the block and of the threads;
    `throttled` whether the clock was; `cpu_s` the CPU time of the worker since its last block.
    """

    runs: int
    upload_s: float
    compute_s: float
    download_s: float
    idle_cpu_s: float
    device_s: float | None = None
    cpu_s: float = 0.0
    waited: float | None = None
    mhz: float | None = None
    throttled: bool = False
    energy_j: float | None = None
    memory_bytes: int | None = None


class Probed(msgspec.Struct, tag=True, frozen=True):
    """Peaks of the machine: fused multiply-adds and stored bytes per second."""

    fma_per_s: float
    bytes_per_s: float


class Failed(msgspec.Struct, tag=True, frozen=True):
    """What a worker could not do, and whose fault it is.

    ``invalid``: what the user typed is wrong; ``refused`` and ``unavailable``: the contender says so; ``failed``: its
    code raised, and `traceback` says where.
    """

    kind: Literal["invalid", "refused", "unavailable", "failed"]
    message: str
    traceback: str = ""


VERSION = 2
"""Raised by a change after which a worker of the revision before cannot answer, or its answers mean something else."""

WORKER = "fhnbench.measure.worker"
"""The program that speaks this protocol."""

Request = PrepareProbe | Prepare | Measure | MeasureProbe | Describe
Reply = Prepared | Measured | Probed | Described | Failed

encoder = msgspec.json.Encoder()
requests = msgspec.json.Decoder(Request)
replies: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply)
