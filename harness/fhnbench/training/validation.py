"""Errors of a module on held-out trajectories, against the converged reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from fhnbench.accuracy import Accuracy, measure_accuracy
from fhnbench.reference import integrate
from fhnbench.training.seeds import Stream, stream_seed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fhnbench.problem import Ensemble, Problem
    from fhnbench.training.module import NetworkModule

_CHUNK = 4_096


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
        self._ensemble, self._reference, self._times = ensemble, reference, problem.times

    @classmethod
    def sample(cls, problem: Problem, size: int, seed: int, stream: Stream) -> HeldOut:
        """Sample and integrate `size` trajectories (one, if the problem varies nothing) from a stream of a seed.

        RK4 with steps of a twentieth of the save interval is within 1e-7 of the solution on average.
        """
        ensemble = problem.sample(size if problem.varied else 1, "uniform", stream_seed(seed, stream))
        return cls(ensemble, integrate(problem, ensemble, problem.save_interval / 20, "rk4"), problem)

    def mae(self, module: NetworkModule) -> float:
        """Return the mean absolute error over u, w and all save points; infinity where the module diverges."""
        states = self._evaluate(module)
        error = float(np.abs(states - self._reference).mean())
        return error if np.isfinite(error) else float("inf")

    def accuracy(self, module: NetworkModule) -> Accuracy:
        """Return all error metrics."""
        return measure_accuracy(self._evaluate(module), self._reference, self._times)

    @torch.inference_mode()
    def _evaluate(self, module: NetworkModule) -> NDArray[np.float32]:
        parameter = next(module.parameters())
        states = np.empty(self._reference.shape, np.float32)
        for start in range(0, self._ensemble.size, _CHUNK):
            chunk = slice(start, start + _CHUNK)
            inputs = (torch.from_numpy(getattr(self._ensemble, name)[chunk]) for name in ("u0", "w0", "i_app"))
            u0, w0, i_app = (values.to(parameter.device, parameter.dtype) for values in inputs)
            states[:, :, chunk] = module(u0, w0, i_app, self._reference.shape[0]).cpu().numpy()
        return states
