"""What the tensors of an artifact stand for, as data: a multilayer perceptron, or the steps of an integrator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from fhnbench.errors import FhnbenchError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

Activation = Literal["tanh", "silu", "relu", "sin", "sigmoid", "softplus", "identity"]
"""Names of activations, applied element by element; ``silu`` is x sigmoid(x)."""

Scheme = Literal["direct", "iterative"]
NetworkInput = Literal["t", "u", "w", "i_app"]
"""Names of a network's inputs: time, the two states, the applied current."""


class InvalidArtifact(FhnbenchError):
    """A file is no artifact, is damaged, or contradicts itself."""


class Network(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="network"):
    """A multilayer perceptron, its normalisation and how it is evaluated over time, as data.

    Its tensors are ``layers.K.weight`` ``[out, in]`` and ``layers.K.bias`` ``[out]``.

    With ``x = (inputs - input_shift) / input_scale``, layer after layer ``x = activation(weight @ x + bias)``, and
    ``outputs = x * output_scale + output_shift``.

    ``direct``: inputs hold t (and u, w: the *initial* state); one pass for each save point but the first.
    ``iterative``: inputs hold u, w (the state where the pass begins) and no t; each pass gives the next
    `pass_points` save points, in the order u, w of the first, u, w of the second, and so on; passes are chained
    until the horizon is reached and what lies beyond it is dropped. A trajectory network is iterative with
    ``pass_points = T - 1``.

    Parameters
    ----------
    inputs
        Names of the inputs, in order.
    widths
        Sizes of all layers, input and output included; the last is ``2 * pass_points``.
    activations
        One for each layer after the input; the last is usually ``identity``.
    scheme, pass_points
        As above; `pass_points` is 1 for ``direct``.
    output
        ``state``: outputs are states; ``increment``: they are added to the state at which the pass begins (for
        ``direct``, the initial state).
    input_shift, input_scale, output_shift, output_scale
        Normalisation, one number for each input or output.

    Raises
    ------
    InvalidArtifact
        If lengths, names or sizes do not fit together.
    """

    inputs: tuple[NetworkInput, ...]
    widths: tuple[int, ...]
    activations: tuple[Activation, ...]
    scheme: Scheme
    input_shift: tuple[float, ...]
    input_scale: tuple[float, ...]
    output_shift: tuple[float, ...]
    output_scale: tuple[float, ...]
    output: Literal["state", "increment"] = "state"
    pass_points: int = 1

    def __post_init__(self) -> None:
        for problem in self._contradictions():
            raise InvalidArtifact(f"network: {problem}")

    def _contradictions(self) -> list[str]:
        checks = {
            f"widths {self.widths} need at least an input and an output, all positive": len(self.widths) >= 2
            and min(self.widths, default=0) >= 1,
            f"{len(self.activations)} activations for {len(self.widths) - 1} layers": len(self.activations)
            == len(self.widths) - 1,
            f"inputs {self.inputs} do not fit the first width {self.widths[:1]}": (len(self.inputs),)
            == self.widths[:1],
            f"inputs {self.inputs} repeat a name": len(set(self.inputs)) == len(self.inputs),
            f"the last width must be 2 x pass_points = {2 * self.pass_points}": self.widths[-1:]
            == (2 * self.pass_points,),
            f"pass_points {self.pass_points} must be positive, and 1 for a direct scheme": self.pass_points >= 1
            and (self.pass_points == 1 or self.scheme == "iterative"),
            f"an iterative scheme reads u or w, or each pass would give the same, got {self.inputs}": bool(
                {"u", "w"} & set(self.inputs)
            )
            or self.scheme == "direct",
            f"a direct scheme has t among its inputs and an iterative one has not, got {self.inputs}": (
                "t" in self.inputs
            )
            == (self.scheme == "direct"),
            "normalisation must have one shift and one non-zero scale for each input and output": len(self.input_shift)
            == len(self.input_scale)
            == len(self.inputs)
            and (len(self.output_shift),) == (len(self.output_scale),) == self.widths[-1:]
            and 0 not in (*self.input_scale, *self.output_scale)
            and bool(np.isfinite([*self.input_shift, *self.input_scale, *self.output_shift, *self.output_scale]).all()),
        }
        return [message for message, holds in checks.items() if not holds]

    @property
    def hidden(self) -> tuple[int, ...]:
        """Sizes of the hidden layers."""
        return self.widths[1:-1]

    @property
    def hidden_activations(self) -> tuple[str, ...]:
        """Activations of the hidden layers."""
        return self.activations[:-1]

    @property
    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the tensors, layer after layer."""
        layers = enumerate(zip(self.widths, self.widths[1:], strict=False))
        return {
            f"layers.{layer}.{name}": shape
            for layer, (fan_in, fan_out) in layers
            for name, shape in (("weight", (fan_out, fan_in)), ("bias", (fan_out,)))
        }

    def faults(self, tensors: Mapping[str, NDArray[np.float32]]) -> list[str]:  # noqa: ARG002
        """Return what is wrong with finite tensors of the right shapes: nothing ever is."""
        return []

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one pass for one sample."""
        return sum(a * b for a, b in zip(self.widths, self.widths[1:], strict=False))

    def passes(self, save_points: int) -> int:
        """Return how many passes give `save_points` save points (the first, the initial state, costs none)."""
        return -(-(save_points - 1) // self.pass_points)


class Integrator(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="integrator"):
    """Explicit Runge-Kutta steps with coefficients of their own, which together advance by one save interval.

    The steps have the form of `FoldedStep`, in which the model's only nonlinearity is a cubic of each stage:
    ``u = u_scale x`` and ``z = z_from_w w + z_from_i i_app + z_from_one``, and in a step with s stages, from
    ``y[1] = x``,

    - ``y[2] = y[1] (cubic[1] - y[1]^2) + z``,
    - ``y[i + 1] = y[i] (cubic[i] - y[i]^2) + l[i - 1](y[1], ..., y[i - 1], z, 1, i_app)`` for i from 2 to s,
    - the new x is ``y[s + 1]``, and the new z is ``l[s](y[1], ..., y[s], z, 1, i_app)``,

    with linear functions l. The steps are applied in turn and the save intervals one after the other.

    Its tensors are ``units`` ``[4]`` (``u_scale, z_from_w, z_from_i, z_from_one``) and for each step K
    ``steps.K.cubic`` ``[s]``, and the coefficients of the linear functions, row by row: ``steps.K.linear``
    ``[s, s + 1]`` of y (zero where a function does not read it) and, last, of z; ``steps.K.constant`` ``[s, 2]`` of 1
    and i_app.

    Parameters
    ----------
    stages
        Number of stages of each step.

    Raises
    ------
    InvalidArtifact
        If there is no step, or one without a stage.
    """

    stages: tuple[int, ...]

    def __post_init__(self) -> None:
        if min(self.stages, default=0) < 1:
            raise InvalidArtifact(f"integrator: stages {self.stages} need at least one step, and each step one stage")

    @property
    def hidden(self) -> tuple[int, ...]:
        """Stages of each step, which take the place of a network's hidden layers."""
        return self.stages

    @property
    def hidden_activations(self) -> tuple[str, ...]:
        """The nonlinearity of each step."""
        return ("cubic",) * len(self.stages)

    activations = hidden_activations

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one save interval for one sample; what a trajectory keeps is multiplied once."""
        return sum(2 * s + s * (s + 3) // 2 for s in self.stages) + 2

    @property
    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the tensors, step after step."""
        steps = {
            f"steps.{step}.{name}": shape
            for step, s in enumerate(self.stages)
            for name, shape in (("cubic", (s,)), ("linear", (s, s + 1)), ("constant", (s, 2)))
        }
        return {"units": (4,), **steps}

    def faults(self, tensors: Mapping[str, NDArray[np.float32]]) -> list[str]:
        """Return what is wrong with finite tensors of the right shapes."""
        wrong = [
            f"steps.{step}.linear: row K may read no more than K values of x, counted from one"
            for step in range(len(self.stages))
            if np.triu(tensors[f"steps.{step}.linear"][:, :-1], 1).any()
        ]
        return wrong if tensors["units"][:2].all() else [*wrong, "units: u_scale and z_from_w must not be zero"]

    def passes(self, save_points: int) -> int:
        """Return how many save intervals lie between `save_points` save points."""
        return save_points - 1


Structure = Network | Integrator
"""What an artifact may be."""
