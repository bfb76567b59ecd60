"""The instructions that evaluate a network for one block of samples, from initial states to the horizon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fhnbench_cpu.activations import activate
from fhnbench_cpu.network_vectors import size

if TYPE_CHECKING:
    from fhnbench_cpu.network_plan import Layer, Plan
    from fhnbench_cpu.network_vectors import Emitter, Pointer, Vector


@dataclass(frozen=True)
class Arrays:
    """Where the data are; `u0`, `w0`, `i_app` and `states` point to the first sample of the block.

    `save_points` and `samples` are the sizes T and N of ``states[T, 2, N]``; `stream` is true where each of its rows
    is aligned, so that it can be written past the caches.
    """

    parameters: Pointer
    times: Pointer
    u0: Pointer
    w0: Pointer
    i_app: Pointer
    states: Pointer
    memory: Pointer
    save_points: Any
    samples: Any
    stream: Any


@dataclass(frozen=True)
class Block:
    """Writes the instructions.

    Parameters
    ----------
    plan
        What to evaluate.
    emitter
        Where instructions are written.
    arrays
        Where data are read and written.
    """

    plan: Plan
    emitter: Emitter
    arrays: Arrays

    def evaluate(self) -> None:
        """Begin all groups of the block, then advance them in turns to the last save point."""
        builder, groups = self.emitter.builder, self.plan.tile.groups
        per_pass = self.plan.network.pass_points
        for group in self.emitter.repeat(groups):
            self.begin(group)
        passes = builder.sdiv(builder.add(self.arrays.save_points, size(per_pass - 2)), size(per_pass))
        for done in self.emitter.repeat(passes):
            point = builder.add(builder.mul(done, size(per_pass)), size(1))
            for group in self.emitter.repeat(groups):
                self.advance(group, point)

    def begin(self, group: Any) -> None:
        """Save the initial states, and sum up the first layer over the inputs that a trajectory keeps."""
        plan, arrays, group_size = self.plan, self.arrays, self.plan.tile.group_size
        memory = self._memory(group)
        places = {"u": arrays.u0, "w": arrays.w0, "i_app": arrays.i_app}
        inputs = {name: self._load(place.at(group, group_size)) for name, place in places.items()}
        for row, name in enumerate(("u", "w")):
            self._store(inputs[name], memory.at(plan.state).at(row, group_size))
            self._save(inputs[name], group, size(0), row)
        width = plan.network.widths[1]
        for neuron in self.emitter.repeat(width):
            sums = self._broadcast(arrays.parameters.at(neuron))
            for row, name in enumerate(plan.constant, start=1):
                weight = arrays.parameters.at(neuron).at(row, width).broadcast()
                sums = [x.fma(weight, total) for x, total in zip(inputs[name], sums, strict=True)]
            self._store(sums, memory.at(neuron, group_size))

    def advance(self, group: Any, point: Any) -> None:
        """Evaluate a pass, and save its states from save point `point`."""
        plan, group_size = self.plan, self.plan.tile.group_size
        memory = self._memory(group)
        values = memory.at(plan.state + group_size * (plan.varying == ["w"]))
        if plan.network.scheme == "direct":
            values = memory.at(plan.time)
            self._store(self._broadcast(self.arrays.times.at(point)), values)
        for layer in plan.layers:
            target = self.arrays.memory.at(plan.values(layer.number))
            self._evaluate_layer(layer, memory, values, target)
            values = target
        self._save_pass(values, group, point)
        if plan.network.scheme == "iterative":
            end = values.at(plan.network.pass_points - 1, 2 * group_size)
            for row in range(2):
                self._store(self._load(end.at(row, group_size)), memory.at(plan.state).at(row, group_size))

    def _evaluate_layer(self, layer: Layer, memory: Pointer, values: Pointer, target: Pointer) -> None:
        """Compute a layer from `values` ``[inputs, group]`` into `target` ``[width, group]``, tile after tile."""
        builder = self.emitter.builder
        for first, height, count in self.plan.tile.split(layer.width):
            for number in self.emitter.repeat(count):
                neuron = builder.add(size(first), builder.mul(number, size(height)))
                neurons = [builder.add(neuron, size(offset)) for offset in range(height)]
                sums = self._sum(layer, memory, values, neurons)
                self._finish(layer, memory, sums, neurons, target)
                self.emitter.fence()

    def _sum(self, layer: Layer, memory: Pointer, values: Pointer, neurons: list[Any]) -> list[list[Vector]]:
        """Return the sums ``[neuron, vector]`` of a tile: bias, and weights times values."""
        group_size, parameters = self.plan.tile.group_size, self.arrays.parameters
        sums = [
            [
                self.emitter.variable(total)
                for total in (
                    self._broadcast(parameters.at(layer.bias).at(neuron))
                    if layer.number
                    else self._load(memory.at(neuron, group_size))
                )
            ]
            for neuron in neurons
        ]
        for index in self.emitter.repeat(layer.inputs):
            inputs = self._load(values.at(index, group_size))
            for neuron, totals in zip(neurons, sums, strict=True):
                weight = parameters.at(layer.weights).at(index, layer.width).at(neuron).broadcast()
                for x, total in zip(inputs, totals, strict=True):
                    total.set(x.fma(weight, total.get()))
        return [[total.get() for total in totals] for totals in sums]

    def _finish(
        self, layer: Layer, memory: Pointer, sums: list[list[Vector]], neurons: list[Any], target: Pointer
    ) -> None:
        """Apply the activation to the sums of a tile and store the values; those of the last layer are states."""
        tile = self.plan.tile
        for number, totals in enumerate(zip(*sums, strict=True)):
            state = memory.at(self.plan.state).at(number, tile.lanes)
            values = activate(layer.activation, totals)
            if layer.last:
                # Tiles begin at even neurons: even rows are u, odd ones w.
                states = [state.at(row % 2, tile.group_size) for row in range(len(values))]
                values = [self._output(*output) for output in zip(values, neurons, states, strict=True)]
            for neuron, value in zip(neurons, values, strict=True):
                target.at(neuron, tile.group_size).at(number, tile.lanes).store(value)

    def _output(self, value: Vector, neuron: Any, state: Pointer) -> Vector:
        """Return what a value of the last layer stands for."""
        network = self.plan.network
        if self.plan.rescaled:
            scale = self.arrays.parameters.at(self.plan.output_scale).at(neuron)
            value = value.fma(scale.broadcast(), scale.at(network.widths[-1]).broadcast())
        return value + state.load() if network.output == "increment" else value

    def _save_pass(self, values: Pointer, group: Any, point: Any) -> None:
        """Save the outputs of a pass from save point `point`, but none beyond the horizon."""
        builder, group_size = self.emitter.builder, self.plan.tile.group_size
        count: Any = self.plan.network.pass_points
        if count > 1:
            left = builder.sub(self.arrays.save_points, point)
            count = builder.select(builder.icmp_signed("<", left, size(count)), left, size(count))
        for offset in self.emitter.repeat(count):
            for row in range(2):
                vectors = self._load(values.at(offset, 2 * group_size).at(row, group_size))
                self._save(vectors, group, builder.add(point, offset), row)

    def _save(self, vectors: list[Vector], group: Any, point: Any, row: int) -> None:
        """Write u (row 0) or w (row 1) of a group at a save point."""
        builder = self.emitter.builder
        line = builder.add(builder.mul(point, size(2)), size(row))
        saved = self.arrays.states.at(line, self.arrays.samples).at(group, self.plan.tile.group_size)
        with builder.if_else(self.arrays.stream) as (aligned, otherwise):
            with aligned:
                for number, vector in enumerate(vectors):
                    saved.at(number, self.plan.tile.lanes).stream(vector)
            with otherwise:
                self._store(vectors, saved)

    def _memory(self, group: Any) -> Pointer:
        return self.arrays.memory.at(group, self.plan.group_memory)

    def _load(self, pointer: Pointer) -> list[Vector]:
        return [pointer.at(number, self.plan.tile.lanes).load() for number in range(self.plan.tile.vectors)]

    def _store(self, vectors: list[Vector], pointer: Pointer) -> None:
        for number, vector in enumerate(vectors):
            pointer.at(number, self.plan.tile.lanes).store(vector)

    def _broadcast(self, pointer: Pointer) -> list[Vector]:
        return [pointer.broadcast()] * self.plan.tile.vectors
