"""The bedside calculations as a person or a program calls them."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from openitb.cli.main import run

REFILL = {
    "--volume": "20 mL",
    "--alarm-volume": "2 mL",
    "--concentration": "500 ug/mL",
    "--dose": "200 ug/day",
    "--from": "2026-01-05",
}
BRIDGE = {
    "--tubing": "0.199 mL",
    "--catheter-length": "80 cm",
    "--catheter-volume-per-length": "0.0022 mL/cm",
    "--old-concentration": "500 ug/mL",
    "--new-concentration": "2000 ug/mL",
    "--dose": "200 ug/day",
}
PRIME = {
    "--tubing": "0.140 mL",
    "--catheter-length": "80 cm",
    "--catheter-volume-per-length": "0.0022 mL/cm",
    "--concentration": "500 ug/mL",
    "--tubing-holds": "csf",
    "--catheter-holds": "csf",
}
MIX = {
    "--residual": "1.4 mL",
    "--old-concentration": "500 ug/mL",
    "--volume": "18.6 mL",
    "--new-concentration": "2000 ug/mL",
}
START = {"--effective-bolus": "50 ug", "--effect-duration": "6 h"}
TITRATE = {"--dose": "200 ug/day", "--origin": "spinal", "--age": "45 years", "--phase": "titration"}

Options = Mapping[str, str | None]


def line(verb: str, options: Options, **changed: str | None) -> list[str]:
    """A command line, with some options changed and those set to None left out."""
    merged = {**options, **{f"--{name.replace('_', '-')}": value for name, value in changed.items()}}
    return [
        "calc",
        verb,
        *(part for name, value in merged.items() if value is not None for part in (name, value)),
    ]


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    def ask(verb: str, options: Options, **changed: str | None) -> dict[str, Any]:
        assert run([*line(verb, options, **changed), "--json"]) == 0
        told: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert told["steps"]
        assert told["sources"]
        return told

    return ask


@pytest.fixture
def refusal(capsys: pytest.CaptureFixture[str]) -> Callable[[list[str]], str]:
    def ask(arguments: list[str]) -> str:
        assert run(arguments) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.count("\n") == 1
        return printed.err.strip()

    return ask


def test_refill(answer: Callable[..., dict[str, Any]]) -> None:
    told = answer("refill", REFILL)
    assert told["days_to_low_reservoir"] == 45
    assert told["low_reservoir_date"] == "2026-02-19"
    assert told["earliest_low_reservoir_date"] == "2026-02-13"
    assert told["refill_by"] == "2026-02-14"


def test_refill_of_a_volume_only_the_larger_pump_holds(answer: Callable[..., dict[str, Any]]) -> None:
    assert answer("refill", REFILL, volume="40 mL")["days_to_low_reservoir"] == 95


def test_bridge(answer: Callable[..., dict[str, Any]]) -> None:
    told = answer("bridge", BRIDGE)
    keys = ("volume_ml", "dose_ug", "rate_ml_per_day", "duration_h")
    assert [told[key] for key in keys] == [0.375, 187.5, 0.4, 22.5]
    assert told["other_tubing"]["volume_ml"] == 0.316


def test_bridge_takes_tubing_and_catheter_from_the_catalogue(answer: Callable[..., dict[str, Any]]) -> None:
    models = {
        "tubing": None,
        "catheter_volume_per_length": None,
        "pump": "synchromed-ii-20",
        "catheter": "ascenda-8780",
    }
    told = answer("bridge", BRIDGE, **models)
    assert told["volume_ml"] == 0.316
    assert told["other_tubing"]["volume_ml"] == 0.375


def test_prime(answer: Callable[..., dict[str, Any]]) -> None:
    told = answer("prime", PRIME)
    assert [told[key] for key in ("volume_ml", "duration_min", "dose_ug")] == [0.316, 18.96, 158]
    assert told["csf_dose_ug"] == 0
    assert {wrong["csf_dose_ug"] for wrong in told["if_wrong"]} == {158, 70, 88}


def test_mix(answer: Callable[..., dict[str, Any]]) -> None:
    assert answer("mix", MIX)["concentration_ug_per_ml"] == 1895


def test_start_dose(answer: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    assert answer("start-dose", START)["dose_ug_per_day"] == 100
    assert answer("start-dose", START, effect_duration="9 h")["dose_ug_per_day"] == 50
    assert run([*line("start-dose", START), "--adverse-reaction", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["dose_ug_per_day"] == 50


def test_titrate(answer: Callable[..., dict[str, Any]]) -> None:
    told = answer("titrate", TITRATE)
    assert (told["low_ug_per_day"], told["high_ug_per_day"]) == (220, 260)
    for age in ("10", "10 years", "120 months"):
        told = answer("titrate", TITRATE, age=age)
        assert (told["low_ug_per_day"], told["high_ug_per_day"]) == (210, 230)
    told = answer("titrate", TITRATE, phase="first-24h")
    assert told["low_ug_per_day"] == told["high_ug_per_day"] == 200


@pytest.mark.parametrize("dose", ["200 mcg/day", "200 µg/day", "0.2 mg/day", "200 ug/d"])
def test_every_spelling_of_a_dose_gives_the_same_answer(
    answer: Callable[..., dict[str, Any]], dose: str
) -> None:
    assert answer("bridge", BRIDGE, dose=dose) == answer("bridge", BRIDGE)


def test_the_clinic_chooses_its_micro_sign_by_option_or_setting(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def printed(*extra: str) -> str:
        assert run([*line("bridge", BRIDGE), *extra]) == 0
        return capsys.readouterr().out

    assert "187.5 µg" in printed()
    assert "187.5 mcg" in printed("--micro", "mcg")
    monkeypatch.setenv("OPENITB_MICRO", "mcg")
    assert "187.5 mcg" in printed()
    assert "µg" not in printed()
    assert "187.5 µg" in printed("--micro", "ug")


def test_json_keys_do_not_change_with_the_micro_sign(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*line("bridge", BRIDGE), "--json", "--micro", "mcg"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["dose_ug"] == 187.5
    assert any("mcg/mL" in step["text"] for step in told["steps"])


def test_the_readable_answer_shows_work_sources_and_what_is_only_recalled(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(line("prime", PRIME)) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "path = tubing 0.14 mL + catheter 80 cm × 0.0022 mL/cm = 0.316 mL" in printed
    assert "highest_flow 24 mL/day (⚠ recalled)" in printed
    assert "158 µg goes into the CSF at once as a bolus" in printed


BAD = [
    ("refill", REFILL, {"dose": "200"}, "--dose: got '200' (the unit is missing)"),
    ("refill", REFILL, {"dose": "8 ug/h"}, "--dose: got 8 ug/h, expected a value per day"),
    (
        "refill",
        REFILL,
        {"dose": "200 mL/day"},
        "--dose: got '200 mL/day', expected a unit that converts to ug/day",
    ),
    ("refill", REFILL, {"dose": "-200 ug/day"}, "--dose: got -200 ug/day, expected at least 0"),
    ("refill", REFILL, {"dose": "nan ug/day"}, "--dose: got 'nan ug/day', expected a number"),
    ("refill", REFILL, {"dose": "200 mg/day"}, "dose: got 200000 µg/day, expected above 0 to 20000"),
    ("refill", REFILL, {"dose": None}, "--dose: missing, expected a daily dose"),
    ("refill", REFILL, {"volume": "400 mL"}, "volume: got 400 mL, expected at most 40 mL"),
    ("refill", REFILL, {"volume": "20 mL", "pump": "foo"}, "--pump: got 'foo', expected one of"),
    ("refill", REFILL, {"volume": "30 mL", "pump": "synchromed-ii-20"}, "expected at most 20 mL"),
    ("refill", REFILL, {"concentration": "500 mg/mL"}, "--concentration: got 500 mg/mL, expected at most"),
    ("refill", REFILL, {"alarm_volume": "20 mL"}, "alarm-volume: got 20 mL, expected less than"),
    (
        "refill",
        REFILL,
        {"from": "05.01.2026"},
        "--from: got '05.01.2026', expected a date such as 2026-01-05",
    ),
    ("refill", REFILL, {"from": "2026-02-30"}, "--from: got '2026-02-30'"),
    ("refill", REFILL, {"micro": "mg"}, "--micro: got 'mg', expected one of 'ug', 'mcg'"),
    ("bridge", BRIDGE, {"tubing": None}, "--tubing: missing, expected a volume"),
    ("bridge", BRIDGE, {"catheter_volume_per_length": None}, "--catheter-volume-per-length: missing"),
    ("bridge", BRIDGE, {"catheter_length": "80 mL"}, "--catheter-length: got '80 mL'"),
    ("bridge", BRIDGE, {"catheter_length": "8 m"}, "catheter-length: got 800 cm, expected above 0 to 200 cm"),
    ("bridge", BRIDGE, {"catheter": "hose"}, "--catheter: got 'hose', expected one of"),
    ("bridge", BRIDGE, {"new_concentration": "500 ug/mL"}, "no bridge is needed"),
    ("prime", PRIME, {"tubing_holds": "unknown"}, "tubing-holds: got 'unknown', expected drug, csf or empty"),
    ("prime", PRIME, {"catheter_holds": None}, "--catheter-holds: missing, expected drug, csf or empty"),
    ("mix", MIX, {"volume": "0 mL"}, "volume: got 0 mL"),
    ("mix", MIX, {"residual": "1.4"}, "--residual: got '1.4' (the unit is missing)"),
    (
        "start-dose",
        START,
        {"effective_bolus": "5000 ug"},
        "effective-bolus: got 5000 ug, expected 0 to 200 ug",
    ),
    ("start-dose", START, {"effect_duration": "6"}, "--effect-duration: got '6' (the unit is missing)"),
    ("titrate", TITRATE, {"origin": "brain"}, "--origin: got 'brain', expected one of 'spinal', 'cerebral'"),
    ("titrate", TITRATE, {"phase": "later"}, "--phase: got 'later', expected one of 'first-24h'"),
    ("titrate", TITRATE, {"age": "400 years"}, "age: got 400 year, expected 0 to 120 year"),
    ("titrate", TITRATE, {"age": "old"}, "--age: got 'old', expected a number"),
    ("titrate", TITRATE, {"age": "-3 years"}, "--age: got -3 years, expected at least 0"),
]


@pytest.mark.parametrize(("verb", "options", "changed", "named"), BAD)
@pytest.mark.parametrize("extra", [[], ["--json"]], ids=["readable", "json"])
def test_bad_input_is_one_line_on_stderr_and_status_2(
    refusal: Callable[[list[str]], str],
    verb: str,
    options: Options,
    changed: dict[str, str | None],
    named: str,
    extra: list[str],
) -> None:
    assert named in refusal([*line(verb, options, **changed), *extra])


def test_a_value_cut_off_from_its_unit_is_explained(refusal: Callable[[list[str]], str]) -> None:
    arguments = [*line("mix", MIX, residual="1.4"), "mL"]
    assert "a value and its unit are one argument" in refusal(arguments)
