"""What a plugin's hooks return: names and import targets, so that listing plugins imports none of their code."""

from __future__ import annotations

import importlib
import importlib.util
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from fhnbench.errors import FhnbenchError, Unavailable

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

_NAME = re.compile(r"[a-z][a-z0-9_]*(-[a-z0-9_]+)*")
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether something can run here, and if not, why and what to do."""

    available: bool
    reason: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        """Return one line."""
        return "available" if self.available else "; ".join(part for part in (self.reason, self.remedy) if part)


@dataclass(frozen=True, slots=True)
class Spec:
    """One item of a plugin.

    Parameters
    ----------
    name
        The name that users type: lower-case letters, digits, underscores and hyphens.
    target
        ``"module:attribute"``, imported only when the item is used.
    summary
        One line that `fhnbench plugins` shows.
    requires
        Names of the packages that the target imports beyond the plugin's own requirements.
    extra
        The extra of the plugin's distribution that installs them.
    probe
        ``"module:function"`` that returns an `Availability`, for what a package's presence does not tell (a device, a
        driver). It must be cheap, must not raise, and imports nothing heavy.
    named_only
        Whether it runs only where it is named or a pattern matches it, not in a run without names: for what is there
        to be compared with, and slow.

    Raises
    ------
    FhnbenchError
        If the name or a target is malformed.
    """

    name: str
    target: str
    summary: str
    requires: tuple[str, ...] = ()
    extra: str | None = None
    probe: str | None = None
    named_only: bool = False

    kind: ClassVar[str] = "item"
    hyphens: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or ("-" in self.name and not self.hyphens):
            marks = "'_' and '-'" if self.hyphens else "and '_'"
            raise FhnbenchError(f"{self.kind} name {self.name!r}: use lower-case letters, digits, {marks}")
        for target in filter(None, (self.target, self.probe)):
            if not _TARGET.fullmatch(target):
                raise FhnbenchError(
                    f"{self.kind} {self.name!r}: target {target!r} is not of the form 'module:attribute'"
                )

    def availability(self, distribution: str) -> Availability:
        """Return whether the item can run here; `distribution` is the one whose extra is the remedy."""
        missing = [package for package in self.requires if find_package(package) is None]
        if missing:
            remedy = f"pip install '{distribution}[{self.extra}]'" if self.extra else f"pip install {' '.join(missing)}"
            return Availability(False, f"{' and '.join(missing)} not installed", remedy)
        if self.probe is None:
            return Availability(True)
        try:
            result = import_target(self.probe)()
        except Exception as error:  # noqa: BLE001 - a plugin's code: whatever it raises is its answer
            return Availability(False, f"its probe {self.probe} raised {type(error).__name__}: {error}")
        return (
            result
            if isinstance(result, Availability)
            else Availability(False, f"its probe {self.probe} returned {result!r}")
        )


@dataclass(frozen=True, slots=True)
class SolverSpec(Spec):
    """A solver: the target is a frozen dataclass that implements `Solver`; the name is ``<method>-<backend>``."""

    kind: ClassVar[str] = "solver"


@dataclass(frozen=True, slots=True)
class SurrogateSpec(Spec):
    """A surrogate family: the target implements `SurrogateFamily`.

    `artifacts` names an import package whose folder ``artifacts/`` holds the trained surrogates that ship with it.
    """

    artifacts: str | None = None

    kind: ClassVar[str] = "surrogate"


@dataclass(frozen=True, slots=True)
class ProbeSpec(Spec):
    """A probe of a device's peaks: the target takes a workload and returns a `DeviceProbe`, or raises `Refused`."""

    kind: ClassVar[str] = "probe"


@dataclass(frozen=True, slots=True)
class RuntimeSpec(Spec):
    """A runtime: the target is a frozen dataclass that implements `Runtime`; contenders are ``<family>-<runtime>``.

    A runtime's name has no hyphen, so that the last one of a contender's name ends the family's.
    """

    kind: ClassVar[str] = "runtime"
    hyphens: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class CommandSpec(Spec):
    """A subcommand of `fhnbench`: the target is a click command."""

    kind: ClassVar[str] = "command"


def find_package(name: str) -> ModuleSpec | None:
    """Return where a package is installed, without importing it; None if it is not."""
    try:
        return importlib.util.find_spec(name)
    except ModuleNotFoundError:  # what holds a dotted name is not installed
        return None


def import_target(target: str) -> Any:
    """Return what a ``"module:attribute"`` target names.

    Raises
    ------
    Unavailable
        If the module or the attribute does not exist or fails to import.
    """
    module, _, attribute = target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except Exception as error:
        raise Unavailable(f"cannot import {target}: {type(error).__name__}: {error}") from error
