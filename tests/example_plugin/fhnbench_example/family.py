"""The surrogate family ``elm``."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from fhnbench import (
    Artifact,
    ArtifactMetadata,
    FhnbenchError,
    SurrogateFamily,
    TrainingRecord,
    integrate,
    iterative_network,
    measure_accuracy,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fhnbench import Ensemble, Network, NetworkModule, Problem, TrainingTask

TRAJECTORIES, TEST_TRAJECTORIES = 2_000, 10_000
TRAINING_SEED, TEST_SEED = 1 << 64, 1 << 65
"""Seeds that no dataset can have, so that nothing is measured on what was trained on."""


@final
@dataclass(frozen=True)
class RandomFeatures(SurrogateFamily):
    """An extreme learning machine: the hidden layer is random, the output layer a least-squares fit.

    It gives the increment of (u, w) over one save interval, chained to the horizon. Training takes a second, in NumPy.

    Parameters
    ----------
    ridge
        Weight of the squared weights in the fit, relative to the mean squared activation.
    spread
        Standard deviation of the random weights and biases, for inputs between -1 and 1.
    """

    ridge: float = 1e-9
    spread: float = 1.0

    def __post_init__(self) -> None:
        if not (0 < self.ridge < np.inf and 0 < self.spread < np.inf):
            raise FhnbenchError(f"elm: ridge={self.ridge} and spread={self.spread} must be positive and finite")

    def train(self, task: TrainingTask) -> Artifact:
        """Draw the hidden layer and fit the output layer to transitions between save points."""
        if len(task.hidden) != 1 or task.activations != ("tanh",):
            raise FhnbenchError(f"elm: one hidden layer of tanh, not {task.hidden} of {', '.join(task.activations)}")
        problem, began = task.problem, time.perf_counter()
        ensemble = problem.sample(TRAJECTORIES if problem.varied else 1, seed=TRAINING_SEED + task.seed)
        states = integrate(problem, ensemble, problem.save_interval / 20)
        data_seconds, began = time.perf_counter() - began, time.perf_counter()

        network = iterative_network(problem, task.hidden, task.activations, states)
        inputs = np.concatenate([_inputs(network, state, ensemble) for state in states[:-1]], axis=1)
        increments = np.concatenate(list(np.diff(states, axis=0)), axis=1)
        layers = self._fit(network, inputs, increments, np.random.default_rng(task.seed))
        weights, biases = [layer[:, :-1].copy() for layer in layers], [layer[:, -1].copy() for layer in layers]
        seconds = time.perf_counter() - began

        command = f"fhnbench train {task.family} --problem {problem.name} --hidden {task.hidden[0]} --seed {task.seed}"
        training = TrainingRecord(command, task.recipe, task.seed, ensemble.size, 1, seconds, data_seconds)
        errors = _errors(network, layers, problem)
        return Artifact.of_layers(ArtifactMetadata(task.family, problem, network, training, errors), weights, biases)

    def module(self, artifact: Artifact) -> NetworkModule:
        """Return the torch module of an artifact; only the runtimes that go through torch need it."""
        from fhnbench import NetworkModule

        return NetworkModule.of(artifact)

    def _fit(
        self, network: Network, inputs: NDArray[Any], increments: NDArray[Any], generator: np.random.Generator
    ) -> list[NDArray[np.float32]]:
        """Return the two layers, biases as their last columns."""
        hidden = self.spread * generator.standard_normal((*network.hidden, len(network.inputs) + 1))
        features = _hidden_layer(network, hidden, inputs)
        targets = (increments - _column(network.output_shift)) / _column(network.output_scale)
        square = features @ features.T
        regular = square + self.ridge * np.trace(square) * np.eye(len(square))
        return [hidden.astype(np.float32), np.linalg.solve(regular, features @ targets.T).T.astype(np.float32)]


def _hidden_layer(network: Network, hidden: NDArray[Any], inputs: NDArray[Any]) -> NDArray[Any]:
    x = (inputs - _column(network.input_shift)) / _column(network.input_scale)
    return _with_bias(np.tanh(hidden @ _with_bias(x)))


def _errors(network: Network, layers: list[NDArray[np.float32]], problem: Problem) -> dict[str, float]:
    """Return the errors of whole rollouts on trajectories that were not trained on."""
    ensemble = problem.sample(TEST_TRAJECTORIES if problem.varied else 1, seed=TEST_SEED)
    reference = integrate(problem, ensemble, problem.save_interval / 20)
    hidden, last = layers
    states = np.empty_like(reference)
    states[0] = reference[0]
    for point in range(1, len(states)):
        features = _hidden_layer(network, hidden, _inputs(network, states[point - 1], ensemble))
        outputs = last @ features * _column(network.output_scale) + _column(network.output_shift)
        states[point] = states[point - 1] + outputs
    accuracy = measure_accuracy(states, reference, problem.times)
    return {"mae": accuracy.mae, "p999": accuracy.p999, "samples": float(ensemble.size)}


def _inputs(network: Network, state: NDArray[Any], ensemble: Ensemble) -> NDArray[Any]:
    columns = {"u": state[0], "w": state[1], "i_app": ensemble.i_app}
    return np.stack([columns[name] for name in network.inputs])


def _column(values: tuple[float, ...]) -> NDArray[np.float64]:
    return np.array(values)[:, None]


def _with_bias(rows: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([rows, np.ones((1, rows.shape[1]))])
