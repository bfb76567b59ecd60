"""From a network to the fastest execution: export, build or find engines, measure, keep one."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING

from fhnbench import export_onnx, nvidia
from fhnbench_tensorrt.cache import EngineKey, load_engine, store_engine
from fhnbench_tensorrt.choice import Attempt, choose
from fhnbench_tensorrt.engine import Engine, EngineError, build_engine, tensorrt_version
from fhnbench_tensorrt.execution import TensorRTExecution
from fhnbench_tensorrt.layout import layouts
from fhnbench_tensorrt.model import StaticModel, static_model

if TYPE_CHECKING:
    import torch

    from fhnbench import Artifact, Workload
    from fhnbench_tensorrt.layout import Layout
    from fhnbench_tensorrt.runtime import TensorRT


def prepare(options: TensorRT, module: torch.nn.Module, artifact: Artifact, workload: Workload) -> TensorRTExecution:
    """Return the execution that is fastest of those that the options allow; raises as `TensorRT.prepare` does."""
    gpu, version = nvidia.open_device(), tensorrt_version()
    export = functools.cache(lambda passes: export_onnx(module, workload.precision, passes))

    def attempt(layout: Layout) -> Attempt[TensorRTExecution]:
        model = static_model(export(layout.call_passes), layout.columns)
        key = EngineKey(
            artifact.digest,
            model.digest,
            version,
            gpu.name,
            "{}.{}".format(*gpu.capability),
            workload.precision,
            options.tf32,
            layout.columns,
            layout.call_passes,
            options.build,
        )
        engine, built_s = obtain(key, model)
        execution = TensorRTExecution(workload, gpu.name, layout, model, engine, graph=options.graph)
        return Attempt(execution, execution.seconds(), built_s)

    choices = layouts(artifact.network, workload.save_points, workload.size, options.chunk, options.rollout)
    chosen, notes = choose(choices, attempt)
    chosen.notes = notes
    return chosen


def obtain(key: EngineKey, model: StaticModel) -> tuple[Engine, float]:
    """Return an engine, from the cache if it is there and loads, and the seconds that its build took, else 0."""
    if cached := load_engine(key):
        try:
            return Engine(cached, model), 0.0
        except EngineError:
            pass  # written by a TensorRT that only looks the same; built again
    began = time.perf_counter()
    content = build_engine(model, tf32=key.tf32)
    seconds = time.perf_counter() - began
    store_engine(key, content)
    return Engine(content, model), seconds
