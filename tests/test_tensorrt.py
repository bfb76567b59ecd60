"""The runtime ``trt`` as far as no GPU is needed: where everything lies, models, cache keys, options and errors."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from cuda.bindings import driver
from hypothesis import given, settings
from hypothesis import strategies as st

from fhnbench import FhnbenchError, NetworkModule, Refused, Unavailable, Workload, nvidia, standard_problem
from fhnbench.plugins.options import build
from fhnbench_tensorrt import availability
from fhnbench_tensorrt.cache import EngineKey, engine_file, load_engine, store_engine
from fhnbench_tensorrt.choice import Attempt, choose
from fhnbench_tensorrt.layout import ALIGNMENT, ITEMSIZE, MOST_ROWS, Layout, layouts, split
from fhnbench_tensorrt.model import static_model
from fhnbench_tensorrt.runtime import TensorRT
from networks import NETWORKS, artifact_of, exported, network_of

KEY = EngineKey("a" * 64, "b" * 64, "11.4.0", "NVIDIA H100", "9.0", "float16", False, 50_048, 1, 1)

CALLED = [
    ("direct", 1, "float32", 1e-5),
    ("direct", 1, "float16", 2e-2),
    ("iterative", 1, "float32", 1e-5),
    ("iterative", 3, "float32", 1e-5),
    ("iterative", 3, "float16", 2e-2),
    ("four points a pass", 3, "float32", 1e-5),
    ("trajectory", 1, "float32", 1e-5),
]


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "fhnbench" / "tensorrt"


def evaluate(layout, content, ensemble):
    """Make the calls of a layout on the host, in buffers laid out as on the device, with ONNX Runtime as the engine."""
    model = static_model(content, layout.columns)
    session = onnxruntime.InferenceSession(model.content, providers=["CPUExecutionProvider"])
    memory = {
        name: np.full(layout.size(name) // ITEMSIZE, np.nan, np.float32) for name in ("times", "inputs", "states")
    }
    memory["times"].reshape(layout.save_points, -1)[:, 0] = np.arange(layout.save_points)
    inputs = memory["inputs"].reshape(3, layout.stride)
    inputs[:] = 0
    inputs[:, : ensemble.size] = ensemble.u0, ensemble.w0, ensemble.i_app
    states = memory["states"].reshape(layout.points, 2, layout.stride)
    states[0] = inputs[:2]
    for one in layout.calls():
        rows = {name: memory[place.buffer][place.offset // ITEMSIZE :] for name, place in one.inputs.items()}
        given = {name: rows[name][: model.shape(name)[1]][None] for name in model.inputs}
        for place, row in zip(one.outputs, session.run(list(model.outputs), given), strict=True):
            start = place.offset // ITEMSIZE
            memory[place.buffer][start : start + layout.columns] = row[0]
    return states[: layout.save_points, :, : ensemble.size]


@pytest.mark.parametrize(("name", "passes", "precision", "tolerance"), CALLED)
def test_the_calls_give_the_trajectories(name, passes, precision, tolerance):
    ensemble = standard_problem("C").sample(150, seed=5)
    inputs = (torch.from_numpy(getattr(ensemble, key)) for key in ("u0", "w0", "i_app"))
    expected = NetworkModule.of(artifact_of(NETWORKS[name])).double()(*inputs, 12).detach().numpy()
    layout = Layout(NETWORKS[name], 12, *split(150, 64), passes)
    assert (layout.chunks, layout.columns) == (3, 64)
    found = evaluate(layout, exported(name, precision, passes), ensemble.astype(np.float32))
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


@given(
    size=st.integers(1, 300_000),
    chunk=st.one_of(st.none(), st.integers(1, MOST_ROWS)),
    save_points=st.integers(2, 60),
    name=st.sampled_from(["direct", "iterative", "four points a pass"]),
    rollout=st.sampled_from(["measured", "unrolled", "loop"]),
)
@settings(max_examples=60)
def test_layouts_cover_all_samples_and_save_points_at_aligned_places(size, chunk, save_points, name, rollout):
    network = NETWORKS[name]
    choices = layouts(network, save_points, size, chunk, rollout)
    assert len(set(choices)) == len(choices) >= 1
    for layout in choices:
        assert size <= layout.stride < size + layout.columns
        assert layout.columns <= MOST_ROWS
        assert layout.points >= save_points
        if layout.chunks * layout.calls_of_chunk > 2000:
            continue
        written = []
        for one in layout.calls():
            written += [place.offset for place in one.outputs]
            for place in [*one.inputs.values(), *one.outputs]:
                assert place.offset % ALIGNMENT == 0
                assert 0 <= place.offset <= layout.size(place.buffer) - ALIGNMENT
        initial = 2 * layout.stride * ITEMSIZE
        step = layout.columns * ITEMSIZE
        assert sorted(written) == list(range(initial, layout.size("states"), step))


def test_a_hundred_thousand_samples_are_two_chunks_or_seven_both_ways():
    found = layouts(NETWORKS["iterative"], 51, 100_000, None, "measured")
    assert [(one.columns, one.chunks, one.call_passes, one.calls_of_chunk) for one in found] == [
        (50_048, 2, 1, 50),
        (50_048, 2, 50, 1),
        (14_336, 7, 1, 50),
        (14_336, 7, 50, 1),
    ]
    assert [one.call_passes for one in layouts(NETWORKS["direct"], 51, 1000, None, "measured")] == [1]


def test_a_static_model_has_one_shape_and_its_digest_says_so():
    content = exported("iterative", "float16", 3)
    small, large = static_model(content, 64), static_model(content, 128)
    assert small.shape("u") == (1, 64)
    assert small.shape("t") == (1, 1)
    assert len(small.outputs) == 6
    assert small.digest == static_model(content, 64).digest != large.digest
    session = onnxruntime.InferenceSession(large.content, providers=["CPUExecutionProvider"])
    ends = [*session.get_inputs(), *session.get_outputs()]
    assert {(tuple(end.shape), end.type) for end in ends} == {((1, 128), "tensor(float)")}


def test_everything_that_an_engine_depends_on_is_in_its_name():
    names = {KEY.file_name}
    for field in dataclasses.fields(EngineKey):
        value = getattr(KEY, field.name)
        other = (not value) if isinstance(value, bool) else value + 1 if isinstance(value, int) else "c" + value[1:]
        names.add(dataclasses.replace(KEY, **{field.name: other}).file_name)
    assert len(names) == 1 + len(dataclasses.fields(EngineKey))
    assert all(name.endswith(".engine") for name in names)


def test_engines_are_kept_in_the_cache_folder_alone(cache):
    assert load_engine(KEY) is None
    store_engine(KEY, b"engine")
    assert load_engine(KEY) == b"engine"
    assert [path.name for path in cache.iterdir()] == [KEY.file_name]
    assert load_engine(dataclasses.replace(KEY, build=2)) is None


@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda content: content[:9], lambda _: b""])
def test_a_damaged_engine_is_not_loaded(cache, damage):
    store_engine(KEY, b"engine")
    path = engine_file(KEY)
    path.write_bytes(damage(path.read_bytes()))
    assert load_engine(KEY) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chunk": "0"}, "chunk=0 must be between 1 and 65536"),
        ({"chunk": "65537"}, "chunk=65537 must be between 1 and 65536"),
        ({"build": "0"}, "build=0 must be positive"),
        ({"rollout": "both"}, "rollout=both: invalid enum value 'both'"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(FhnbenchError, match=message):
        build("ddnn-trt", TensorRT, options)


@pytest.mark.parametrize(
    ("runtime", "scheme", "precision", "message"),
    [
        (TensorRT(), "direct", "float64", "precision float64 is not supported; choose float16 or bfloat16 or float32"),
        (TensorRT(tf32=True), "direct", "float16", "tf32=true goes with precision float32, not with float16"),
        (TensorRT(rollout="unrolled"), "direct", "float32", "rollout=unrolled: a direct network has no rollout"),
    ],
)
def test_what_it_cannot_do_is_refused_before_anything_is_imported(runtime, scheme, precision, message):
    with pytest.raises(Refused, match=message):
        runtime.prepare(None, artifact_of(network_of(scheme=scheme)), Workload(10, precision=precision))


@pytest.mark.parametrize(
    ("version", "problem"),
    [
        ("8.6.1", "TensorRT 8.6.1 is too old, 10 or later is needed"),
        ("9.3.0.post12", "TensorRT 9.3.0.post12 is too old, 10 or later is needed"),
        ("10.0.1", ""),
        ("11.4.0.106", ""),
        (None, ""),
    ],
)
def test_old_versions_are_told(version, problem):
    assert availability.version_problem(version) == problem


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("count=1", "available"),
        ("count=0", "no NVIDIA GPU; see https://developer.nvidia.com/cuda-gpus; check CUDA_VISIBLE_DEVICES"),
        ("init=804", "the NVIDIA driver does not start (CUDA error 804); see nvidia-smi; reboot after an update"),
    ],
)
def test_what_the_driver_answers_is_told_in_one_line(setting, text, emulated_gpu, monkeypatch):
    monkeypatch.setenv("EMULATED_CUDA", setting)
    monkeypatch.setattr(availability, "_installed_version", lambda: "11.0.0")
    assert str(availability.tensorrt_on_gpu()) == text


def test_the_probe_tells_an_old_version_first(monkeypatch):
    monkeypatch.setattr(availability, "_installed_version", lambda: "8.6.1")
    assert "too old" in str(availability.tensorrt_on_gpu())
    assert "pip install --upgrade 'fhnbench[tensorrt]'" in str(availability.tensorrt_on_gpu())


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        (
            "CUDA_ERROR_OUT_OF_MEMORY",
            Refused,
            r"^out of device memory: 1\.5 GiB of 2\.0 GiB are free; take fewer samples \(-n\)$",
        ),
        ("CUDA_ERROR_NO_DEVICE", Unavailable, "^no NVIDIA GPU; see "),
        (
            "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE",
            Unavailable,
            "^the NVIDIA driver is too old for its CUDA; install",
        ),
        (
            "CUDA_ERROR_ILLEGAL_ADDRESS",
            nvidia.DeviceError,
            r"^a kernel accessed memory that it does not own \(CUDA_ERROR_ILLEGAL_ADDRESS\)$",
        ),
    ],
)
def test_errors_of_the_driver_are_told_in_one_line(status, kind, message, monkeypatch):
    monkeypatch.setattr(driver, "cuMemGetInfo", lambda: (driver.CUresult.CUDA_SUCCESS, 3 * 2**29, 2**31))
    with pytest.raises(kind, match=message):
        nvidia.call((getattr(driver.CUresult, status), None))
    assert nvidia.call((driver.CUresult.CUDA_SUCCESS, 7)) == 7
    assert nvidia.call((driver.CUresult.CUDA_SUCCESS,)) is None


def test_without_a_driver_it_is_unavailable():
    if availability.tensorrt_on_gpu().available:
        pytest.skip("there is a GPU")
    with pytest.raises(Unavailable, match=r"^no NVIDIA (driver|GPU); "):
        nvidia.open_device()


def test_the_bindings_of_the_driver_take_what_they_are_given():
    if availability.tensorrt_on_gpu().available:
        pytest.skip("there is a GPU")
    program = Path(__file__).with_name("driver_calls.py")  # in a process that has not loaded an emulated driver
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "16 calls reached the driver\n"), done.stderr


class Tried:
    """What an attempt may give."""

    closed = False

    def close(self):
        self.closed = True


def chosen(results, layouts_):
    """Choose between layouts whose attempts give these: seconds of a run and of a build, or what they refuse."""
    tried: dict[Layout, Tried] = {}

    def attempt(layout):
        result = results[len(tried)]
        tried[layout] = Tried()
        if isinstance(result, Refused):
            raise result
        return Attempt(tried[layout], *result)

    best, notes = choose(layouts_, attempt)
    prepared = [one for one, made in zip(tried.values(), results, strict=False) if not isinstance(made, Refused)]
    assert [one for one in prepared if not one.closed] == [best]
    return next(number for number, one in enumerate(tried.values()) if one is best), len(tried), notes


FOUR = layouts(NETWORKS["iterative"], 51, 100_000, None, "measured")


def test_the_fastest_layout_is_chosen_and_the_others_closed():
    best, tried, notes = chosen([(3e-3, 5.0), (1e-3, 20.0), (2e-3, 4.0), (4e-3, 6.0)], FOUR)
    assert (best, tried) == (1, 4)
    assert notes == ("1 call for each of 2 chunks of 50,048 samples; engines built in 35 s",)


def test_no_more_is_built_once_builds_have_taken_long():
    best, tried, notes = chosen([(3e-3, 90.0), (4e-3, 90.0)], FOUR)
    assert (best, tried) == (0, 2)
    assert notes == (
        "50 calls for each of 2 chunks of 50,048 samples; engines built in 180 s, 2 of 4 alternatives not built",
    )


def test_engines_from_the_cache_are_all_tried():
    assert chosen([(1e-3, 0.0)] * 4, FOUR)[1:] == (
        4,
        ("50 calls for each of 2 chunks of 50,048 samples; engines from the cache",),
    )


def test_a_layout_that_is_refused_leaves_the_others():
    best, tried, notes = chosen([(3e-3, 1.0), Refused("no memory"), (2e-3, 1.0), (4e-3, 1.0)], FOUR)
    assert (best, tried) == (2, 4)
    assert notes[1:] == ("not 1 call for each of 2 chunks of 50,048 samples: no memory",)


def test_what_a_refused_layout_has_allocated_is_free_before_the_next_is_tried():
    class Memory:
        pass

    held = []

    def attempt(layout):
        assert not held or held[0]() is None
        memory = Memory()
        held.append(weakref.ref(memory))
        raise Refused("no memory")

    with pytest.raises(Refused, match="no memory"):
        choose(FOUR, attempt)
    assert len(held) == 4


def test_if_all_are_refused_the_first_reason_is_told():
    with pytest.raises(Refused, match="reason 0"):
        chosen([Refused(f"reason {number}") for number in range(4)], FOUR)


def test_the_command_line_says_how_to_install_tensorrt(command_line):
    for name in ("trt", "ddnn-trt"):
        done = command_line("plugins", name)
        assert done.returncode == 0, done.stderr
        assert "pip install 'fhnbench[tensorrt]'" in done.stdout
        assert "--extra-index-url" in done.stdout


def test_a_solver_and_a_surrogate_that_cannot_run_get_rows_and_an_exit_status(command_line):
    done = command_line("run", "--solver", "euler-cuda", "--surrogate", "ddnn-trt", "-n", "100", "--output", "out")
    if done.returncode == 0:
        pytest.skip("both run here")
    assert done.returncode == 3, done.stderr
    assert "euler-cuda: no NVIDIA" in done.stdout
    assert "ddnn-trt: tensorrt not installed; pip install 'fhnbench[tensorrt]'" in done.stdout
