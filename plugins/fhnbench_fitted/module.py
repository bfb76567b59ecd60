"""The torch module of an integrator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from fhnbench import Artifact


class IntegratorModule(torch.nn.Module):
    """An `Integrator` with its coefficients as parameters.

    Parameters
    ----------
    artifact
        Gives stages and tensors.
    """

    def __init__(self, artifact: Artifact) -> None:
        super().__init__()
        assert artifact.structure.hidden
        self._stages = artifact.structure.hidden
        self._save_points = artifact.metadata.problem.save_points
        self.numbers = torch.nn.ParameterDict(
            {name.replace(".", "_"): torch.from_numpy(tensor.copy()) for name, tensor in artifact.tensors.items()}
        )

    def forward(self, u0: Tensor, w0: Tensor, i_app: Tensor, save_points: int | None = None) -> Tensor:
        """Return the trajectories ``states[T, 2, N]`` of initial states and currents ``[N]``.

        Everything is computed in the precision of the parameters; trajectories have that of the inputs.
        """
        u_scale, z_from_w, z_from_i, z_from_one = units = self.numbers["units"]
        states = [torch.stack([u0, w0])]
        u, w, current = (values.to(units.dtype) for values in (u0, w0, i_app))
        offset = z_from_i * current + z_from_one
        x, z = u / u_scale, z_from_w * w + offset
        for _ in range((self._save_points if save_points is None else save_points) - 1):
            for step, stages in enumerate(self._stages):
                x, z = self._step(x, z, step, stages, current)
            states.append(torch.stack([u_scale * x, (z - offset) / z_from_w]).to(u0.dtype))
        return torch.stack(states)

    def _step(self, x: Tensor, z: Tensor, step: int, stages: int, i_app: Tensor) -> tuple[Tensor, Tensor]:
        cubic, linear, constant = (self.numbers[f"steps_{step}_{name}"] for name in ("cubic", "linear", "constant"))
        values, total = [x], z
        for stage in range(stages):
            y = values[-1]
            values.append(y * (cubic[stage] - y * y) + total)
            total = constant[stage, 0] + constant[stage, 1] * i_app + linear[stage, -1] * z
            for place, value in enumerate(values[: stage + 1]):
                total = total + linear[stage, place] * value
        return values[-1], total
