"""The hooks that a plugin may implement; each returns a list of specs and imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from fhnbench.plugins.specs import CommandSpec, ProbeSpec, RuntimeSpec, SolverSpec, SurrogateSpec

hookspec = pluggy.HookspecMarker("fhnbench")
hookimpl = pluggy.HookimplMarker("fhnbench")
"""Decorates the hooks that a plugin implements."""


@hookspec
def fhnbench_solvers() -> list[SolverSpec]:  # type: ignore[empty-body]
    """Return the solvers of this plugin."""


@hookspec
def fhnbench_surrogates() -> list[SurrogateSpec]:  # type: ignore[empty-body]
    """Return the surrogate families of this plugin."""


@hookspec
def fhnbench_runtimes() -> list[RuntimeSpec]:  # type: ignore[empty-body]
    """Return the runtimes of this plugin."""


@hookspec
def fhnbench_commands() -> list[CommandSpec]:  # type: ignore[empty-body]
    """Return the subcommands of `fhnbench` that this plugin adds; a target is imported only when it is called."""


@hookspec
def fhnbench_probes() -> list[ProbeSpec]:  # type: ignore[empty-body]
    """Return the probes of devices other than the CPU, whose peaks make the roofline of what runs there."""
