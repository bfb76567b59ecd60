"""A simulated clock: times of contenders with the noise of a machine, where the truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fhnbench.statistics.ratio import Times


@dataclass(frozen=True)
class Noise:
    """What a machine adds to times, on a log scale.

    Parameters
    ----------
    jitter
        Standard deviation of a block by itself (lognormal).
    process
        Standard deviation of processes of the same program: memory layout, placement.
    drift
        Standard deviation of the machine's speed over time, which meets all contenders of a round alike.
    memory
        Correlation of the drift from round to round.
    slow, slowness, persistence
        Share of disturbed blocks, how much longer they take (0.4 is 40%), and the correlation of being disturbed from
        round to round.
    """

    jitter: float
    process: float
    drift: float
    memory: float
    slow: float
    slowness: float
    persistence: float

    def times(self, generator: np.random.Generator, sessions: int, rounds: int, delays: Sequence[float]) -> list[Times]:
        """Return the times of contenders that are alike but for a delay, measured together.

        Parameters
        ----------
        generator
            Source of chance.
        sessions
            Sessions, each with a new process for each contender.
        rounds
            Rounds of a session.
        delays
            Relative delay of each contender; 0 is a time of 1 ms.
        """
        log = np.zeros((sessions, rounds, len(delays)))
        log += self._drift(generator, sessions, rounds)[:, :, None]
        log += self.process * generator.standard_normal((sessions, 1, len(delays)))
        log += self.jitter * generator.standard_normal(log.shape)
        log += np.log1p(self.slowness) * self._slow(generator, log.shape)
        seconds = 1e-3 * np.exp(log) * (1 + np.asarray(delays))
        return [
            {f"simulated {s}": dict(enumerate(seconds[s, :, c].tolist())) for s in range(sessions)}
            for c in range(len(delays))
        ]

    def _drift(self, generator: np.random.Generator, sessions: int, rounds: int) -> NDArray[np.float64]:
        steps = generator.standard_normal((sessions, rounds)) * np.sqrt(1 - self.memory**2)
        steps[:, 0] = generator.standard_normal(sessions)
        for number in range(1, rounds):
            steps[:, number] += self.memory * steps[:, number - 1]
        drift: NDArray[np.float64] = self.drift * steps
        return drift

    def _slow(self, generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        fresh = generator.random(shape) < self.slow
        kept = generator.random(shape) < self.persistence
        for number in range(1, shape[1]):
            fresh[:, number] = np.where(kept[:, number], fresh[:, number - 1], fresh[:, number])
        return fresh


QUIET = Noise(jitter=0.006, process=0.002, drift=0.01, memory=0.9, slow=0.05, slowness=0.3, persistence=0.3)
"""A machine with nothing else to do."""

BUSY = Noise(jitter=0.1, process=0.02, drift=0.05, memory=0.7, slow=0.5, slowness=0.5, persistence=0.3)
"""A shared virtual machine: blocks of milliseconds take one time, or half as much again."""
