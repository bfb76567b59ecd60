"""Figures as text."""

from __future__ import annotations

NAME_WIDTH = 20
"""Columns that a contender has in a terminal of 100 before its name breaks."""

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def error(value: float) -> str:
    """Return an error with three digits and a short exponent, as in 8.05e-3."""
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def tick_error(value: float) -> str:
    """Return an error as an axis shows it: 1e-3."""
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def duration(seconds: float) -> str:
    """Return a time with three digits and its unit."""
    if seconds >= 999.5:
        return f"{seconds:.0f} s"
    for size, unit in _UNITS:
        if float(f"{seconds:.3g}") >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def count(value: float) -> str:
    """Return a number with three digits and a prefix, as in 2.5M."""
    for size, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{prefix}"
    return f"{value:.3g}"


def ratio(value: float) -> str:
    """Return a ratio with three digits, and no exponent up to a million."""
    if value >= 1e6:
        return error(value)
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def listed(names: list[str], most: int = 4) -> str:
    """Return names in a row, the first few of many."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def breakable(contender: str) -> str:
    """Return a contender with places where a narrow column may break its line, if it is long."""
    return contender if len(contender) <= NAME_WIDTH else contender.replace("[", " [", 1).replace(",", ", ")


def clip(text: str, length: int = 36) -> str:
    """Return a name short enough for a picture."""
    return text if len(text) <= length else text[: length - 1] + "…"
