"""Rules on iterated networks, over the figures of the experiments ``itnn-failures`` and ``error-map``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import spearmanr

from fhnbench_paper import statements
from fhnbench_paper.claim import ExperimentClaim, Judgement, RuleClaim, figures_of
from fhnbench_paper.itnn_failures import CONTINUOUS_METHOD, OCCURS, PAPER_METHOD

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhnbench_paper.claim import Claim
    from fhnbench_paper.error_map import Figures as MapFigures
    from fhnbench_paper.evidence import Evidence
    from fhnbench_paper.itnn_failures import Figures

_FAILURES, _MAP = "experiments/itnn-failures", "experiments/error-map"

SOUND, FEW = 0.9, 0.5
"""The share of accurate rollouts of a network that avoids the failures, and the share of networks that "few" means."""

FEWEST_NETWORKS = 5
"""Networks that a correlation rests on at least."""


def optimisation(figures: Figures) -> Judgement:
    """Judge whether successive iterations diverge."""
    shares = _shares(figures, PAPER_METHOD, "diverged")
    diverging = sum(share >= OCCURS for share in shares)
    failing = 1 - float(np.mean(_shares(figures, PAPER_METHOD, "accurate")))
    return Judgement(
        f"{diverging} of {len(shares)} networks let at least {OCCURS:.0%} of the rollouts diverge, the worst "
        f"{max(shares):.1%}; {failing:.1%} of all rollouts fail in some way",
        "reproduced" if diverging else "refuted",
        "Iterations do diverge without further optimisation."
        if diverging
        else "No network lets its iterations diverge, with the paper's recipe alone.",
    )


def few_avoid(figures: Figures) -> Judgement:
    """Judge whether few networks avoid the failures."""
    shares = _shares(figures, PAPER_METHOD, "accurate")
    sound = sum(share >= SOUND for share in shares)
    few = sound < FEW * len(shares)
    return Judgement(
        f"{sound} of {len(shares)} networks have at least {SOUND:.0%} accurate rollouts; the best {max(shares):.1%}, "
        f"the worst {min(shares):.1%}",
        "reproduced" if few else "refuted",
        "Few networks avoid the failures." if few else "Most networks avoid the failures.",
    )


def no_size(figures: Figures) -> Judgement:
    """Judge whether the accuracy of rollouts is unrelated to the number of neurons."""
    own = [one for one in figures.rollouts if one.method == PAPER_METHOD]
    neurons = [sum(one.hidden) for one in own]
    if len(own) < FEWEST_NETWORKS or len(set(neurons)) == 1:
        return Judgement(
            f"{len(own)} networks of {len(set(neurons))} sizes", "not measured", "Too few networks for a correlation."
        )
    found = spearmanr(neurons, [one.shares["accurate"] for one in own])
    related = bool(found.pvalue < 0.05 and found.statistic > 0)
    return Judgement(
        f"rank correlation {found.statistic:.2f} (p = {found.pvalue:.2g}) over {len(own)} networks of {min(neurons)} "
        f"to {max(neurons)} neurons",
        "refuted" if related else "reproduced",
        "Larger networks have more accurate rollouts." if related else "Size does not decide which rollouts succeed.",
    )


def robust(figures: Figures) -> Judgement:
    """Judge whether networks of t give accurate solutions more often than iterated networks."""
    continuous, iterated = (
        float(np.mean(_shares(figures, method, "accurate"))) for method in (CONTINUOUS_METHOD, PAPER_METHOD)
    )
    more = continuous > iterated
    return Judgement(
        f"accurate trajectories, mean over networks: {CONTINUOUS_METHOD} {continuous:.1%}, {PAPER_METHOD} "
        f"{iterated:.1%}",
        "reproduced" if more else "refuted",
        "The DDNN is accurate more often." if more else "At these sizes the ITNN is accurate far more often.",
    )


def both_modes(figures: Figures) -> Judgement:
    """Judge whether both failure modes were seen."""
    seen = {kind: max(_shares(figures, PAPER_METHOD, kind)) for kind in ("equilibrium", "shift")}
    both = all(share > 0 for share in seen.values())
    absent = [kind for kind, share in seen.items() if share == 0]
    return Judgement(
        "largest shares of a network's rollouts: " + ", ".join(f"{kind} {share:.2%}" for kind, share in seen.items()),
        "reproduced" if both else "refuted",
        "Both were seen, and are drawn." if both else f"No rollout of the kind {' or '.join(absent)} was seen.",
    )


def drawn(figures: MapFigures) -> Judgement:
    """Say whether Figure 1 was drawn again."""
    families = [one.family for one in figures.surrogates]
    return Judgement(
        f"{figures.samples:,} samples of problem B; {families[0] if families else 'nothing'} is drawn, with "
        f"{', '.join(families[1:]) or 'no others'} measured beside it",
        "reproduced" if families else "not measured",
        "It is drawn again, with the separatrix marked." if families else "No surrogate was measured.",
    )


def _shares(figures: Figures, method: str, kind: str) -> list[float]:
    return [one.shares[kind] for one in figures.rollouts if one.method == method]


def _failures_claim(statement: statements.Statement, rule: str, judge: Callable[[Figures], Judgement]) -> RuleClaim:
    def from_record(evidence: Evidence) -> Judgement:
        return judge(figures_of(evidence.experiments[_FAILURES].record))

    return RuleClaim(statement, rule, from_record, needs=(_FAILURES,), pictures=(f"{_FAILURES}/picture.png",))


CLAIMS: tuple[Claim, ...] = (
    ExperimentClaim(statements.LEARNT, "error-map"),
    ExperimentClaim(statements.CONCENTRATION, "error-map"),
    ExperimentClaim(statements.ITNN_WORSE, "itnn-failures"),
    ExperimentClaim(statements.SHIFT, "itnn-failures"),
    ExperimentClaim(statements.EQUILIBRIUM, "itnn-failures"),
    _failures_claim(
        statements.ITNN_OPTIMISATION,
        f"reproduced if at least one network that predicts the next state lets at least {OCCURS:.0%} of its rollouts "
        f"diverge; else refuted",
        optimisation,
    ),
    _failures_claim(
        statements.FEW_AVOID,
        f"reproduced if fewer than {FEW:.0%} of the networks that predict the next state have at least {SOUND:.0%} "
        f"accurate rollouts; else refuted",
        few_avoid,
    ),
    _failures_claim(
        statements.NO_SIZE,
        "refuted if, over the networks that predict the next state, the share of accurate rollouts grows with the "
        "number of neurons (Spearman's rank correlation above 0, p < 0.05); else reproduced; not measured with "
        f"fewer than {FEWEST_NETWORKS} networks",
        no_size,
    ),
    _failures_claim(
        statements.ROBUST,
        "reproduced if the mean share of accurate trajectories is larger for the DDNN than for the network that "
        "predicts the next state, at equal hidden layers and training; else refuted",
        robust,
    ),
    _failures_claim(
        statements.FIGURE_4,
        "reproduced if at least one rollout of a network that predicts the next state ends in a false equilibrium and "
        "one is shifted in time; else refuted",
        both_modes,
    ),
    RuleClaim(
        statements.FIGURE_1,
        "reproduced if a surrogate of problem B was measured and drawn",
        lambda evidence: drawn(figures_of(evidence.experiments[_MAP].record)),
        needs=(_MAP,),
        pictures=(f"{_MAP}/picture.png",),
    ),
)
