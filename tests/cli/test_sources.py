"""`openitb sources`: every value, and what cannot be looked up looks different."""

import json

import pytest
from rich.console import Console

from openitb import catalogue
from openitb.catalogue import Confidence
from openitb.cli.main import run
from openitb.cli.show import UNSOURCED_MARK, confidence_text


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
