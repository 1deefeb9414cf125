"""The trace is true: marks, `Holds:` lines and tables agree with each other and with the pages."""

import json
import re
from pathlib import Path

import pytest

from tools.trace import pages, ratchet, tables
from tools.trace.__main__ import written
from tools.trace.links import Link, code_links, holds_in, mark_links, marks_in
from tools.trace.plugin import MARKS, marked_ids
from tools.trace.results import Outcome, add, read, told

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["docs/requirements.md", "docs/hazards.md", "docs/trace/assurance.json"])
def test_a_generated_file_says_what_tables_code_and_marks_say(name: str) -> None:
    kept = (ROOT / name).read_text(encoding="utf-8")
    assert pages.static(kept) == pages.static(written(pages.trace({}))[name]), "run `make requirements`"


def test_nothing_lacks_a_test_that_is_not_on_the_list() -> None:
    assert ratchet.lacking(mark_links()).beyond(ratchet.read()) == {}


def test_nothing_on_the_list_is_shown_after_all() -> None:
    assert ratchet.read().beyond(ratchet.lacking(mark_links())) == {}, "run `make requirements`"


def test_code_claims_to_hold_known_requirements_only() -> None:
    assert {link.target for link in code_links()} <= set(tables.requirements())


def test_marks_of_tests_name_known_ids_only() -> None:
    known = {"requirement": set(tables.requirements()), "hazard": set(tables.hazards())}
    assert [link for link in mark_links() if link.target not in known[link.kind.split()[0]]] == []


def test_every_requirement_answers_a_hazard_and_every_hazard_a_claim() -> None:
    assert {one for row in tables.hazards().values() for one in row.requirements} == set(
        tables.requirements()
    )
    assert {one for claim in tables.claims() for one in claim.hazards} == set(tables.hazards())


def test_what_is_said_to_be_shown_in_part_has_tests_of_the_other_part() -> None:
    partly = {row.requirement_id for row in tables.requirements().values() if row.lacks}
    assert partly.isdisjoint(ratchet.lacking(mark_links()).requirements)


def test_what_is_not_shown_says_what_it_waits_for_and_nothing_else_does() -> None:
    waiting = {row.requirement_id for row in tables.requirements().values() if row.waits}
    assert waiting == ratchet.lacking(mark_links()).requirements


def test_the_whole_of_the_agreed_tables_is_there() -> None:
    counts = {section.prefix: len(section.rows) for section in tables.sections()}
    last = {"DEL": 19, "BOL": 14, "RES": 11, "PRG": 22, "PAT": 6, "ALM": 14, "BAT": 5, "TIM": 6}
    assert counts == {**last, "SYS": 10, "LOG": 7, "TEL": 14}
    assert {f"INC-{number:02}" for number in range(1, 27)} <= set(tables.hazards())


def test_what_the_reader_finds_is_what_pytest_sees(request: pytest.FixtureRequest) -> None:
    seen = {
        (one, item.nodeid.partition("[")[0])
        for item in request.session.items
        for kind in MARKS
        for mark in item.iter_markers(kind)
        for one in mark.args
    }
    ran = {item.nodeid.partition("[")[0] for item in request.session.items}
    assert seen == {(link.target, link.where) for link in mark_links() if link.where in ran}


def test_holds_lines_are_found_wherever_a_docstring_stands() -> None:
    source = '''"""A module. Holds: DEL-06."""
class Guard:
    """Holds: DEL-07,
    TEL-01."""
    def admits(self):
        """It says BOL-01 and holds nothing."""
'''
    assert list(holds_in(source, "src/guard.py")) == [
        Link("DEL-06", "src/guard.py", "", "holds"),
        Link("DEL-07", "src/guard.py", "Guard", "holds"),
        Link("TEL-01", "src/guard.py", "Guard", "holds"),
    ]


def test_marks_are_found_on_modules_classes_tests_and_parameters() -> None:
    source = """
import pytest
pytestmark = pytest.mark.requirement("DEL-01")
class TestGuard:
    @pytest.mark.hazard("INC-20", without="guard")
    def test_it(self): ...
@pytest.mark.parametrize("rate", [pytest.param(1, marks=pytest.mark.requirement("DEL-03"))])
def test_rate(rate): ...
def helper(): ...
"""
    found = {(link.target, link.name, link.kind) for link in marks_in(source, "tests/test_x.py")}
    assert found == {
        ("DEL-01", "TestGuard::test_it", "requirement"),
        ("INC-20", "TestGuard::test_it", "hazard without"),
        ("DEL-01", "test_rate", "requirement"),
        ("DEL-03", "test_rate", "requirement"),
    }


@pytest.mark.parametrize(
    ("kind", "ids"), [("requirement", ["DEL-99"]), ("hazard", []), ("hazard", ["DEL-01"])]
)
def test_a_mark_with_an_unknown_id_is_an_error(
    kind: str, ids: list[str], request: pytest.FixtureRequest
) -> None:
    item = pytest.Function.from_parent(request.node.parent, name="test_other", callobj=lambda: None)
    item.add_marker(getattr(pytest.mark, kind)(*ids))
    with pytest.raises(tables.TraceError, match="mark names"):
        marked_ids(item)


def test_results_of_several_runs_add_up_and_the_newest_counts(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "results.json"
    add({"a": Outcome("failed", "1"), "b": Outcome("passed", "1")}, path)
    add({"a": Outcome("passed", "2")}, path)
    assert read(path) == {"a": Outcome("passed", "2"), "b": Outcome("passed", "1")}


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        ([], ""),
        (["new"], "not run"),
        (["good"], "passed"),
        (["good", "bad"], "failed"),
        (["good", "new"], "1 of 2 passed"),
    ],
)
def test_a_row_is_as_good_as_its_worst_test(tests: list[str], said: str) -> None:
    assert told(tests, {"good": Outcome("passed", ""), "bad": Outcome("failed", "")}) == said


def test_results_change_no_static_part_of_a_page() -> None:
    ran = {link.where: Outcome("failed", "2030-01-01T00:00:00+00:00") for link in mark_links()}
    with_results, without = written(pages.trace(ran)), written(pages.trace({}))
    page = "docs/requirements.md"
    assert with_results[page] != without[page]
    assert pages.static(with_results[page]) == pages.static(without[page])


def test_losing_a_test_and_showing_a_listed_row_are_both_noticed() -> None:
    marks = mark_links()
    shown = next(link.target for link in marks if link.kind == "requirement")
    fewer = tuple(link for link in marks if link.target != shown)
    assert ratchet.lacking(fewer).beyond(ratchet.lacking(marks)) == {"requirements": [shown]}


def test_a_row_without_a_test_says_so_plainly() -> None:
    nothing = pages.Trace((), (), {})
    assert pages.requirements_page(nothing).count(pages.NONE) == len(tables.requirements())


def test_the_export_names_code_and_tests_that_are_there() -> None:
    export = json.loads((ROOT / "docs/trace/assurance.json").read_text(encoding="utf-8"))
    named = [
        place
        for claim in export["claims"]
        for row in claim["evidence"]
        for place in (*row["code"], *row["tests"])
    ]
    assert named
    assert all((ROOT / re.sub("::.*", "", place)).exists() for place in named)
