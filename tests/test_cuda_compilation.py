"""The solvers' kernels as machine code: they compile for every GPU, stay in registers, and waste no instruction."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

import pytest

from fhnbench import FhnbenchError, Unavailable, Workload
from fhnbench_cuda import compiler
from fhnbench_cuda.compiler import KernelProgram
from fhnbench_cuda.solvers import Euler, Heun, Heun3, Midpoint, RungeKutta4
from fhnbench_cuda.stepping import chunk_of, features_kernel, solve_kernel
from machine_code import longest_loop

if TYPE_CHECKING:
    from pathlib import Path

    from fhnbench_cuda.compiler import Binary

pytest.importorskip("cuda.core", reason="needs fhnbench[cuda]")

ARCHS = ("sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120")
METHODS = (Euler, Midpoint, Heun, Heun3, RungeKutta4)
FUSED = {"float32": "FFMA", "float64": "DFMA"}
OPERATIONS = {1: 4, 2: 9, 3: 15, 4: 22}


def every_kernel() -> KernelProgram:
    """Return every variant of every solver with its default step, as one program: that compiles fastest."""
    solvers = [
        (method(variant=variant, storage=storage, per_thread=per_thread), Workload(1, precision=precision))
        for method, precision in itertools.product(METHODS, FUSED)
        for variant, storage, per_thread in (
            ("naive", "same", 1),
            *itertools.product(["folded"], ["same", "float16"][: 2 if precision == "float32" else 1], [1, 2]),
        )
    ]
    solvers += [
        (method(per_thread=per_thread), Workload(1, precision=precision, output="features"))
        for method, precision, per_thread in itertools.product(METHODS, FUSED, [1, 2])
    ]
    programs = [solver.steps(workload).program for solver, workload in solvers]
    kernels = dict.fromkeys(kernel for program in programs for kernel in program.kernels)
    return KernelProgram("stepping.cu", tuple(kernels))


def require_registers_only(binary: Binary) -> None:
    for name, usage in binary.usage.items():
        assert (usage.local_memory, usage.spill_stores, usage.spill_loads, usage.shared_memory) == (0, 0, 0, 0), name
        # So that 1,024 threads fit into a multiprocessor; with two samples a thread and features in float64, 640.
        assert usage.registers <= (96 if re.match(r"solve_features<double, .*, 2>", name) else 64), name


@pytest.mark.parametrize("arch", ARCHS)
def test_every_kernel_compiles_and_stays_in_registers(arch: str) -> None:
    program = every_kernel()
    assert len(program.kernels) > 40
    assert any(name.startswith("solve_features<") for name in program.kernels)
    binary = compiler.compile_program(program, arch)
    assert binary.cubin.startswith(b"\x7fELF")
    assert set(binary.usage) == set(binary.symbols) == set(program.kernels)
    require_registers_only(binary)


@pytest.mark.slow
@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize("per_thread", [1, 2])
def test_other_steps_stay_in_registers(arch: str, per_thread: int) -> None:
    kernels = [
        kernel
        for dtype, stages, substeps in itertools.product(FUSED, OPERATIONS, (1, 5, 32, 100))
        for kernel in (
            solve_kernel(dtype, stages, substeps, per_thread, half=False),
            features_kernel(dtype, stages, substeps, per_thread),
        )
    ]
    require_registers_only(compiler.compile_program(KernelProgram("stepping.cu", tuple(kernels)), arch))


def require_operations(arch: str, dtype: str, stages: int, substeps: int, per_thread: int) -> None:
    """Check the loop over save points, or over chunks where there are several.

    In it are the multiply-adds that are declared, a multiplication and two stores for each save point, and besides that
    at most a dozen instructions, which a longer loop shares.
    """
    kernel = solve_kernel(dtype, stages, substeps, per_thread, half=False)
    loop = longest_loop(compiler.compile_program(KernelProgram("stepping.cu", (kernel,)), arch))
    points = 2  # that the loop takes at once
    assert loop[FUSED[dtype]] == points * per_thread * (substeps * OPERATIONS[stages] + 3)
    assert loop["STG"] == loop[FUSED[dtype].replace("FMA", "MUL")] * 2 == points * per_thread * 2
    assert not {"FADD", "DADD", "MUFU", "LDG", "LDL", "STL", "CALL"} & set(loop)
    others = loop.total() - points * per_thread * (substeps * OPERATIONS[stages] + 6)
    assert others <= 12 * points * per_thread, loop


@pytest.mark.parametrize("arch", ["sm_80", "sm_90"])
def test_a_step_is_four_multiply_adds(arch: str) -> None:
    require_operations(arch, "float32", 1, 10, 1)


@pytest.mark.slow
@pytest.mark.parametrize("per_thread", [1, 2])
@pytest.mark.parametrize("dtype", FUSED)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("arch", ARCHS)
def test_steps_have_the_operations_that_are_declared(arch: str, method: Any, dtype: str, per_thread: int) -> None:
    assert method.tableau.operations == OPERATIONS[method.tableau.stages]
    require_operations(arch, dtype, method.tableau.stages, round(1 / method.dt), per_thread)


@pytest.mark.parametrize("arch", ["sm_80", "sm_90"])
def test_features_take_few_operations_and_no_memory(arch: str) -> None:
    """Check the loop over save points: ten steps, drifts and spikes, extremes, the threshold; and no store."""
    kernel = features_kernel("float32", 1, 10, 1)
    loop = longest_loop(compiler.compile_program(KernelProgram("stepping.cu", (kernel,)), arch))
    assert 10 * OPERATIONS[1] + 2 <= loop["FFMA"] <= 10 * OPERATIONS[1] + 3  # one more where there is a spike
    assert loop["FMNMX"] == 4
    assert not {"STG", "LDG", "LDL", "STL", "CALL", "MUFU"} & set(loop)
    assert loop.total() <= 10 * OPERATIONS[1] + 30, loop


@pytest.mark.parametrize(
    ("substeps", "stages", "chunk"), [(10, 1, 10), (100, 1, 25), (1, 4, 1), (101, 1, 1), (64, 4, 4), (7, 4, 1)]
)
def test_a_chunk_divides_the_steps_and_is_not_long(substeps: int, stages: int, chunk: int) -> None:
    assert chunk_of(substeps, stages) == chunk


class TestCache:
    """What was compiled is found again, and nothing else is."""

    PROGRAM = KernelProgram("stepping.cu", ("copy_initial<float>",))

    @pytest.fixture(autouse=True)
    def _empty_cache(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def test_it_is_compiled_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        first = compiler.build(self.PROGRAM, "sm_90")
        monkeypatch.setattr(compiler, "compile_program", None)
        assert compiler.build(self.PROGRAM, "sm_90") == first

    def test_a_damaged_file_is_replaced(self) -> None:
        first = compiler.build(self.PROGRAM, "sm_90")
        path = compiler.cache_file(self.PROGRAM, "sm_90")
        for content in (b"", path.read_bytes()[:-100], b"\x93\x01"):
            path.write_bytes(content)
            assert compiler.build(self.PROGRAM, "sm_90") == first
        assert [file.name for file in path.parent.iterdir()] == [path.name]

    def test_its_name_depends_on_all_that_the_code_depends_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        others = [
            KernelProgram("stepping.cu", ("copy_initial<double>",)),
            KernelProgram("stepping.cu", self.PROGRAM.kernels, (("N", "1"),)),
        ]
        names = {compiler.cache_file(program, "sm_90") for program in (self.PROGRAM, *others)}
        names.add(compiler.cache_file(self.PROGRAM, "sm_80"))
        monkeypatch.setattr(compiler, "nvrtc_version", lambda: "99.0")
        names.add(compiler.cache_file(self.PROGRAM, "sm_90"))
        assert len(names) == 5

    def test_a_folder_that_cannot_be_written_to_is_an_error(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "file").touch()
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
        with pytest.raises(FhnbenchError, match="cannot write"):
            compiler.build(self.PROGRAM, "sm_90")


def test_an_architecture_that_the_compiler_does_not_know_is_unavailable() -> None:
    with pytest.raises(Unavailable, match=r"NVRTC [\d.]+ does not compile for sm_999; pip install -U"):
        compiler.compile_program(TestCache.PROGRAM, "sm_999")


def test_an_error_in_a_kernel_names_the_file_and_the_place() -> None:
    program = KernelProgram("stepping.cu", ("no_such_kernel<float>",))
    with pytest.raises(compiler.CompilationFailed, match=r"stepping.cu for sm_90: .*"):
        compiler.compile_program(program, "sm_90")


def test_an_included_file_takes_the_place_of_its_inclusion_once() -> None:
    source = KernelProgram("stepping.cu", (), (("ONE", "1"),)).source
    assert source.startswith("#define ONE 1\n")
    assert '#include "' not in source
    assert source.count("half_bits_of(float") == 1
