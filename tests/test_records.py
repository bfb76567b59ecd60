"""The record of a run: round trip, schema, and what is refused."""

import json

import msgspec
import pytest

from fhnbench.results.record import Row, RunRecord
from fhnbench.results.store import RUN_FILE, InvalidRecord, encode, read_record, write_record
from records import record, row

EXAMPLE = record(
    row("euler-cpu", 3e-3, 8e-3),
    row("ddnn-cpu", 0.4, 1e-2, "surrogate", notes=("a remark",)),
    Row("euler-cuda", "solver", "unavailable", "no device"),
)


def test_round_trip(tmp_path):
    write_record(tmp_path, EXAMPLE)
    assert read_record(tmp_path) == EXAMPLE
    assert read_record(tmp_path / RUN_FILE) == EXAMPLE


def test_json_has_the_promised_keys():
    data = json.loads(encode(EXAMPLE))
    assert data["schema"] == "fhnbench.run/1"
    assert {"environment", "problem", "dataset", "rows"} <= set(data)
    ran = data["rows"][0]
    assert set(ran["accuracy"]) >= {"mae", "rmse", "p999", "max", "spike_time_mae"}
    assert set(ran["resident"]) == set(ran["end_to_end"]) == {"median_s", "low_s", "high_s", "samples"}
    assert set(ran["cost"]) == {"operations", "bytes"}
    assert set(ran["effective"]) == {"device", "precision"}
    keys = {"contender", "kind", "status", "reason", "converged", "prepare_s", "throughput", "roofline_fraction"}
    assert keys <= set(ran)


def test_published_schema_is_that_of_the_code_and_fits_a_record(pytestconfig):
    jsonschema = pytest.importorskip("jsonschema")
    published = json.loads((pytestconfig.rootpath / "results" / "run.schema.json").read_text())
    assert published == json.loads(json.dumps(msgspec.json.schema(RunRecord)))
    jsonschema.validate(json.loads(encode(EXAMPLE)), published)


def test_writing_replaces_whole_files_and_leaves_nothing_else(tmp_path):
    write_record(tmp_path, EXAMPLE)
    write_record(tmp_path, record())
    assert read_record(tmp_path).rows == ()
    assert [path.name for path in tmp_path.iterdir()] == [RUN_FILE]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not a run record"),
        (encode(EXAMPLE)[:-200], "not a run record"),
        ("[]", "not a run record"),
        ('{"schema": "fhnbench.run/99"}', "this version reads 'fhnbench.run/1'"),
        ("{}", "schema None"),
        (encode(EXAMPLE).replace('"status": "ran"', '"status": "flew"'), r"\$\.rows\[0\]\.status"),
        (encode(EXAMPLE).replace('"prepare_s": 1.5', '"prepare_s": "soon"'), r"\$\.rows\[0\]\.prepare_s"),
    ],
)
def test_what_is_no_record_is_refused_by_name(tmp_path, content, message):
    (tmp_path / RUN_FILE).write_text(content)
    with pytest.raises(InvalidRecord, match=rf"{RUN_FILE}.*{message}"):
        read_record(tmp_path)


def test_missing_record_is_refused_by_name(tmp_path):
    with pytest.raises(InvalidRecord, match=r"a run.s folder holds run\.json"):
        read_record(tmp_path)
