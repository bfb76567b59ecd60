"""Plugins as classes, which pluggy takes as it takes modules; `hostile.ENTRY_POINTS` names them."""

from fhnbench import Availability, CommandSpec, SolverSpec, hookimpl


class _Plugin:
    FHNBENCH_API = 1


def _solver(name: str, attribute: str) -> SolverSpec:
    return SolverSpec(f"{name}-hostile", f"hostile.solvers:{attribute}", f"a solver that misbehaves: {attribute}")


class UnknownHook(_Plugin):
    @staticmethod
    @hookimpl
    def fhnbench_integrators():
        return [_solver("unknown", "Correct")]


class Nothing(_Plugin):
    @staticmethod
    def fhnbench_solvers():  # not decorated
        return [_solver("nothing", "Correct")]


class NotSpecs(_Plugin):
    @staticmethod
    @hookimpl
    def fhnbench_solvers():
        return [_solver("not-specs", "Correct"), {"name": "not-specs"}]


class NotAList(_Plugin):
    @staticmethod
    @hookimpl
    def fhnbench_solvers():
        return _solver("not-a-list", "Correct")


class Duplicate(_Plugin):
    @staticmethod
    @hookimpl
    def fhnbench_solvers():
        return [SolverSpec("euler-cpu", "hostile.solvers:Correct", "declares the name of another")]


class Hangs(_Plugin):
    @staticmethod
    @hookimpl
    def fhnbench_solvers():
        return [_solver("hang", "Hangs")]


class Dies(_Plugin):
    @staticmethod
    @hookimpl
    def fhnbench_solvers():
        return [_solver("die", "Dies")]


class ReturnsGarbage(_Plugin):
    @staticmethod
    @hookimpl
    def fhnbench_solvers():
        return [_solver("garbage", "ReturnsGarbage")]


class Throws(_Plugin):
    @staticmethod
    @hookimpl
    def fhnbench_solvers():
        return [_solver("throw", "Throws")]


class ProbeRaises(_Plugin):
    @staticmethod
    @hookimpl
    def fhnbench_solvers():
        return [SolverSpec("probe-hostile", "hostile.solvers:Correct", "a probe raises", probe="hostile.plugins:probe")]


class Missing(_Plugin):
    @staticmethod
    @hookimpl
    def fhnbench_solvers():
        target, summary = "hostile.solvers:Correct", "something is missing"
        return [
            SolverSpec("missing-hostile", target, summary, requires=("no_such_package.module",), extra="missing"),
            SolverSpec("absent-hostile", "hostile.no_such_module:Correct", summary),
        ]


class Prints(_Plugin):
    @staticmethod
    @hookimpl
    def fhnbench_solvers():
        return [_solver("print", "Prints")]


class Command(_Plugin):
    @staticmethod
    @hookimpl
    def fhnbench_commands():
        return [CommandSpec("hostile-command", "hostile.command:command", "say that the command was called")]


class OfAnotherApi:
    FHNBENCH_API = 99

    @staticmethod
    @hookimpl
    def fhnbench_solvers():
        return [_solver("future", "Correct")]


class OfNoApi:
    @staticmethod
    @hookimpl
    def fhnbench_solvers():
        return [_solver("unversioned", "Correct")]


def probe() -> Availability:
    raise OSError("the driver is asleep")
