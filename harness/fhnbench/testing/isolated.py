"""Running the checks in a process of their own, so that a contender that crashes or hangs costs one check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fhnbench.errors import FhnbenchError, Refused, Unavailable
from fhnbench.measure import protocol
from fhnbench.measure.environment import usable_cpus
from fhnbench.measure.process import WorkerLost, WorkerProcess, WorkerTimeout
from fhnbench.measure.serving import serve
from fhnbench.plugins.contender import kind_of
from fhnbench.plugins.registry import registry
from fhnbench.problem import Problem
from fhnbench.testing.outcome import CheckResult
from fhnbench.testing.subject import Subject
from fhnbench.testing.suite import conformance_checks

if TYPE_CHECKING:
    from collections.abc import Iterator


class Load(msgspec.Struct, tag=True, frozen=True):
    """Become a contender under test: import it and prepare it once."""

    contender: str
    problem: Problem


class Loaded(msgspec.Struct, tag=True, frozen=True):
    """The contender could be prepared."""


class RunCheck(msgspec.Struct, tag=True, frozen=True):
    """Run one check."""

    name: str


Reply = Loaded | CheckResult | protocol.Failed

requests = msgspec.json.Decoder(Load | RunCheck)
replies: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply)


def run_isolated(contender: str, problem: Problem, timeout_s: float) -> Iterator[CheckResult]:
    """Run all checks that apply to a contender in another process; yield each result as it is known.

    Where that process dies or does not answer in time, the check that it was busy with has failed and the rest are
    skipped; so it is with the first check where the contender cannot be prepared.

    Parameters
    ----------
    contender
        Name and options.
    problem
        Problem that it is checked on.
    timeout_s
        Seconds that loading, and each check, may take.

    Raises
    ------
    Unavailable
        If the contender cannot run on this machine.
    Refused
        If it declines the problem or the precision.
    FhnbenchError
        If there is no such contender or option, or the artifact is damaged.
    """
    names = [check.name for check in conformance_checks(kind_of(contender, registry()))]
    steps: list[Load | RunCheck] = [Load(contender, problem), *map(RunCheck, names)]
    with WorkerProcess(min(2, usable_cpus()), "fhnbench.testing.isolated", replies) as worker:
        for number, step in enumerate(steps):
            try:
                result = _result(worker.ask(step, timeout_s))
            except (WorkerLost, WorkerTimeout, _LoadFailed) as error:
                busy, *rest = names[max(0, number - 1) :]
                yield CheckResult(busy, "failed", str(error))
                yield from (CheckResult(name, "skipped", f"not run, since {busy} ended the process") for name in rest)
                return
            if result is not None:
                yield result


class _LoadFailed(Exception):
    """The contender's own code raised while it was imported, constructed or prepared."""


def _result(reply: Reply) -> CheckResult | None:
    """Return the result of a check, nothing for a contender that was loaded; raise what a failed load means."""
    if isinstance(reply, protocol.Failed):
        kinds = {"failed": _LoadFailed, "refused": Refused, "unavailable": Unavailable, "invalid": FhnbenchError}
        raise kinds[reply.kind](reply.message)
    return None if isinstance(reply, Loaded) else reply


class Answers:
    """What the worker answers."""

    def __init__(self) -> None:
        self._subject: Subject | None = None

    def __call__(self, asked: Load | RunCheck) -> Loaded | CheckResult:
        """Return the reply to a request."""
        if isinstance(asked, Load):
            self._subject = Subject.of(asked.contender, asked.problem)
            with self._subject.prepared():
                return Loaded()
        assert self._subject is not None
        checks = {check.name: check for check in conformance_checks(self._subject.kind)}
        return checks[asked.name].run(self._subject)


if __name__ == "__main__":
    serve(requests, Answers())
