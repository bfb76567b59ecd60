"""The interfaces of a plugin: Solver, SurrogateFamily, Runtime and Execution.

Abstract classes hold the interface and nothing else; a plugin's own classes are frozen dataclasses whose fields are
the options that a user may set, validated on construction.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from fhnbench.errors import FhnbenchError
from fhnbench.workload import Output  # noqa: TC001 - annotations of plugins' classes are evaluated

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from fhnbench.artifact import Artifact
    from fhnbench.plugins.training import TrainingTask
    from fhnbench.problem import Ensemble
    from fhnbench.training.objective import TrainingDesign
    from fhnbench.workload import Precision, Workload


@dataclass(frozen=True, slots=True)
class Cost:
    """The work that a contender declares for one run of a workload; the roofline is computed from it.

    Parameters
    ----------
    operations
        Floating-point instructions for one sample each: a fused multiply-add, an addition or a multiplication
        counts one.
    bytes
        Bytes that must cross the memory interface: inputs read and the output written.
    """

    operations: float
    bytes: float


@dataclass(frozen=True, slots=True)
class Effective:
    """What really computes: the device's name and the precision of the arithmetic."""

    device: str
    precision: Precision


@dataclass(frozen=True, slots=True)
class Sweep:
    """What trades error for time: an option, and the values of it that ``fhnbench run --frontier`` measures.

    Parameters
    ----------
    option
        Name of the option.
    values
        Values, as a tolerance has them. None means that the option is a step: those are measured that divide the save
        interval and whose errors, by the order of convergence, are those of the surrogates.
    """

    option: str = "dt"
    values: tuple[float, ...] = ()


class DeviceClock(ABC):
    """The clock of a device that computes by itself, as CUDA's events are one.

    The harness starts it before the runs of a block and stops it after them, synchronises, and only then reads it. It
    records the time beside the one that it measures itself, and notes if they disagree.
    """

    @abstractmethod
    def start(self) -> None:
        """Enqueue the beginning."""

    @abstractmethod
    def stop(self) -> None:
        """Enqueue the end."""

    @abstractmethod
    def seconds(self) -> float:
        """Return the time between beginning and end, both of which are past."""


@dataclass(frozen=True, slots=True)
class Peaks:
    """What a device can do at most, measured once.

    Parameters
    ----------
    fma_per_s
        Fused multiply-adds a second, of all its units together; each counts one operation.
    bytes_per_s
        Bytes a second that it stores to memory as large as a workload's trajectories.
    """

    fma_per_s: float
    bytes_per_s: float


class DeviceProbe(ABC):
    """Measures the peaks of a device; constructed with a workload, whose precision and size count.

    The harness measures them in the same rounds as the contenders whose `Effective.device` is that of the probe.
    """

    device: str

    @abstractmethod
    def measure(self) -> Peaks:
        """Measure once; a few hundredths of a second."""


class Execution(ABC):
    """A prepared contender: compiled, allocated, ready for `upload`, `run`, `synchronize`, `output`.

    The harness calls ``upload`` before the first ``run`` and again whenever inputs change; it may call ``run`` several
    times after one ``upload``. Everything that is not the computation itself belongs into ``prepare``.
    """

    effective: Effective
    clock: DeviceClock | None = None
    """The device's clock, if it has one of its own."""

    notes: tuple[str, ...] = ()
    """What a reader of the results should know of the preparation, a line each; shown below the table."""

    @abstractmethod
    def upload(self, ensemble: Ensemble) -> None:
        """Make `ensemble` (of the workload's size and dtype, read-only) the inputs of the next `run`."""

    @abstractmethod
    def run(self) -> None:
        """Enqueue the computation of all trajectories: no allocation, no host copy, no hidden synchronisation."""

    @abstractmethod
    def synchronize(self) -> None:
        """Return when all that `run` enqueued is complete. Does nothing where `run` itself computes."""

    @abstractmethod
    def output(self) -> NDArray[Any]:
        """Return the last `run`'s output on the host, C-contiguous and in the workload's dtype.

        It is ``states[T, 2, N]``, or ``features[F, N]`` (`fhnbench.FEATURES`) if the workload asks for features.
        The array may be the execution's own buffer, which the next `run` overwrites.
        """

    @abstractmethod
    def close(self) -> None:
        """Release what `prepare` acquired; called once. Arrays that `output` returned stay as they are."""


class Solver(ABC):
    """A numerical method on a backend.

    Subclass it as a frozen dataclass; each field is an option (``euler-cpu[dt=0.05]`` sets the field ``dt``).
    """

    order: ClassVar[int]
    """Order of convergence of the method; the conformance kit measures it."""

    sweep: ClassVar[Sweep] = Sweep()
    """What trades error for time. A class without that option has nothing to sweep."""

    outputs: ClassVar[tuple[Output, ...]] = ("trajectories",)
    """What it can put out; `prepare` is never asked for anything else."""

    @abstractmethod
    def prepare(self, workload: Workload) -> Execution:
        """Compile and allocate for a workload.

        Raises
        ------
        Refused
            If the solver cannot do this workload exactly as asked (step, precision).
        Unavailable
            If the machine lacks what it needs.
        """

    @abstractmethod
    def cost(self, workload: Workload) -> Cost:
        """Return the operations and bytes of one run."""


class SurrogateFamily(ABC):
    """A kind of surrogate: its structure, its loss, and how it is evaluated over time.

    Subclass it as a frozen dataclass; each field is an option of training. Importing the class must not import torch.
    """

    hidden: ClassVar[tuple[int, ...]] = (64, 64)
    """Sizes of the hidden layers (or what takes their place) that are trained if none are asked for."""

    activation: ClassVar[str] = "tanh"
    """Activation of the hidden layers if none is asked for; empty where there is no choice."""

    @abstractmethod
    def train(self, task: TrainingTask) -> Artifact:
        """Train a surrogate and return it; see `TrainingTask` for what is asked."""

    def design(self, task: TrainingTask) -> TrainingDesign:
        """Return network, objective and recipes for a task, so that many networks can be trained at a time.

        ``fhnbench sweep`` needs it; override it in a family that `train` gives to `train_surrogate`.

        Raises
        ------
        FhnbenchError
            If the family has no such form.
        """
        raise FhnbenchError(f"{task.family}: this family trains by a method of its own; it gives no design")

    @abstractmethod
    def module(self, artifact: Artifact) -> torch.nn.Module:
        """Return a torch module from ``(u0[N], w0[N], i_app[N])`` to ``states[T, 2, N]``, normalisation inside.

        T is that of the artifact's problem; the module's ``forward`` takes the three inputs and an optional number of
        save points.
        """


class Runtime(ABC):
    """Something that evaluates artifacts: a fused kernel, a framework, an inference engine.

    Subclass it as a frozen dataclass; each field is an option (``ddnn-torch[chunk=4096]``).
    """

    outputs: ClassVar[tuple[Output, ...]] = ("trajectories",)
    """What it can put out; `prepare` is never asked for anything else."""

    @abstractmethod
    def prepare(self, family: SurrogateFamily, artifact: Artifact, workload: Workload) -> Execution:
        """Load, compile and allocate for an artifact and a workload.

        Raises
        ------
        Refused
            If the runtime cannot evaluate this artifact as asked (activation, precision).
        Unavailable
            If the machine lacks what it needs.
        """

    @abstractmethod
    def cost(self, artifact: Artifact, workload: Workload) -> Cost:
        """Return the operations and bytes of one run."""
