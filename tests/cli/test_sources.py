"""`openitb sources`: every value, and what cannot be looked up looks different."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from openitb import catalogue
from openitb.catalogue import Confidence
from openitb.cli.main import run
from openitb.cli.show import UNSOURCED_MARK, confidence_text

EXAMPLES = Path(__file__).parents[2] / "examples"


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    assert run(["sources", *arguments, "--json"]) == 0
    rows: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return rows


def test_every_fact_of_the_catalogue_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    listed = {(row["kind"], row["entry"], row["name"]) for row in told(capsys)}
    facts = {(kind, entry.entry_id, name) for kind, entry, name, _ in catalogue.load().facts()}
    assert facts <= listed
    assert {entry for kind, entry, _ in listed if kind == "scales"} == set(catalogue.load().scales)


def test_each_row_has_value_unit_source_and_confidence(capsys: pytest.CaptureFixture[str]) -> None:
    for row in told(capsys):
        assert row["value"] != ""
        assert row["unit"]
        assert row["confidence"] in set(Confidence)
        assert bool(row["sources"]) or not row["is_sourced"]


def test_a_filter_keeps_rows_with_all_its_words_in_any_case(capsys: pytest.CaptureFixture[str]) -> None:
    rows = told(capsys, "SynchroMed-II-20 tubing")
    assert {row["name"] for row in rows} == {"tubing_volume", "tubing_volume_legacy"}
    assert [row["value"] for row in rows] == ["0.14", "0.199"]
    assert {row["unit"] for row in rows} == {"mL"}


def test_a_filter_that_matches_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sources", "unobtainium"]) == 2
    assert "filter: got 'unobtainium'" in capsys.readouterr().err


def test_recalled_and_assumed_values_carry_a_mark_and_sourced_ones_do_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["sources", "synchromed-ii-20"]) == 0
    lines = capsys.readouterr().out.splitlines()
    recalled = next(line for line in lines if "highest_flow" in line)
    read = next(line for line in lines if "reservoir_capacity" in line)
    assert f"[{UNSOURCED_MARK} recalled]" in recalled
    assert "[read]" in read
    assert UNSOURCED_MARK not in read


@pytest.mark.parametrize("confidence", list(Confidence))
def test_an_unsourced_confidence_differs_in_word_mark_and_colour(confidence: Confidence) -> None:
    text = confidence_text(confidence)
    assert confidence.value in text.plain
    assert (UNSOURCED_MARK in text.plain) == (not confidence.is_sourced)
    console = Console(force_terminal=True, color_system="truecolor", width=40)
    with console.capture() as capture:
        console.print(text)
    assert ("\x1b[" in capture.get()) == (not confidence.is_sourced)


def test_the_sources_of_a_result_are_those_it_rests_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["simulate", str(EXAMPLES / "first-case.toml"), "--json"]) == 0
    result = tmp_path / "result.json"
    result.write_text(capsys.readouterr().out, encoding="utf-8")
    rows = told(capsys, "--of", str(result))
    entries = {(row["kind"], row["entry"]) for row in rows}
    assert {("pumps", "synchromed-ii-20"), ("body", "typical-adult"), ("body", "well-mixed")} <= entries
    assert not {("body", "poorly-mixed"), ("limits", "child"), ("faults", "F-03")} & entries
    assert sum(kind == "pumps" for kind, _ in entries) == 1


def test_a_value_the_case_sets_itself_is_not_cited(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = (EXAMPLES / "first-case.toml").read_text(encoding="utf-8")
    case = tmp_path / "case.toml"
    case.write_text(
        text.replace("tolerance = 1.0", 'tolerance = 1.0\nleg_ec50 = "100 ng/mL"', 1), encoding="utf-8"
    )
    assert run(["simulate", str(case), "--json"]) == 0
    result = tmp_path / "result.json"
    result.write_text(capsys.readouterr().out, encoding="utf-8")
    assert json.loads(result.read_text(encoding="utf-8"))["summary"]["used"]["own"] == ["leg_ec50"]
    cited = {row["name"] for row in told(capsys, "typical-adult", "--of", str(result))}
    assert "leg_ec50" not in cited
    assert "arm_ec50" in cited


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no json", "is not JSON, expected a result of openitb"),
        ("{}", "names no sources, expected a result with `used`"),
        ("[1]", "names no sources, expected a result with `used`"),
        ('{"used": {"catalogue": [1]}}', "expected a list of names"),
    ],
)
def test_a_file_that_is_no_result_is_refused(
    text: str, message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    result = tmp_path / "result.json"
    result.write_text(text, encoding="utf-8")
    assert run(["sources", "--of", str(result)]) == 2
    told = capsys.readouterr().err
    assert message in " ".join(told.split())


def test_a_result_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sources", "--of", "nowhere.json"]) == 2
    assert "nowhere.json" in capsys.readouterr().err
