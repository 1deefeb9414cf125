"""`openitb twin`."""

import json
from pathlib import Path

import pytest

from openitb.cli.main import run

EXAMPLE = Path(__file__).parents[2] / "examples" / "twin" / "effect-lost.toml"
RECORD = str(EXAMPLE)


def test_probabilities_numbers_and_course_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["twin", RECORD, "--assume", "well_mixed", "--dose", "115 ug/day"]) == 0
    printed = capsys.readouterr().out
    for said in (
        "catheter fault",
        "99",
        "EC50, legs",
        "shrinkage",
        "residual error",
        "Pareto k",
        "115 µg/day",
    ):
        assert said in printed
    assert "Not a medical device" in printed


def test_json_holds_everything_and_is_the_same_for_the_same_seed(capsys: pytest.CaptureFixture[str]) -> None:
    told = []
    for _ in range(2):
        assert run(["twin", RECORD, "--json", "--seed", "3"]) == 0
        told.append(json.loads(capsys.readouterr().out))
    assert told[0] == told[1]
    assert told[0]["probabilities"]["catheter fault"] > 0.9
    assert {"estimates", "residuals", "trust", "course", "dispersions", "since_ms"} <= set(told[0])
    assert told[0]["course"]["gate"] is None


def test_beliefs_after_each_visit_and_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "twin.png"
    assert (
        run(["twin", RECORD, "--assume", "well_mixed", "--visits", "--ahead", "2", "--plot", str(picture)])
        == 0
    )
    assert "After each visit" in capsys.readouterr().out
    assert picture.stat().st_size > 10_000


def test_what_the_gate_says_of_an_order_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["twin", RECORD, "--assume", "well_mixed", "--dose", "150 ug/day"]) == 0
    assert "gate order.dose" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.toml"], "record file: cannot read 'nowhere.toml'"),
        ([RECORD, "--dose", "120"], "--dose: got '120'"),
        ([RECORD, "--dose", "9 ug/day"], "order"),
        ([RECORD, "--order", "mode"], "--order: got 'mode', expected a table"),
        ([RECORD, "--order", "{mode = 'sometimes'}"], "--order.mode: got 'sometimes'"),
        ([RECORD, "--order", "{mode = 'stopped'}", "--dose", "1 ug/day"], "--order: got one beside --dose"),
        (
            [RECORD, "--assume", "stirred"],
            "--assume: got 'stirred', expected one of well_mixed, poorly_mixed",
        ),
        ([RECORD, "--ahead", "0"], "ahead: got 0 days, expected 1 to 366 days"),
        ([RECORD, "--seed", "-1"], "seed: got -1"),
        ([RECORD, "--plot", "picture.txt"], "--plot: got 'picture.txt'"),
        ([RECORD, "--plot", "/nowhere/at/all.png"], "--plot: cannot write '/nowhere/at/all.png'"),
    ],
)
def test_bad_input_is_refused_in_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["twin", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert said in printed.err
