"""The record of an analysis, ``analysis.json``. Errors are mean absolute errors of u and w; times are in seconds."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from fhnbench import FhnbenchError

ANALYSIS_SCHEMA = "fhnbench.sweep-analysis/1"

LARGE = 120
"""Networks of fewer neurons are the paper's small ones."""

Group = Literal["small", "large"]
Scale = Literal["log", "plain", "ranks"]
Source = Literal["measured", "modelled"]


class Bounded(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An estimate and its 95% interval."""

    value: float
    low: float
    high: float


class Effect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a factor explains.

    Parameters
    ----------
    factor
        ``shape``, the class, or ``size``, the bin of the number of neurons.
    statistic
        F, or H for ranks.
    p
        Probability of one as large if the factor had no effect.
    p_adjusted
        The same for all tests of one scale together (Holm).
    degrees
        Degrees of freedom.
    explained
        Partial eta squared: its part of the variation that the other factor does not explain.
    """

    factor: Literal["shape", "size"]
    statistic: float
    p: float
    p_adjusted: float
    degrees: int
    explained: float


class Assumptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """p-values of what an analysis of variance assumes; a small one says that it does not hold.

    Parameters
    ----------
    normal
        Shapiro-Wilk, of the residuals.
    equal_variances
        Levene (about medians), between cells of class and size.
    homoscedastic
        Breusch-Pagan, of the residuals against both factors.
    additive
        F, of what class and size together explain beyond the sum of both; None if a cell is empty.
    """

    normal: float
    equal_variances: float | None
    homoscedastic: float
    additive: float | None

    @property
    def hold(self) -> bool:
        """Whether none is rejected at 5%."""
        return all(p is None or p >= 0.05 for p in self.ps)

    @property
    def ps(self) -> tuple[float | None, ...]:
        """All of them, in the order above."""
        return self.normal, self.equal_variances, self.homoscedastic, self.additive


class Anova(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A two-way analysis of variance (type II) of the test error by class and size.

    Parameters
    ----------
    group
        Networks below `LARGE` neurons, or the others.
    scale
        Of the decimal logarithm of the error, of the error itself (as the paper seems to do), or of its rank (the test
        of Scheirer, Ray and Hare, which assumes no distribution).
    networks
        How many.
    effects
        Of class and size.
    residual_degrees
        Degrees of freedom that are left.
    assumptions
        None for ranks.
    """

    group: Group
    scale: Scale
    networks: int
    effects: tuple[Effect, ...]
    residual_degrees: int
    assumptions: Assumptions | None = None

    def effect(self, factor: str) -> Effect:
        """Return the effect of a factor."""
        return next(one for one in self.effects if one.factor == factor)


class Variances(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Variance of the error between the classes' means and within the classes, in its own units.

    Parameters
    ----------
    between
        Variance of the means of the classes.
    within
        Mean of the variances in the classes.
    ratio
        Between over within.
    """

    group: Group
    scale: Literal["log", "plain"]
    between: float
    within: float
    ratio: Bounded


class Spread(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How errors differ at equal neurons and layers.

    Parameters
    ----------
    sizes
        How many pairs of neurons and layers at least three networks share.
    median, largest
        Largest error over smallest in such a pair: the median of all pairs and the largest.
    seeds_median, seeds_largest
        The same over the seeds of one network, of those that were trained with several.
    small, large
        Mean variance of the decimal logarithm of the error in a bin of sizes, of small and of large networks.
    """

    sizes: int
    median: float | None = None
    largest: float | None = None
    seeds_median: float | None = None
    seeds_largest: float | None = None
    small: float | None = None
    large: float | None = None


class Importance(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much a property contributes to the prediction of the error, by how much worse it is when it is shuffled.

    Parameters
    ----------
    property
        ``neurons``, ``layers``, ``class`` or ``activations``.
    loss
        Part of the variance of the logarithm of the error.
    """

    property: str
    loss: Bounded


class Level(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The factor on the error of one level of a property against the mean of all levels, all else equal."""

    property: str
    level: str
    factor: Bounded


class Predictors(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What predicts the error.

    Parameters
    ----------
    predicted
        Part of the variance of the logarithm of the error that is predicted of networks that were left out.
    importances
        Of each property, the greatest first.
    levels
        Of classes and of activations (a network that has but this one).
    """

    predicted: float
    importances: tuple[Importance, ...]
    levels: tuple[Level, ...]


class Chosen(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A candidate on the frontier: no other is faster and has a smaller validation error.

    Parameters
    ----------
    seconds
        Time of one evaluation, or None if there is neither a measurement nor a model.
    source
        Whether that was measured or modelled.
    validation, test
        Errors of the training that was chosen.
    repeats
        Test errors of other seeds.
    """

    candidate: str
    hidden: tuple[int, ...]
    activations: tuple[str, ...]
    shape: str
    neurons: int
    seconds: float | None
    source: Source | None
    validation: float
    test: float
    repeats: tuple[float, ...] = ()


class Selection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What choosing by validation error does to what is reported.

    Parameters
    ----------
    all_ratio
        Median of test over validation error of all networks.
    chosen_ratio
        The same of those on the frontier.
    repeats_ratio
        Median of the error of other seeds over the chosen training's, of those on the frontier: above one, the
        training was lucky. None without repeats.
    """

    all_ratio: float
    chosen_ratio: float
    repeats_ratio: float | None


class Speed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Networks against classical methods, on the same runtime's device.

    Parameters
    ----------
    networks
        Those with a time.
    slower
        Part of them that is slower than `euler_s`.
    useful
        Part that is faster than every classical method of at most its error.
    useful_layers
        Number of hidden layers of the useful ones: how many have 1, 2, ...
    useful_neurons
        Least, median and largest number of neurons of the useful ones; None if there are none.
    time_by_neurons, time_by_layers, time_by_operations
        Rank correlation (Spearman) of the time with neurons, layers and declared operations; of measured times only.
    """

    networks: int
    slower: float
    useful: float
    useful_layers: dict[int, int]
    useful_neurons: tuple[int, float, int] | None
    time_by_neurons: float | None
    time_by_layers: float | None
    time_by_operations: float | None


class FamilyAnalysis(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the networks of one family say.

    Parameters
    ----------
    trained, failed
        How many, without repeats; failed ones take part in nothing.
    quantiles
        0, 5, 25, 50, 75, 95 and 100% quantiles of the test error.
    best
        The one of least validation error.
    """

    family: str
    trained: int
    failed: int
    quantiles: tuple[float, ...]
    best: Chosen
    anovas: tuple[Anova, ...]
    variances: tuple[Variances, ...]
    spread: Spread
    predictors: Predictors | None
    frontier: tuple[Chosen, ...]
    selection: Selection
    speed: Speed | None = None

    def anova(self, group: Group, scale: Scale) -> Anova | None:
        """Return the analysis of a group, if it could be made."""
        return next((one for one in self.anovas if (one.group, one.scale) == (group, scale)), None)


class Classical(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A classical contender, measured."""

    contender: str
    seconds: float
    mae: float


class CostModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The model of the time of an evaluation, of networks that were not measured.

    Parameters
    ----------
    terms
        Seconds for a million of each: multiply-adds, activation operations, neurons, layers, passes.
    calibrated, held_out
        How many measured networks it rests on, and how many it was checked with.
    median_error, largest_error
        Relative errors of the networks that were held out.
    """

    terms: dict[str, float]
    calibrated: int
    held_out: int
    median_error: float
    largest_error: float


class ProblemAnalysis(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the study of one problem says.

    Parameters
    ----------
    size, threads, machine
        Samples of a timed evaluation, CPU threads and the device; None and empty without times.
    euler
        Euler's method with a step of 0.1, the paper's solver.
    classical
        All classical contenders that were measured.
    models
        The model of the times of other networks, by family.
    disturbed
        How many of the measured times were disturbed by other processes.
    unmeasured
        Why networks that should have been measured were not, by family and candidate.
    """

    problem: str
    folder: str
    candidates: int
    families: tuple[FamilyAnalysis, ...]
    size: int | None = None
    threads: int | None = None
    machine: str = ""
    euler: Classical | None = None
    classical: tuple[Classical, ...] = ()
    models: dict[str, CostModel] = {}
    disturbed: int = 0
    unmeasured: dict[str, str] = {}


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much larger the error of the same architectures is for the next problem.

    Parameters
    ----------
    factor
        Median of the ratios.
    networks
        How many there are for both problems.
    """

    family: str
    simpler: str
    harder: str
    factor: Bounded
    networks: int


class Analysis(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The analysis of a study.

    Parameters
    ----------
    created, command, environment
        When, how and where it was made.
    problems
        One for each sweep.
    steps
        From problem to problem.
    """

    created: str
    command: str
    environment: dict[str, Any]
    problems: tuple[ProblemAnalysis, ...]
    steps: tuple[Step, ...]
    schema: str = ANALYSIS_SCHEMA


def decode_analysis(content: bytes) -> Analysis:
    """Read an analysis.

    Raises
    ------
    FhnbenchError
        If it is no JSON, of another schema, or a field is missing or of the wrong type.
    """
    try:
        analysis = msgspec.json.decode(content, type=Analysis)
    except msgspec.MsgspecError as error:
        raise FhnbenchError(f"not the analysis of a sweep: {error}") from None
    if analysis.schema != ANALYSIS_SCHEMA:
        raise FhnbenchError(f"schema {analysis.schema!r}; this version reads {ANALYSIS_SCHEMA!r}")
    return analysis
