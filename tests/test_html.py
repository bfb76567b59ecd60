"""The HTML report: it says what the table says, needs nothing else, and no text of a third party becomes markup."""

import re
from html.parser import HTMLParser

import msgspec
import pytest

from fhnbench.exit_status import ExitStatus
from fhnbench.report.html import html_report
from fhnbench.report.result import result_of
from fhnbench.results.record import Block, Row
from fhnbench.results.store import write_record
from records import record, row, with_profile

HOSTILE = "net-cpu[x=<img src=x onerror=alert(1)>,y=$\\frac{$,z=</script><script>alert(2)</script>]"
DISTURBED = (Block(0, 0.1, 1, 1e-4, 3e-3, 1e-5, 0.0), Block(1, 0.2, 1, 1e-4, 9e-3, 1e-5, 0.0, disturbed="other load"))
EXAMPLE = record(
    with_profile(row("rk4-cpu", 5e-3, 5e-4, audits=("same_output", "fresh_input"))),
    with_profile(row("euler-cpu[dt=0.05,precision=float64]", 3e-3, 8e-3)),
    with_profile(row(HOSTILE, 0.4, 1e-2, "surrogate", notes=("<b>bold</b> & 'quoted'",))),
    Row("euler-cuda", "solver", "unavailable", "needs <a href='https://example.org'>this</a>"),
)


class Page(HTMLParser):
    """All elements with their attributes, and all text outside scripts and style."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self.ids = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_data(self, data):
        if self.elements and self.elements[-1][0] not in {"script", "style"}:
            self.texts.append(data)

    @property
    def text(self):
        return " ".join("".join(self.texts).split())


@pytest.fixture(scope="module")
def content():
    return html_report([("results/one", EXAMPLE)])


@pytest.fixture(scope="module")
def page(content):
    return Page(content)


def test_says_what_the_table_says(page):
    result = result_of(EXAMPLE)
    for sentence in result.verdict:
        assert sentence in page.text
    for line in result.lines:
        for cell in filter(None, line.cells):
            assert cell in page.text
    for note in result.footnotes:
        assert note.text in page.text


def test_tells_which_audits_were_passed(page):
    assert "rk4-cpusame_output, fresh_input" in page.text  # a term and its definition
    assert "none is recorded" in page.text


def test_needs_no_other_file(page):
    for _, attributes in page.elements:
        for name in ("src", "href", "xlink:href"):
            assert attributes.get(name, "#").startswith(("#", "data:"))
    assert not {"link", "iframe", "object", "embed"} & {tag for tag, _ in page.elements}


def test_text_of_third_parties_does_not_become_markup(page, content):
    tags = [tag for tag, _ in page.elements]
    assert tags.count("script") == 1
    assert "img" not in tags
    assert "b" not in tags
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert HOSTILE in page.text
    assert re.search(r"script-src 'sha256-[\w+/=]{44}'", content)


def test_many_claims_are_folded_and_the_winner_comes_first():
    quick = [row("euler-cpu", 1e-2, 1e-2), *(row(f"net{i}-cpu", 3e-3 * (i + 1), 1e-2, "surrogate") for i in range(9))]
    text = Page(html_report([("one", record(*quick))])).text
    assert "3 more" in text
    assert text.index("faster net0-cpu") < text.index("slower net4-cpu") < text.index("3 more")


def test_ids_are_unique_and_links_lead_somewhere(page):
    assert len(page.ids) == len(set(page.ids))
    targets = [attributes["href"][1:] for tag, attributes in page.elements if tag == "a"]
    assert targets
    assert set(targets) <= set(page.ids)


def test_every_contender_that_ran_has_a_mark_in_every_kind_of_picture(page):
    marks = [attributes["data-row"] for tag, attributes in page.elements if tag == "g" and "data-row" in attributes]
    for one in EXAMPLE.rows[:3]:
        assert marks.count(one.contender) >= 12
    tips = [attributes["data-tip"] for _, attributes in page.elements if "data-tip" in attributes]
    assert any(tip.startswith("rk4-cpu\nMAE 5.00e-4") for tip in tips)


def test_several_runs_have_an_overview_and_a_section_each(tmp_path, command_line):
    plain = record(row("euler-cpu", 3e-3, 8e-3), Row("hang", "solver", "timed_out", "no answer"), complete=False)
    disturbed = msgspec.structs.replace(row("euler-cpu", 3e-3, 8e-3), blocks=DISTURBED)
    for name, one in (("a", plain), ("b", record()), ("c", record(disturbed))):
        write_record(tmp_path / name, one)
    output = tmp_path / "report.html"
    done = command_line("report", *(str(tmp_path / name) for name in "abc"), "-o", str(output))
    assert done.returncode == ExitStatus.OK, done.stderr
    page = Page(output.read_text())
    assert {"overview", "run-1", "run-2", "run-3"} <= set(page.ids)
    assert "The run is not complete" in page.text
    assert "No surrogate was measured" in page.text


def test_a_folder_without_a_run_is_refused_in_one_line(tmp_path, command_line):
    done = command_line("report", str(tmp_path))
    assert done.returncode == ExitStatus.USER_ERROR
    assert done.stderr.count("\n") == 1
    assert "run.json" in done.stderr
