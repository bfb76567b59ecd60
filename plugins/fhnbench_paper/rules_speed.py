"""Rules on speed: they are decided on a GPU with TensorRT, as in the paper, and shown for other devices beside."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from scipy.stats import spearmanr

from fhnbench import duration
from fhnbench_paper import statements
from fhnbench_paper.claim import Judgement, RuleClaim
from fhnbench_paper.euler_step import PAPER_STEP, THRESHOLD
from fhnbench_paper.evidence import SWEEP
from fhnbench_paper.networks import ENGINE, HOST, Network, networks
from fhnbench_paper.tables import number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fhnbench import RunRecord
    from fhnbench_paper.claim import Claim
    from fhnbench_paper.evidence import Evidence
    from fhnbench_paper.sweep_figures import Problem

    Rule = Callable[[Sequence[Network]], Judgement]
    SweepRule = Callable[[Sequence[Problem]], Judgement | None]

RUNS = ("gpu*", "frontier-A", "frontier-B", "frontier-C", "cpu")
"""Runs that may hold networks; the first are those of GPUs."""

PAPER_SPEED_UP, LEAST_SPEED_UP = 1.8, 1.5
"""The paper's largest speed-up, and the least that counts as about as much."""

FEWEST_NETWORKS = 5
"""Networks that a correlation rests on at least."""

LAYERS, NEURONS = (2, 3), 256
"""Hidden layers and neurons of the paper's useful models."""


def speed_up(found: Sequence[Network]) -> Judgement:
    """Judge the largest speed-up over Euler's method among networks that are about as accurate."""
    fit = [one for one in found if one.said.paper_speed_up and one.said.mae <= THRESHOLD]
    if not fit:
        return Judgement(
            f"none of {len(found)} networks has an MAE of at most {THRESHOLD:g}", "refuted", "No network is accurate."
        )
    best = max(fit, key=_over_euler)
    value = _over_euler(best)
    reached = value >= LEAST_SPEED_UP
    return Judgement(
        f"the fastest of {len(fit)} accurate networks is {_times(value)} as Euler's method ({best.label}, MAE "
        f"{number(best.said.mae)})",
        "reproduced" if reached else "refuted",
        f"The fastest network is {value:.2g} times as fast as Euler's method with {PAPER_STEP:g}."
        if value >= 1
        else f"The fastest network takes {1 / value:.2g} times as long as Euler's method with {PAPER_STEP:g}.",
    )


def most_slower(found: Sequence[Network]) -> Judgement:
    """Judge whether more than half of the networks are slower than Euler's method."""
    compared = [one for one in found if one.said.paper_speed_up]
    slower = sum(_over_euler(one) < 1 for one in compared)
    most = 2 * slower > len(compared)
    return Judgement(
        f"{slower} of {len(compared)} networks are slower than Euler's method with {PAPER_STEP:g}",
        "reproduced" if most else "refuted",
        "Most networks are slower." if most else "Most networks are not slower.",
    )


def surpass(found: Sequence[Network]) -> Judgement:
    """Judge whether any network is faster than the cheapest classical configuration that reaches its error."""
    matched = [
        (one.said.speed_up.value, one, one.said.matched.contender)
        for one in found
        if one.said.speed_up and one.said.matched
    ]
    faster = [one for _, one, _ in matched if one.said.verdict == "faster"]
    measurement = "no network has a classical configuration of its error"
    if matched:
        value, one, other = max(matched, key=lambda match: match[0])
        measurement = f"{len(faster)} of {len(matched)} networks are faster; the best is {_times(value)} "
        measurement += f"({one.label} against {other}, at an MAE of {number(one.said.mae)})"
    return Judgement(
        measurement,
        "reproduced" if faster else "refuted",
        "A network is faster at matched error." if faster else "No network is faster at matched error.",
    )


def useful_size(found: Sequence[Network]) -> Judgement:
    """Judge the sizes of the networks that are faster than Euler's method and accurate."""
    useful = [one for one in found if one.said.paper_speed_up and _over_euler(one) > 1 and one.said.mae <= THRESHOLD]
    if not useful:
        return Judgement(
            f"none of {len(found)} networks is useful: faster than Euler's method with {PAPER_STEP:g}, and accurate",
            "not comparable",
            "Networks of no size are useful.",
        )
    outside = [one for one in useful if len(one.hidden) not in LAYERS or sum(one.hidden) > NEURONS]
    return Judgement(
        f"{len(useful)} of {len(found)} networks are useful: "
        + ", ".join("x".join(map(str, one.hidden)) for one in useful),
        "refuted" if outside else "reproduced",
        f"{len(outside)} of them have other sizes." if outside else "All of them have the paper's sizes.",
    )


def neurons_lead(found: Sequence[Network]) -> Judgement:
    """Judge whether the time goes with the number of neurons more than with that of layers."""
    if len(found) < FEWEST_NETWORKS or len({len(one.hidden) for one in found}) == 1:
        return Judgement(
            f"{len(found)} networks", "not measured", "Networks are too few, or have equal numbers of layers."
        )
    times = [one.said.time_s for one in found]
    neurons, layers = (
        float(spearmanr(of, times).statistic)
        for of in ([sum(one.hidden) for one in found], [len(one.hidden) for one in found])
    )
    return _lead(f"over {len(found)} networks", neurons, layers)


def swept_slower(problems: Sequence[Problem]) -> Judgement | None:
    """Judge by a sweep whether most networks are slower than Euler's method; None if it has no times."""
    timed = [(p.problem, family.speed) for p in problems for family in p.families if family.speed]
    if not timed:
        return None
    share = sum(speed.slower * speed.networks for _, speed in timed) / sum(speed.networks for _, speed in timed)
    return Judgement(
        f"{share:.1%} of {sum(speed.networks for _, speed in timed):,} networks of the sweep are slower",
        "reproduced" if share > 0.5 else "refuted",
        "Most networks are slower." if share > 0.5 else "Most networks are not slower.",
    )


def swept_useful(problems: Sequence[Problem]) -> Judgement | None:
    """Judge by a sweep the sizes of networks that no classical method beats in both; None if it has no times."""
    timed = [family.speed for problem in problems for family in problem.families if family.speed]
    if not timed:
        return None
    layers: Counter[int] = Counter()
    for speed in timed:
        layers.update(speed.useful_layers)
    sizes = [speed.useful_neurons for speed in timed if speed.useful_neurons]
    if not sizes:
        return Judgement("no network of the sweep is useful", "not comparable", "Networks of no size are useful.")
    inside = set(layers) <= set(LAYERS) and max(most for _, _, most in sizes) <= NEURONS
    return Judgement(
        f"{layers.total()} networks of the sweep are useful (no classical method is as fast and as accurate), of "
        f"{min(least for least, _, _ in sizes)} to {max(most for _, _, most in sizes)} neurons, "
        + ", ".join(f"{count} with {number_} hidden layers" for number_, count in sorted(layers.items())),
        "reproduced" if inside else "refuted",
        "All of them have the paper's sizes." if inside else "Some have other sizes.",
    )


def swept_lead(problems: Sequence[Problem]) -> Judgement | None:
    """Judge by a sweep whether the time goes with neurons more than with layers; None if it has no times."""
    found = [
        (f"problem {p.problem}, {family.family}", speed.time_by_neurons, speed.time_by_layers)
        for p in problems
        for family in p.families
        if (speed := family.speed) and speed.time_by_neurons is not None and speed.time_by_layers is not None
    ]
    if not found:
        return None
    least = min(found, key=lambda one: (one[1] or 0.0) - (one[2] or 0.0))
    return _lead(f"of the sweep, least for {least[0]}", least[1] or 0.0, least[2] or 0.0)


def _lead(of: str, neurons: float, layers: float) -> Judgement:
    leads = neurons > layers
    return Judgement(
        f"rank correlation of the time with neurons {neurons:.2f}, with layers {layers:.2f} ({of})",
        "reproduced" if leads else "refuted",
        "The time goes with neurons more than with layers." if leads else "The time goes with layers as much.",
    )


def figure(found: Sequence[Network]) -> Judgement:
    """Judge whether error and time were measured for all problems."""
    problems = sorted({one.problem for one in found})
    whole = problems == ["A", "B", "C"]
    return Judgement(
        f"{len(found)} networks, on problem {' and '.join(problems)}",
        "reproduced" if whole else "not measured",
        "It is drawn again for all problems." if whole else "Not all problems were measured.",
    )


def on_engine(rule: Rule, found: Sequence[Network], swept: Mapping[str, Judgement] | None = None) -> Judgement:
    """Judge by the networks that TensorRT evaluated on a GPU, and show beside it what others give.

    Without any, nothing is decided.

    Parameters
    ----------
    rule
        Judges networks.
    found
        All networks.
    swept
        What sweeps give, by where that was.
    """
    engine = [one for one in found if one.said.device != HOST and one.runtime == ENGINE]
    others = {
        "on a GPU without TensorRT": [one for one in found if one.said.device != HOST and one.runtime != ENGINE],
        "on a CPU": [one for one in found if one.said.device == HOST],
    }
    beside = {place: rule(chosen) for place, chosen in others.items() if chosen} | dict(swept or {})
    shown = [f"{place}: {given.measurement}" for place, given in beside.items()]
    if engine:
        measurement, verdict, why = rule(engine)
        devices = ", ".join(sorted({one.said.device for one in engine}))
        return Judgement("; ".join([f"on {devices} with TensorRT: {measurement}", *shown]), verdict, why)
    would_be = " and ".join(
        f"{place} the rule gives {given.verdict!r}"
        for place, given in beside.items()
        if given.verdict != "not measured"
    )
    return Judgement(
        "; ".join(["on a GPU with TensorRT: nothing", *shown]),
        "not measured",
        "No network was measured with TensorRT on a GPU" + (f"; {would_be}." if would_be else "."),
    )


def baseline(records: Iterable[RunRecord]) -> Judgement:
    """Show how fast Euler's method with the paper's step is; the paper has no figure to compare it with."""
    shown: dict[tuple[str, str], str] = {}
    for record in records:
        for row in record.rows:
            euler = row.contender.partition("-")[0] == "euler" and row.options.get("dt", 0.1) == PAPER_STEP
            if euler and row.resident and row.effective:
                part = "" if row.roofline_fraction is None else f", {row.roofline_fraction:.0%} of the roofline"
                key = (row.effective.device, row.contender.partition("[")[0])
                shown.setdefault(key, f"{key[1]} on {key[0]} {duration(row.resident.median_s)}{part}")
    gpu = any(device != HOST for device, _ in shown)
    return Judgement(
        "; ".join(shown.values()) or "Euler's method was not measured",
        "not comparable" if gpu else "not measured",
        "The paper prints no time of its solver." if gpu else "Euler's method was not measured on a GPU.",
    )


def _over_euler(network: Network) -> float:
    """Return the time of Euler's method with the paper's step over a network's."""
    return network.said.paper_speed_up.value if network.said.paper_speed_up else 0.0


def _times(value: float) -> str:
    return f"{value:.3g} times as fast" if value >= 1 else f"{1 / value:.3g} times as slow"


def _claim(
    statement: statements.Statement, rule: str, judge: Rule, *pictures: str, swept: SweepRule | None = None
) -> RuleClaim:
    def from_records(evidence: Evidence) -> Judgement:
        beside = {}
        for machine in dict.fromkeys(problem.machine for problem in evidence.problems):
            of_machine = [problem for problem in evidence.problems if problem.machine == machine]
            if swept and (given := swept(of_machine)):
                beside[f"in a sweep timed on {machine}"] = given
        return on_engine(judge, networks(evidence.run_records(RUNS)), beside)

    on_gpu = "; decided by networks on TensorRT on a GPU, not measured without any"
    also = (*RUNS, SWEEP) if swept else RUNS
    return RuleClaim(statement, rule + on_gpu, from_records, also=also, pictures=pictures)


CLAIMS: tuple[Claim, ...] = (
    _claim(
        statements.SPEED_UP,
        f"reproduced if the largest ratio of the time of Euler's method with a step of {PAPER_STEP:g} to a network's, "
        f"among networks with an MAE of at most {THRESHOLD:g}, is at least {LEAST_SPEED_UP:g} (the paper has "
        f"{PAPER_SPEED_UP:g}); else refuted",
        speed_up,
        "gpu/frontier.png",
    ),
    _claim(
        statements.MOST_SLOWER,
        f"reproduced if more than half of the networks take longer than Euler's method with a step of {PAPER_STEP:g}; "
        f"else refuted",
        most_slower,
        "sweep/report/times.png",
        "frontier-C/frontier.png",
        swept=swept_slower,
    ),
    _claim(
        statements.USEFUL_SIZE,
        f"reproduced if all networks that are faster than Euler's method with a step of {PAPER_STEP:g} and have an MAE "
        f"of at most {THRESHOLD:g} have {LAYERS[0]} or {LAYERS[1]} hidden layers and at most {NEURONS} neurons; else "
        f"refuted; not comparable if there is none",
        useful_size,
        "sweep/report/times.png",
        swept=swept_useful,
    ),
    _claim(
        statements.NEURONS_LEAD,
        f"reproduced if the time of networks has a larger rank correlation with the number of neurons than with that "
        f"of hidden layers; else refuted; not measured with fewer than {FEWEST_NETWORKS}",
        neurons_lead,
        "sweep/report/times.png",
        swept=swept_lead,
    ),
    _claim(
        statements.SURPASS,
        "reproduced if at least one network is faster than the cheapest classical configuration that reaches its error "
        "(95% interval of the ratio of times above 1); else refuted",
        surpass,
        "frontier-B/frontier.png",
    ),
    _claim(
        statements.FIGURE_3,
        "reproduced if networks were measured on problems A, B and C",
        figure,
        "sweep/report/times.png",
        "frontier-C/frontier.png",
    ),
    RuleClaim(
        statements.BASELINE,
        "not comparable once Euler's method was measured on a GPU, since the paper prints no time of its solver; not "
        "measured before",
        lambda evidence: baseline(evidence.run_records((*RUNS, "peers"))),
        also=(*RUNS, "peers"),
    ),
)
