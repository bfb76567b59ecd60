"""`fhnbench dataset`: what users type, and what they mistype."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fhnbench import FitzHughNagumo, open_dataset
from fhnbench.__main__ import main


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FHNBENCH_DATASETS", raising=False)
    return tmp_path


def build(*arguments: str) -> int:
    return main(["dataset", "build", *arguments])


def test_build_show_validate(capsys: pytest.CaptureFixture[str]) -> None:
    assert build("c", "-n", "27", "--sampling", "grid", "--seed", "3", "--training-step", "0.01") == 0
    built = capsys.readouterr()
    name = "datasets/C-27-grid-seed3-euler0.01.h5"
    digest = open_dataset(name).digest
    for text in (name, "27 samples, grid, seed 3", "u0 [-2, 2], w0 [-1, 1], i_app [0, 1]", "51 save points", digest):
        assert text in built.out
    assert "rk4, float64, step 0.005" in built.out
    assert "euler, step 0.01" in built.out

    assert main(["dataset", "show", name]) == 0
    assert capsys.readouterr().out == built.out

    assert main(["dataset", "validate", name]) == 0
    assert capsys.readouterr().out == f"{name}: valid, 27 samples of problem C, sha256 {digest}\n"


def test_every_option_reaches_the_file() -> None:
    model = ["--a", "0.6", "--b", "0.9", "--c", "1.5", "--tau", "10"]
    assert build("B", "-n", "3", "--horizon", "6", "--save-interval", "1.5", *model, "--output", "x.h5") == 0
    dataset = open_dataset("x.h5")
    assert dataset.problem.model == FitzHughNagumo(0.6, 0.9, 1.5, 10.0)
    np.testing.assert_array_equal(dataset.problem.times, [0, 1.5, 3, 4.5, 6])
    assert dataset.training_states() is None


def test_the_folder_can_be_moved(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FHNBENCH_DATASETS", "elsewhere")
    assert build("A", "-n", "2", "--horizon", "1") == 0
    assert [path.parent.name for path in here.rglob("*.h5")] == ["elsewhere"]


def test_an_existing_file_needs_overwrite(capsys: pytest.CaptureFixture[str]) -> None:
    assert build("A", "-n", "2", "--horizon", "1", "--output", "x.h5") == 0
    assert build("A", "-n", "3", "--horizon", "1", "--output", "x.h5") == 2
    assert "x.h5 exists; give another output, or overwrite it (--overwrite)" in capsys.readouterr().err
    assert open_dataset("x.h5").size == 2
    assert build("A", "-n", "3", "--horizon", "1", "--output", "x.h5", "--overwrite") == 0
    assert open_dataset("x.h5").size == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("D", "no problem 'D'; there are A, B, C"),
        ("C -n 0", "at least one sample, not 0"),
        ("C -n 28 --sampling grid", "the nearest to 28 is 27"),
        ("C --seed -1", "seed -1 is not between 0"),
        ("C --a nan", "model parameter a=nan is not finite"),
        ("C --tau 0", "model parameter tau=0.0 must be positive"),
        ("C --horizon -5", "horizon -5.0 and save interval 1.0 must be positive"),
        ("C --horizon 1e308 --save-interval 1e-9", "so must be their ratio"),
        ("C --save-interval 0.3", "does not divide the horizon 50; the nearest that does is 0.299"),
        ("C --training-step 0.03", "dt=0.03 does not divide the save interval 1; the nearest that does is 0.0303"),
        ("C --training-step 1e-320", "is too small for the save interval 1"),
        ("C -n 1000000000000000", "GB left; ask for fewer samples"),
        ("C -n 2 --tau 1e-6", "too stiff"),
        ("A -n 2 --output .", ". is a folder"),
        ("A -n 2 --output file/x.h5", "cannot write file/x.h5: "),
        (f"A -n 2 --output {'x' * 300}", "File name too long"),
    ],
)
def test_wrong_input_is_one_line_and_leaves_nothing(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: str, message: str
) -> None:
    Path("file").touch()
    assert build(*arguments.split()) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("Error: ")
    assert error.count("\n") == 1
    assert [path.name for path in here.rglob("*") if path.is_file()] == ["file"]


@pytest.mark.parametrize("arguments", ["C -n many", "C --sampling halton", "C --colour red", "", "C B"])
def test_wrong_usage_is_explained(capsys: pytest.CaptureFixture[str], arguments: str) -> None:
    assert build(*arguments.split()) == 2
    error = capsys.readouterr().err
    assert error.endswith("; see fhnbench dataset build --help\n")
    assert error.count("\n") == 1


@pytest.mark.parametrize("command", ["show", "validate"])
def test_files_that_are_no_dataset(capsys: pytest.CaptureFixture[str], command: str) -> None:
    Path("text.h5").write_text("u0,w0\n")
    assert main(["dataset", command, "missing.h5"]) == 2
    assert capsys.readouterr().err.startswith("Error: missing.h5: No such file or directory; give a dataset")
    assert main(["dataset", command, "text.h5"]) == 2
    assert capsys.readouterr().err.startswith("Error: text.h5: is not an HDF5 file; ")


def test_help_imports_nothing_heavy() -> None:
    code = """
import sys
from fhnbench.__main__ import main
main(["dataset", "build", "--help"])
sys.exit(" ".join({"numba", "h5py", "scipy", "torch", "matplotlib"} & sys.modules.keys()) or 0)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert "--training-step" in result.stdout
