"""The runtime ``example``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, final

import numpy as np

from fhnbench import HostExecution, Refused, Runtime, network_cost

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhnbench import Artifact, Cost, Network, SurrogateFamily, Workload

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "identity": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 0.5 + 0.5 * np.tanh(0.5 * x),
    "silu": lambda x: x * (0.5 + 0.5 * np.tanh(0.5 * x)),
    "sin": np.sin,
    "softplus": lambda x: np.logaddexp(x, 0),
    "tanh": np.tanh,
}


@final
@dataclass(frozen=True)
class NumPyRuntime(Runtime):
    """Networks in NumPy, layer after layer, with the samples as columns.

    Parameters
    ----------
    chunk
        Samples that are evaluated together; a chunk's activations should fit into the cache.
    """

    chunk: int = 4096

    def __post_init__(self) -> None:
        if self.chunk < 1:
            raise Refused(f"chunk={self.chunk}: at least one sample is evaluated at a time")

    def prepare(self, family: SurrogateFamily, artifact: Artifact, workload: Workload) -> HostExecution:  # noqa: ARG002
        """Return an execution; refuses float16, bfloat16 and activations that it does not know."""
        workload.require_precision("float32", "float64")
        if unknown := set(artifact.network.activations) - set(ACTIVATIONS):
            raise Refused(f"activation {', '.join(sorted(unknown))} is not supported")
        return HostExecution(workload, partial(_evaluate, evaluator=_Evaluator(artifact, workload), chunk=self.chunk))

    def cost(self, artifact: Artifact, workload: Workload) -> Cost:
        """Return the nominal cost, which is the same for every runtime."""
        return network_cost(artifact.network, workload)


class _Evaluator:
    """One pass of a network in the workload's precision, the normalisation folded into the outer layers."""

    def __init__(self, artifact: Artifact, workload: Workload) -> None:
        self.network: Network = artifact.network
        self.times = workload.times
        weights = [weight.astype(np.float64) for weight in artifact.weights]
        biases = [bias.astype(np.float64)[:, None] for bias in artifact.biases]
        shift, scale = np.array(self.network.input_shift), np.array(self.network.input_scale)
        weights[0] = weights[0] / scale
        biases[0] = biases[0] - weights[0] @ shift[:, None]
        self._layers = [
            (weight.astype(workload.dtype), bias.astype(workload.dtype), ACTIVATIONS[name])
            for weight, bias, name in zip(weights, biases, self.network.activations, strict=True)
        ]
        self._scale = np.array(self.network.output_scale, workload.dtype)[:, None]
        self._shift = np.array(self.network.output_shift, workload.dtype)[:, None]

    def __call__(self, t: float, u: Any, w: Any, i_app: Any) -> Any:
        """Return the outputs ``[2 pass_points, n]`` for n samples at u, w."""
        given = {"t": np.full_like(u, t), "u": u, "w": w, "i_app": i_app}
        x = np.stack([given[name] for name in self.network.inputs])
        for weight, bias, activation in self._layers:
            x = activation(weight @ x + bias)
        x = x * self._scale + self._shift
        if self.network.output == "increment":
            x[0::2] += u
            x[1::2] += w
        return x


def _evaluate(u0: Any, w0: Any, i_app: Any, states: Any, evaluator: _Evaluator, chunk: int) -> None:
    fill = _fill_iterative if evaluator.network.scheme == "iterative" else _fill_direct
    for start in range(0, u0.size, chunk):
        part = slice(start, start + chunk)
        states[0, :, part] = u0[part], w0[part]
        fill(states[:, :, part], i_app[part], evaluator)


def _fill_direct(states: Any, i_app: Any, evaluator: _Evaluator) -> None:
    for point in range(1, len(states)):
        states[point] = evaluator(evaluator.times[point], *states[0], i_app)


def _fill_iterative(states: Any, i_app: Any, evaluator: _Evaluator) -> None:
    stride = evaluator.network.pass_points
    for point in range(0, len(states) - 1, stride):
        outputs = evaluator(0.0, *states[point], i_app).reshape(stride, 2, -1)
        following = states[point + 1 : point + 1 + stride]
        following[:] = outputs[: len(following)]
