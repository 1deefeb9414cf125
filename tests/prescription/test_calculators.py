"""Bedside calculations: the worked cases, invariants, and oracles that reckon another way."""

import json
from dataclasses import fields, replace
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import catalogue, units
from openitb.prescription.answers import Answer
from openitb.prescription.calculators import (
    HOLDS,
    CalculationError,
    FluidPath,
    PrimeQuestion,
    bridge,
    mix,
    path_through,
    prime,
    refill,
    tubing_of_pump,
    tubing_stated,
)

U = units.PG_PER_UG
ML = units.NL_PER_ML
KNOWN = catalogue.load()
PUMP = KNOWN.pump("synchromed-ii-20")
LARGE = KNOWN.pump("synchromed-ii-40")
START = date(2026, 1, 5)
OLDER_PATH = FluidPath(tubing_stated(199_000), Fraction(80), Fraction("0.0022"))
PUMP_PATH = FluidPath(tubing_of_pump(PUMP), Fraction(80), Fraction("0.0022"))
ODD_PATH = FluidPath(tubing_stated(150_000), Fraction(80), Fraction("0.0022"))

strengths = st.sampled_from([500, 1000, 1500, 2000])
doses = st.integers(100, 1500)


def question(tubing: str, catheter: str, path: FluidPath = PUMP_PATH) -> PrimeQuestion:
    return PrimeQuestion(path, 500, tubing, catheter, PUMP, 200 * U)


def test_the_bridge_of_the_worked_case() -> None:
    answer = bridge(OLDER_PATH, 500, 2000, 200 * U)
    assert answer.volume_ml == Fraction("0.375")
    assert answer.dose_ug == Fraction("187.5")
    assert answer.rate_ml_per_day == Fraction("0.4")
    assert answer.duration_h == Fraction("22.5")
    assert answer.then_rate_ml_per_day == Fraction("0.1")


def test_a_forgotten_bridge_upwards_is_a_quarter_of_the_dose_for_days() -> None:
    forgotten = bridge(OLDER_PATH, 500, 2000, 200 * U).if_forgotten
    assert forgotten.dose_ug_per_day == 50
    assert forgotten.duration_h == 90
    assert "withdrawal" in forgotten.text


def test_a_forgotten_bridge_downwards_is_four_times_the_dose_for_a_day() -> None:
    forgotten = bridge(OLDER_PATH, 2000, 500, 200 * U).if_forgotten
    assert forgotten.dose_ug_per_day == 800
    assert forgotten.duration_h == Fraction("22.5")
    assert "overdose" in forgotten.text


@pytest.mark.requirement("BOL-10")
def test_either_tubing_constant_shows_what_the_other_would_do() -> None:
    for path, other_ml in ((OLDER_PATH, "0.140"), (PUMP_PATH, "0.199")):
        other = bridge(path, 500, 2000, 200 * U).other_tubing
        assert other is not None
        assert other.tubing_ml == Fraction(other_ml)
    older = bridge(OLDER_PATH, 500, 2000, 200 * U).other_tubing
    assert older is not None
    assert older.volume_ml == Fraction("0.316")
    assert older.if_other_is_true.dose_ug_per_day == 800
    assert older.if_other_is_true.duration_h == Fraction("3.54")
    assert older.if_other_is_used_wrongly.dose_ug_per_day == 50
    assert older.if_other_is_used_wrongly.duration_h == Fraction("14.16")


def test_a_tubing_that_is_neither_constant_has_no_other() -> None:
    assert bridge(ODD_PATH, 500, 2000, 200 * U).other_tubing is None
    prometra = KNOWN.pump("prometra-ii-20")
    assert tubing_stated(140_000, prometra).other_nl is None


@pytest.mark.requirement("BOL-12")
@given(strengths, strengths, doses)
def test_the_bridge_gives_the_ordered_dose_for_as_long_as_old_drug_lasts(
    old: int, new: int, dose: int
) -> None:
    if old == new:
        return
    answer = bridge(OLDER_PATH, old, new, dose * U)
    assert answer.rate_ml_per_day * old == dose
    assert answer.rate_ml_per_day * answer.duration_h / 24 == answer.volume_ml
    assert answer.dose_ug == dose * answer.duration_h / 24


@pytest.mark.parametrize(
    ("old", "new", "dose", "named"),
    [
        (500, 500, 200, "no bridge is needed"),
        (0, 500, 200, "old-concentration"),
        (500, 5000, 200, "new-concentration: got 5000 µg/mL"),
        (500, 2000, 0, "dose: got 0"),
        (500, 2000, 20_001, "dose: got 20001"),
        (500, 2000, 60, r"dose at the new concentration: got a flow of 0\.03 mL/day"),
    ],
)
def test_a_bridge_that_cannot_be_is_refused(old: int, new: int, dose: int, named: str) -> None:
    with pytest.raises(CalculationError, match=named):
        bridge(OLDER_PATH, old, new, dose * U, PUMP)


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ((1_000_001, 80, "0.0022"), "tubing: got"),
        ((0, 80, "0.0022"), "tubing: got 0 mL"),
        ((199_000, 201, "0.0022"), "catheter-length: got 201 cm"),
        ((199_000, 0, "0.0022"), "catheter-length: got 0 cm"),
        ((199_000, 80, "0.022"), "catheter-volume-per-length"),
    ],
)
def test_a_path_that_cannot_be_is_refused(path: tuple[int, int, str], named: str) -> None:
    volume_nl, length, per_length = path
    with pytest.raises(CalculationError, match=named):
        FluidPath(tubing_stated(volume_nl), Fraction(length), Fraction(per_length))


def test_a_catheter_model_brings_its_volume_per_length_and_its_end() -> None:
    catheter = KNOWN.catheter("flowonix-11823")
    path = path_through(tubing_of_pump(PUMP), catheter, Fraction(100))
    assert path.catheter_ml == Fraction("0.26")
    with pytest.raises(CalculationError, match="expected at most 110 cm"):
        path_through(tubing_of_pump(PUMP), catheter, Fraction(111))


def test_the_refill_of_the_worked_case() -> None:
    answer = refill(20 * ML, 2 * ML, 500, 200 * U, START, PUMP)
    assert answer.days_to_low_reservoir == 45
    assert answer.low_reservoir_date == date(2026, 2, 19)
    assert answer.earliest_low_reservoir_date == date(2026, 2, 13)
    assert answer.refill_by == date(2026, 2, 14)
    assert answer.limited_by == "low-reservoir date less 5 days"
    assert "2026-02-13" in answer.warning


def test_the_larger_pump_lasts_ninety_five_days() -> None:
    assert refill(40 * ML, 2 * ML, 500, 200 * U, START, LARGE).days_to_low_reservoir == 95


@pytest.mark.requirement("RES-03")
@pytest.mark.hazard("HAZ-20")
def test_a_slow_flow_is_limited_by_the_drug_and_the_clinic_not_by_the_reservoir() -> None:
    answer = refill(40 * ML, 2 * ML, 2000, 100 * U, START, LARGE)
    assert answer.low_reservoir_date == START + timedelta(days=760)
    assert answer.refill_by == START + timedelta(days=180)
    assert answer.limited_by == "drug stability, 180 days"


@pytest.mark.requirement("RES-03")
def test_a_refill_date_is_never_before_the_fill() -> None:
    answer = refill(3 * ML, 2 * ML, 500, 500 * U, START, PUMP)
    assert answer.days_to_low_reservoir == 1
    assert answer.refill_by == START


def last_full_day(usable_ml: Fraction, flow: Fraction) -> date:
    """Oracle: use up the reservoir one day at a time."""
    day = START
    while usable_ml >= flow:
        usable_ml, day = usable_ml - flow, day + timedelta(days=1)
    return day


@pytest.mark.requirement("RES-03", "TIM-06")
@given(st.integers(3, 40), strengths, st.integers(150, 2000))
def test_dates_agree_with_using_the_reservoir_up_day_by_day(volume: int, strength: int, dose: int) -> None:
    answer = refill(volume * ML, 2 * ML, strength, dose * U, START, LARGE)
    flow, usable = Fraction(dose, strength), Fraction(volume - 2)
    assert answer.low_reservoir_date == last_full_day(usable, flow)
    assert answer.earliest_low_reservoir_date == last_full_day(usable, flow * Fraction("1.145"))
    assert answer.earliest_low_reservoir_date <= answer.low_reservoir_date
    assert START <= answer.refill_by <= max(START, answer.low_reservoir_date - timedelta(days=5))
    assert answer.refill_by <= START + timedelta(days=180)


@pytest.mark.parametrize(
    ("volume", "alarm", "strength", "dose", "named"),
    [
        (21, 2, 500, 200, "volume: got 21 mL, expected at most 20 mL"),
        (2, 2, 500, 200, "alarm-volume: got 2 mL, expected less than the 2 mL"),
        (20, 2, 5000, 200, "concentration: got 5000"),
        (20, 2, 500, 0, "dose: got 0"),
        (20, 2, 500, 20, r"dose: got a flow of 0\.04 mL/day, expected 0\.048 mL/day to 24 mL/day"),
    ],
)
def test_a_refill_that_cannot_be_is_refused(
    volume: int, alarm: int, strength: int, dose: int, named: str
) -> None:
    with pytest.raises(CalculationError, match=named):
        refill(volume * ML, alarm * ML, strength, dose * U, START, PUMP)


def test_the_end_of_the_calendar_is_refused() -> None:
    with pytest.raises(CalculationError, match="from: got 9999-12-30"):
        refill(20 * ML, 2 * ML, 500, 200 * U, date(9999, 12, 30), PUMP)


def test_the_mixture_of_the_worked_case() -> None:
    answer = mix(1_400_000, 500, 18_600_000, 2000)
    assert answer.concentration_ug_per_ml == 1895
    assert answer.difference_percent == Fraction("-5.25")


def test_the_mixture_the_other_way_round() -> None:
    assert mix(1_400_000, 2000, 18_600_000, 500).concentration_ug_per_ml == 605


@given(st.integers(0, 5 * ML), st.integers(1, 35 * ML), strengths, strengths)
def test_a_mixture_conserves_drug_and_lies_between_its_parts(
    residual: int, added: int, old: int, new: int
) -> None:
    answer = mix(residual, old, added, new)
    assert answer.concentration_ug_per_ml * (residual + added) == residual * old + added * new
    assert min(old, new) <= answer.concentration_ug_per_ml <= max(old, new)


@pytest.mark.parametrize(
    ("given_values", "named"),
    [
        ((ML, 500, 0, 2000), "volume: got 0 mL"),
        ((ML, 500, 40 * ML, 2000), "expected at most 40 mL in all"),
        ((ML, 0, ML, 2000), "old-concentration: got 0"),
        ((ML, 500, ML, 4001), "new-concentration: got 4001"),
    ],
)
def test_a_mixture_that_cannot_be_is_refused(given_values: tuple[int, int, int, int], named: str) -> None:
    with pytest.raises(CalculationError, match=named):
        mix(*given_values)


@pytest.mark.requirement("BOL-10")
@pytest.mark.hazard("INC-02")
@pytest.mark.parametrize(
    ("tubing", "catheter", "volume", "reaches_csf", "gap"),
    [
        ("csf", "csf", "0.316", 0, 0),
        ("empty", "empty", "0.316", 0, 0),
        ("empty", "csf", "0.316", 0, 0),
        ("drug", "csf", "0.176", 0, 0),
        ("drug", "empty", "0.176", 0, 0),
        ("csf", "drug", "0.140", 70, "0.140"),
        ("empty", "drug", "0.140", 70, "0.140"),
        ("drug", "drug", "0", 0, 0),
    ],
)
def test_the_prime_depends_on_what_tubing_and_catheter_hold(
    tubing: str, catheter: str, volume: str, reaches_csf: int, gap: str | int
) -> None:
    answer = prime(question(tubing, catheter))
    assert answer.volume_ml == Fraction(volume)
    assert answer.csf_dose_ug == reaches_csf
    assert answer.without_drug_ml == Fraction(gap)
    assert answer.dose_ug == Fraction(volume) * 500


def test_a_prime_of_the_whole_path_takes_nineteen_minutes_at_the_pumps_top_rate() -> None:
    answer = prime(question("csf", "csf"))
    assert answer.duration_min == Fraction("18.96")
    assert any(
        note.name.endswith("highest_flow") and not note.confidence.is_sourced for note in answer.sources
    )


def test_a_wrong_answer_is_a_bolus_or_hours_without_drug() -> None:
    wrong = {(w.tubing_holds, w.catheter_holds): w for w in prime(question("csf", "csf")).if_wrong}
    assert wrong["drug", "drug"].csf_dose_ug == 158
    assert wrong["drug", "csf"].csf_dose_ug == 70
    assert wrong["csf", "drug"].csf_dose_ug == 88
    nothing_primed = {(w.tubing_holds, w.catheter_holds): w for w in prime(question("drug", "drug")).if_wrong}
    missed = nothing_primed["no drug", "no drug"]
    assert missed.csf_dose_ug == 0
    assert missed.without_drug_h == Fraction("18.96")


def test_without_a_daily_dose_a_gap_is_a_volume_and_no_hours() -> None:
    answer = prime(replace(question("csf", "drug"), dose_pg_per_day=None))
    assert answer.without_drug_ml == Fraction("0.140")
    assert answer.without_drug_h is None


@pytest.mark.requirement("BOL-10")
@pytest.mark.hazard("INC-02", without="the tubing constant of the model itself")
def test_the_older_tubing_constant_primes_a_bolus_where_the_newer_is_right() -> None:
    other = prime(question("csf", "csf")).other_tubing
    assert other is not None
    assert other.volume_ml == Fraction("0.375")
    assert other.if_other_is_used_wrongly.csf_dose_ug == Fraction("29.5")
    assert other.if_other_is_true.without_drug_ml == Fraction("0.059")


def pushed_by_cells(
    path: FluidPath, volume_ml: Fraction, tubing: bool, catheter: bool
) -> tuple[Fraction, Fraction]:
    """Oracle: the path as a queue of single microlitres, tip first."""
    per_ml = 1000
    queue = [catheter] * round(path.catheter_ml * per_ml) + [tubing] * round(path.tubing_ml * per_ml)
    out = []
    for _ in range(round(volume_ml * per_ml)):
        out.append(queue.pop(0))
        queue.append(True)
    return Fraction(out.count(True), per_ml), Fraction(queue.count(False), per_ml)


@pytest.mark.requirement("BOL-10")
@given(st.integers(10, 400), st.integers(10, 120), st.sampled_from(HOLDS), st.sampled_from(HOLDS))
def test_priming_agrees_with_pushing_single_microlitres(
    tubing_ul: int, length_cm: int, tubing: str, catheter: str
) -> None:
    path = FluidPath(tubing_stated(tubing_ul * 1000), Fraction(length_cm), Fraction("0.002"))
    answer = prime(question(tubing, catheter, path))
    assert answer.volume_ml in {0, path.tubing_ml, path.catheter_ml, path.volume_ml}
    drug, gap = pushed_by_cells(path, answer.volume_ml, tubing == "drug", catheter == "drug")
    assert (answer.csf_dose_ug, answer.without_drug_ml) == (drug * 500, gap)
    states = {(w.csf_dose_ug, w.without_drug_ml) for w in answer.if_wrong}
    wrong = {(True, True), (True, False), (False, True), (False, False)} - {
        (tubing == "drug", catheter == "drug")
    }
    expected = (pushed_by_cells(path, answer.volume_ml, *state) for state in wrong)
    assert states == {(drug * 500, gap) for drug, gap in expected}


@pytest.mark.requirement("BOL-11")
@pytest.mark.parametrize(
    ("tubing", "catheter", "field"), [("unknown", "csf", "tubing"), ("csf", "?", "catheter")]
)
def test_an_unknown_content_is_refused_with_what_is_at_stake(tubing: str, catheter: str, field: str) -> None:
    with pytest.raises(CalculationError) as refusal:
        prime(question(tubing, catheter))
    message = str(refusal.value)
    assert message.startswith(f"{field}-holds: got")
    assert "158 µg as a bolus" in message
    assert "\n" not in message


ANSWERS = [
    refill(20 * ML, 2 * ML, 500, 200 * U, START, PUMP),
    bridge(PUMP_PATH, 500, 2000, 200 * U),
    prime(question("csf", "drug")),
    mix(1_400_000, 500, 18_600_000, 2000),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: type(answer).__name__)
def test_every_answer_shows_its_work_and_its_sources(answer: Answer) -> None:
    assert answer.steps
    assert answer.sources
    for note in answer.sources:
        assert note.citations or not note.confidence.is_sourced


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: type(answer).__name__)
def test_the_json_of_an_answer_has_its_fields_as_keys_whatever_the_micro_sign(answer: Answer) -> None:
    plain, clinic = (json.loads(json.dumps(answer.to_json(micro))) for micro in ("ug", "mcg"))
    assert set(plain) == set(clinic) == {field.name for field in fields(answer)}
    assert "ug" not in str(plain["steps"]) or "mcg" in str(clinic["steps"])


def test_json_numbers_are_the_exact_decimals_of_the_worked_case() -> None:
    plain = bridge(OLDER_PATH, 500, 2000, 200 * U).to_json()
    assert [plain[key] for key in ("volume_ml", "dose_ug", "rate_ml_per_day", "duration_h")] == [
        0.375,
        187.5,
        0.4,
        22.5,
    ]
