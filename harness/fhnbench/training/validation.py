"""Errors on held-out trajectories, against the converged reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fhnbench.accuracy import Accuracy, measure_accuracy
from fhnbench.reference import integrate
from fhnbench.training.seeds import Stream, stream_seed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fhnbench.problem import Ensemble, Problem
    from fhnbench.training.module import NetworkModule

_CACHED = 2**18
"""Numbers of a layer that are held at a time: with more, memory is fetched and returned page by page at each pass."""
_FEWEST = 32


class HeldOut:
    """Trajectories that no training sees.

    Parameters
    ----------
    ensemble
        Initial-value problems.
    reference
        Their trajectories ``[T, 2, N]``.
    problem
        Gives the times of the save points.
    """

    def __init__(self, ensemble: Ensemble, reference: NDArray[np.float64], problem: Problem) -> None:
        self.size = ensemble.size
        self.ensemble, self._reference, self._times = ensemble, reference, problem.times

    @classmethod
    def sample(cls, problem: Problem, size: int, seed: int, stream: Stream) -> HeldOut:
        """Sample and integrate `size` trajectories (one, if the problem varies nothing) from a stream of a seed.

        RK4 with steps of a twentieth of the save interval is within 1e-7 of the solution on average.
        """
        ensemble = problem.sample(size if problem.varied else 1, "uniform", stream_seed(seed, stream))
        return cls(ensemble, integrate(problem, ensemble, problem.save_interval / 20, "rk4"), problem)

    def mae(self, module: NetworkModule) -> float:
        """Return the mean absolute error over u, w and all save points; infinity where the module diverges."""
        return self.mae_of(self.states(module))

    def states(self, module: NetworkModule) -> NDArray[np.float32]:
        """Return a module's trajectories of the ensemble, ``[T, 2, N]``; a stack's are ``[T, 2, K, N]``."""
        return evaluate(module, self.ensemble, len(self._reference))

    def mae_of(self, states: NDArray[Any]) -> float:
        """Return the mean absolute error of trajectories of the ensemble; infinity where they diverge."""
        error = float(np.abs(states - self._reference).mean())
        return error if np.isfinite(error) else float("inf")

    def accuracy_of(self, states: NDArray[Any]) -> Accuracy:
        """Return all error metrics of trajectories of the ensemble."""
        return measure_accuracy(states, self._reference, self._times)


def evaluate(module: NetworkModule, ensemble: Ensemble, save_points: int) -> NDArray[np.float32]:
    """Return a module's trajectories of an ensemble, computed in the precision and on the device of its weights.

    ``[T, 2, N]``; those of a `NetworkStack` of K networks are ``[T, 2, K, N]``.
    """
    import torch

    parameter = next(module.parameters())
    stacked = parameter.shape[:-2].numel()
    chunk_size = max(_FEWEST, _CACHED // (stacked * max(module.network.widths)))
    chunks = []
    with torch.inference_mode():
        for start in range(0, ensemble.size, chunk_size):
            chunk = slice(start, start + chunk_size)
            inputs = (torch.from_numpy(getattr(ensemble, name)[chunk]) for name in ("u0", "w0", "i_app"))
            u0, w0, i_app = (values.to(parameter.device, parameter.dtype) for values in inputs)
            chunks.append(module(u0, w0, i_app, save_points).float().cpu().numpy())
    return np.concatenate(chunks, axis=-1)
