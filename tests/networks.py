"""Networks with random weights, normalised as training normalises them."""

from __future__ import annotations

import functools

import msgspec
import numpy as np

from fhnbench import Artifact, ArtifactMetadata, Network, NetworkModule, TrainingRecord, export_onnx, standard_problem


def artifact_of(network: Network, seed: int = 0) -> Artifact:
    """Return an artifact with weights that keep the size of what they multiply."""
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(b, a)) / np.sqrt(a) for a, b in zip(network.widths, network.widths[1:], strict=False)]
    biases = [0.1 * rng.normal(size=width) for width in network.widths[1:]]
    training = TrainingRecord("none", "none", seed, 0, 0, 0.0, 0.0)
    return Artifact.of_layers(
        ArtifactMetadata("net", standard_problem("C"), network, training, {}),
        tuple(weight.astype(np.float32) for weight in weights),
        tuple(bias.astype(np.float32) for bias in biases),
    )


def network_of(
    hidden: tuple[int, ...] = (8, 8),
    activation: str | tuple[str, ...] = "tanh",
    scheme: str = "iterative",
    output: str = "increment",
    pass_points: int = 1,
) -> Network:
    """Return a network for problem C with normalisation as training makes it; name one activation or all."""
    direct = scheme == "direct"
    inputs = (("t",) if direct else ()) + ("u", "w", "i_app")
    outputs = 2 * pass_points
    return Network(
        inputs=inputs,
        widths=(len(inputs), *hidden, outputs),
        activations=((activation,) * len(hidden) if isinstance(activation, str) else activation) + ("identity",),
        scheme=scheme,
        input_shift=(25.0,) * direct + (0.1, 0.5, 0.5),
        input_scale=(25.0,) * direct + (2.1, 1.2, 0.5),
        output_shift=(0.05, -0.02) * pass_points,
        output_scale=(0.3, 0.1) * pass_points,
        output=output,
        pass_points=pass_points,
    )


ALL_ACTIVATIONS = ("tanh", "silu", "relu", "sin", "sigmoid", "softplus")


def only_time(output: str) -> Network:
    """Return a network of problem A: it reads t alone."""
    network = network_of((5,), scheme="direct", output=output)
    return msgspec.structs.replace(
        network, inputs=("t",), widths=(1, *network.widths[1:]), input_shift=(25.0,), input_scale=(25.0,)
    )


NETWORKS: dict[str, Network] = {
    "direct": network_of((7, 64), "tanh", "direct", "state"),
    "direct increment": network_of((9,), "sin", "direct"),
    "only time": only_time("state"),
    "only time, increment": only_time("increment"),
    "iterative": network_of((6,) * len(ALL_ACTIVATIONS), ALL_ACTIVATIONS),
    "iterative state": network_of((16, 3), "silu", output="state"),
    "last activation": msgspec.structs.replace(network_of((8,)), activations=("tanh", "sigmoid")),
    "four points a pass": network_of((8, 8), pass_points=4),
    "trajectory": network_of((8,), "softplus", output="state", pass_points=50),
}
"""One network of every kind that a runtime meets."""


@functools.cache
def exported(name: str, precision: str = "float32", passes: int = 1) -> bytes:
    """Return the ONNX model of a network of `NETWORKS`, exported once for all tests."""
    return export_onnx(NetworkModule.of(artifact_of(NETWORKS[name])), precision, passes)
