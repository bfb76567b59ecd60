"""What this plugin declares."""

from fhnbench import CommandSpec, hookimpl

FHNBENCH_API = 1


@hookimpl
def fhnbench_commands() -> list[CommandSpec]:
    """Declare ``fhnbench experiment`` and ``fhnbench paper``."""
    return [
        CommandSpec(
            name="experiment",
            target="fhnbench_paper.command:command",
            summary="Run one of the paper's experiments again, and judge its statement by the figures.",
        ),
        CommandSpec(
            name="paper",
            target="fhnbench_paper.paper_command:command",
            summary="Put every claim of the paper beside what was measured, with verdicts that follow from rules.",
        ),
    ]
