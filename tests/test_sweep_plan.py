"""``fhnbench sweep plan``: the classes, the map, the selection, and the command as a user types it."""

from __future__ import annotations

import itertools
from collections import Counter

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhnbench import FhnbenchError
from fhnbench.__main__ import main
from fhnbench.exit_status import ExitStatus
from fhnbench_sweep.plan import Candidate, Space, decode_plan, encode_plan
from fhnbench_sweep.selection import count, every_architecture, select, share
from fhnbench_sweep.shapes import NAMES, SHAPES, classify, shape_of

SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=6)
SMALL = Space(layers=(1, 3), neurons=(8, 130), activations=("tanh", "sin"))


def meaning(hidden: list[int]) -> str:
    """Return the class of a network by the words of the rules, written apart from the code under test."""
    if len(set(hidden)) == 1:
        return "square"
    if 2 * max(hidden) <= 3 * min(hidden):
        return "rectangle"
    if hidden == sorted(hidden, reverse=True):
        return "funnel"
    half = hidden[: -(-len(hidden) // 2)]
    if hidden == hidden[::-1] and half == sorted(half, reverse=True):
        return "bowtie"
    inside_least = min(hidden) not in (hidden[0], hidden[-1])
    return "bottleneck" if inside_least else "other"


@pytest.mark.parametrize(
    ("hidden", "shape"),
    [
        ([32], "square"),
        ([16, 16, 16], "square"),
        ([24, 16, 24], "rectangle"),
        ([16, 24], "rectangle"),
        ([64, 32, 32, 8], "funnel"),
        ([64, 16], "funnel"),
        ([64, 16, 64], "bowtie"),
        ([64, 16, 16, 64], "bowtie"),
        ([64, 16, 32], "bottleneck"),
        ([32, 64, 8, 64, 32], "bottleneck"),
        ([16, 64], "other"),
        ([16, 64, 16], "other"),
        ([64, 8, 64, 8], "other"),
    ],
)
def test_networks_are_of_the_class_that_one_would_call_them(hidden, shape):
    assert shape_of(hidden) == shape


@given(SIZES)
def test_every_network_is_of_one_class_and_of_that_whose_words_fit(hidden):
    assert shape_of(hidden) == meaning(hidden)


@given(SIZES, st.integers(2, 9))
def test_a_class_is_a_matter_of_ratios(hidden, factor):
    assert shape_of([factor * size for size in hidden]) == shape_of(hidden)


@given(st.lists(SIZES.filter(lambda hidden: len(hidden) == 4), min_size=1, max_size=9))
def test_many_are_classified_as_each(networks):
    assert [NAMES[index] for index in classify(np.array(networks))] == [shape_of(hidden) for hidden in networks]


def test_the_last_class_takes_what_no_other_does():
    assert [shape.name for shape in SHAPES][-1] == "other"
    assert all(shape.rule for shape in SHAPES)


def test_every_architecture_is_mapped_once():
    found = [
        (shape, index, tuple(map(int, row)))
        for (shape, index), groups in every_architecture(SMALL).items()
        for sizes in groups.values()
        for row in sizes
    ]
    every = [
        hidden
        for layers in range(1, 4)
        for hidden in itertools.product(SMALL.widths, repeat=layers)
        if 8 <= sum(hidden) <= 130
    ]
    assert Counter(hidden for *_, hidden in found) == Counter(every)
    for shape, index, hidden in found:
        low, high = SMALL.size_bins[index]
        assert shape == shape_of(hidden)
        assert low <= sum(hidden) <= high


@given(st.integers(8, 300), st.integers(0, 600))
def test_bins_cover_the_sizes_without_gap(low, more):
    bins = Space(neurons=(low, low + more)).size_bins
    assert [size for first, last in bins for size in range(first, last + 1)] == [*range(low, low + more + 1)]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=20), st.data())
def test_shares_are_as_even_as_capacities_allow(capacities, data):
    total = data.draw(st.integers(0, sum(capacities)))
    shares = share(total, capacities, np.random.default_rng(0))
    assert sum(shares) == total
    assert all(0 <= one <= most for one, most in zip(shares, capacities, strict=True))
    not_full = [one for one, most in zip(shares, capacities, strict=True) if one < most]
    assert not not_full or max(shares) <= min(not_full) + 1


@pytest.fixture(scope="module")
def mapped():
    return every_architecture(SMALL)


@pytest.mark.parametrize("candidates", [1, 17, 200, 700])
def test_the_selection_is_even_and_without_repetition(candidates, mapped):
    plan = select("A", SMALL, mapped, candidates, seed=3)
    assert len({(one.hidden, one.activations) for one in plan.candidates}) == candidates
    assert [one.name for one in plan.candidates] == [f"c{index:04}" for index in range(candidates)]
    cells = Counter((one.shape, one.size_bin) for one in plan.candidates)
    not_full = [cells[cell] for cell, groups in mapped.items() if cells[cell] < count(groups, 2)]
    assert max(cells.values()) <= min(not_full) + 1
    for place in range(3):
        used = Counter(one.activations[place] for one in plan.candidates if place < len(one.hidden))
        assert abs(used["tanh"] - used["sin"]) <= 2


def test_layers_share_a_cell(mapped):
    plan = select("A", SMALL, mapped, 300, seed=0)
    layers = Counter(len(one.hidden) for one in plan.candidates if (one.shape, one.size_bin) == ("funnel", 2))
    assert abs(layers[2] - layers[3]) <= 1


def test_all_can_be_selected(mapped):
    space = msgspec.structs.replace(SMALL, layers=(1, 2), neurons=(8, 30))
    few = every_architecture(space)
    everything = sum(count(groups, 2) for groups in few.values())
    plan = select("A", space, few, everything, seed=0)
    assert len({(one.hidden, one.activations) for one in plan.candidates}) == everything
    with pytest.raises(FhnbenchError, match=f"{everything + 1} candidates of {everything} architectures"):
        select("A", space, few, everything + 1, seed=0)


def test_the_seed_decides(mapped):
    one, again, other = (select("A", SMALL, mapped, 40, seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert one.candidates != other.candidates


def test_a_plan_is_read_as_it_was_written_a_line_a_candidate(mapped):
    plan = select("A", SMALL, mapped, 40, seed=1)
    content = encode_plan(plan)
    assert decode_plan(content) == plan
    assert sum('"name"' in line for line in content.decode().splitlines()) == 40


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"shape":"square"', '"shape":"bowtie"', "is of the class square, not bowtie"),
        ('"name":"c0001"', '"name":"c0000"', "c0000 is the name of 2 candidates"),
        ('"size_bin":0', '"size_bin":1', "do not belong to the size bin 1"),
        ('"activations":["', '"activations":["tanh","', "activations for"),
        ("sweep-plan/1", "sweep-plan/9", "this version reads"),
        ('"seed": 1', '"sede": 1', "sede"),
    ],
)
def test_a_plan_that_was_edited_wrongly_is_refused(old, new, message, mapped):
    content = encode_plan(select("A", SMALL, mapped, 40, seed=1)).decode()
    assert old in content
    with pytest.raises(FhnbenchError, match=message):
        decode_plan(content.replace(old, new, 1).encode())


def test_a_candidate_has_layers():
    with pytest.raises(ValueError, match="needs layers"):
        Candidate(name="c", hidden=(), activations=(), shape="square", size_bin=0)


ASKED = ["sweep", "plan", "--problem", "b", "--candidates", "60", "--layers", "1", "3", "--neurons", "8", "130"]


def test_the_command_writes_a_plan_its_picture_and_a_table(tmp_path, capsys):
    target = tmp_path / "plan.json"
    assert main([*ASKED, "-o", str(target)]) == ExitStatus.OK
    shown = capsys.readouterr().out
    plan = decode_plan(target.read_bytes())
    assert plan.problem == "B"
    assert len(plan.candidates) == 60
    assert target.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    unwrapped = " ".join(shown.split())
    for shape in SHAPES:
        assert f"{shape.name}: {shape.rule}" in unwrapped
    assert max(map(len, shown.splitlines()[:12])) <= 100
    again = tmp_path / "again.json"
    assert main([*plan.command.split()[1:], "-o", str(again)]) == ExitStatus.OK
    assert again.read_bytes() == target.read_bytes()
    assert main([*ASKED, "-o", str(target)]) == ExitStatus.USER_ERROR
    assert "--overwrite" in capsys.readouterr().err
    assert main([*ASKED, "-o", str(target), "--overwrite"]) == ExitStatus.OK


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--activations", "tanh,relo"], "no activation 'relo'; did you mean 'relu'"),
        (["--activations", "tanh,sin,tanh"], "tanh is given twice"),
        (["--activations", "identity"], "no activation 'identity'"),
        (["--layers", "3", "2"], "--layers 3 2"),
        (["--neurons", "8", "5"], "--neurons 8 5"),
        (["--neurons", "1", "3"], "60 candidates of 0 architectures"),
        (["--problem", "D"], "no problem 'D'"),
    ],
)
def test_bad_input_is_one_line(arguments, message, tmp_path, capsys):
    assert main([*ASKED, *arguments, "-o", str(tmp_path / "plan.json")]) == ExitStatus.USER_ERROR
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error
    assert not any(tmp_path.iterdir())
