"""Boluses pass the one gate: each as one dose, and as what it adds to 24 h."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import catalogue, units
from openitb.prescription import OrderError, Periodic, SimpleContinuous
from openitb.prescription.boluses import PatientBolus, SingleBolus, adjusted, bolus_volume_nl
from openitb.prescription.guardrails import Finding, GateRequest, PatientLimits, Verdict, check

U = units.PG_PER_UG
DAY, HOUR, MINUTE = units.MS_PER_DAY, units.MS_PER_H, units.MS_PER_MIN
PUMP = catalogue.load().pump("synchromed-ii-20")
SPINAL = PatientLimits("spinal", 45.0)
CAPPED = replace(SPINAL, cap_pg_per_day=500 * U)
SIMPLE = SimpleContinuous(400 * U)
NOW = 1_767_600_000_000


def judged(
    bolus: SingleBolus | PatientBolus | None = None,
    order: object = SIMPLE,
    patient: PatientLimits = SPINAL,
    last_bolus_ug: int | None = None,
    last_ug: int | None = 400,
) -> Verdict:
    last = None if last_ug is None else last_ug * U
    last_bolus = None if last_bolus_ug is None else last_bolus_ug * U
    return check(GateRequest(order, 500, PUMP, patient, last, None, NOW, False, bolus, last_bolus))


def single(ug: int, duration_ms: int = 30 * MINUTE) -> SingleBolus:
    return SingleBolus(ug * U, duration_ms)


def on_request(ug: int, most: int, lockout_ms: int = 2 * HOUR) -> PatientBolus:
    return PatientBolus(ug * U, 15 * MINUTE, lockout_ms, most)


def rules(verdict: Verdict, level: str | None = None) -> set[str]:
    return {finding.rule for finding in verdict.findings if level in (None, finding.level)}


def the(verdict: Verdict, rule: str) -> Finding:
    return next(finding for finding in verdict.findings if finding.rule == rule)


def test_a_usual_bolus_is_accepted() -> None:
    assert judged(single(20)).outcome == "accepted"


@pytest.mark.parametrize(("ug", "asked"), [(120, False), (121, True)])
def test_a_bolus_that_raises_the_day_by_more_than_a_step_needs_a_reason(ug: int, asked: bool) -> None:
    verdict = judged(single(ug))  # 30 % of 400
    assert ("bolus-24-h-total" in rules(verdict, "soft")) == asked


@pytest.mark.parametrize(("bolus", "refused"), [(single(100), False), (single(101), True)])
def test_no_24_hours_above_the_patients_cap(bolus: SingleBolus, refused: bool) -> None:
    verdict = judged(bolus, patient=CAPPED)
    assert ("patient-cap" in rules(verdict, "hard")) == refused


@pytest.mark.parametrize(
    ("bolus", "refused"),
    [
        (on_request(10, 10), False),
        (on_request(10, 11), True),
        (on_request(10, 24, lockout_ms=3 * HOUR), False),  # the lock-out allows eight
        (on_request(10, 24, lockout_ms=2 * HOUR), True),  # twelve
    ],
)
def test_every_bolus_a_patient_may_ask_for_counts_against_the_cap(bolus: PatientBolus, refused: bool) -> None:
    verdict = judged(bolus, patient=CAPPED)
    assert ("patient-cap" in rules(verdict, "hard")) == refused


@given(
    dose=st.integers(1, 200),
    lockout=st.integers(15, 1440).map(lambda minutes: minutes * MINUTE),
    most=st.integers(1, 24),
)
def test_the_most_in_a_day_is_what_pressing_at_every_chance_gives(dose: int, lockout: int, most: int) -> None:
    bolus = PatientBolus(dose * U, 15 * MINUTE, lockout, most)
    begun: list[int] = []
    for at in range(0, 2 * DAY, MINUTE):
        recent = [other for other in begun if at - other < DAY]
        if len(recent) < most and (not begun or at - begun[-1] >= lockout):
            begun.append(at)
    windows = [sum(at <= other < at + DAY for other in begun) for at in begun]
    assert bolus.most_pg_in_day == max(windows) * dose * U


@pytest.mark.parametrize("bolus", [single(201), on_request(201, 1)])
def test_a_dose_beyond_anything_plausible_is_refused(bolus: SingleBolus | PatientBolus) -> None:
    assert "implausible-bolus" in rules(judged(bolus), "hard")


def test_a_periodic_dose_beyond_anything_plausible_is_refused() -> None:
    assert "implausible-bolus" in rules(judged(order=Periodic(201 * U, HOUR, 12 * HOUR)), "hard")


def test_a_bolus_faster_than_the_pump_is_refused() -> None:
    # 20 µg are 40 µL; 1 mL/h moves them in 2.4 minutes
    assert "bolus-flow-high" not in rules(judged(single(20, 144_000)))
    refused = the(judged(single(20, 143_999)), "bolus-flow-high")
    assert refused.level == "hard"
    assert refused.sources == ()  # the highest flow itself is recalled


@pytest.mark.requirement("PRG-05")
@pytest.mark.parametrize(("ug", "asked"), [(49, False), (50, True), (99, True)])
def test_ten_times_the_last_bolus_is_asked_about(ug: int, asked: bool) -> None:
    assert ("ten-fold-bolus" in rules(judged(single(ug), last_bolus_ug=5), "soft")) == asked


@pytest.mark.requirement("PRG-05")
def test_a_whole_day_at_once_is_asked_about() -> None:
    daily = SimpleContinuous(100 * U)
    assert "bolus-of-a-day" in rules(judged(single(100), daily, last_ug=100), "soft")
    assert "bolus-of-a-day" not in rules(judged(single(99), daily, last_ug=100))


def test_above_a_milligram_in_24_hours_is_asked_about() -> None:
    assert "limited-experience" in rules(judged(single(60), SimpleContinuous(950 * U), last_ug=950), "soft")


def test_to_allow_boluses_on_request_at_all_needs_a_reason() -> None:
    finding = the(judged(on_request(5, 2)), "patient-bolus")
    assert (finding.level, finding.sources) == ("soft", ("prometra-controller-guide",))
    assert "again after 2 h, at most 2 in 24 h" in finding.message


# --- periodic orders ------------------------------------------------------------------------------


@pytest.mark.requirement("PRG-05")
def test_six_minutes_for_six_hours_is_stopped_by_the_day_and_asked_about_by_the_interval() -> None:
    """The recall of 2004 (INC-01): 20 µg every 6 h entered as every 6 min."""
    meant = Periodic(20 * U, 3 * MINUTE, 6 * HOUR, 100 * U)
    slipped = replace(meant, interval_ms=6 * MINUTE)
    assert judged(order=meant, last_ug=180).outcome == "accepted"
    verdict = judged(order=slipped, last_ug=180)
    assert {"ten-fold-increase", "hours-or-minutes", "step-limit"} <= rules(verdict, "soft")
    told = the(verdict, "hours-or-minutes").message
    assert told == (
        "got an interval of 6 min, 240 doses a day, expected at least 1 h; if hours were meant: every 6 h, "
        "4 a day"
    )


def test_a_periodic_order_is_told_in_doses_a_day_and_what_they_add() -> None:
    finding = the(judged(order=Periodic(20 * U, 30 * MINUTE, 6 * HOUR, 100 * U)), "periodic-in-words")
    assert finding.message == "every 6 h: 4 doses a day, adding 80 µg/day to a basal 100 µg/day"


def test_the_rate_of_a_periodic_dose_is_no_ten_fold_step() -> None:
    verdict = judged(order=Periodic(20 * U, 30 * MINUTE, 6 * HOUR, 100 * U), last_ug=180)
    assert "ten-fold-step" not in rules(verdict)


# --- drug to volume, and scaling ------------------------------------------------------------------


@given(dose=st.integers(1, 10**10), strength=st.integers(1, 4000), stroke=st.sampled_from([250, 100, 1]))
def test_a_volume_is_whole_strokes_and_never_more_than_the_dose(
    dose: int, strength: int, stroke: int
) -> None:
    volume = bolus_volume_nl(dose, strength, stroke)
    assert volume % stroke == 0
    assert volume * strength <= dose < (volume + stroke) * strength


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda: SingleBolus(0, HOUR), "dose"),
        (lambda: SingleBolus(U, 0), "duration"),
        (lambda: PatientBolus(U, HOUR, HOUR - 1, 3), "lockout"),
        (lambda: PatientBolus(U, HOUR, HOUR, 0), "most_per_day"),
        (lambda: adjusted(SimpleContinuous(10), 5), "dose"),
    ],
)
def test_what_is_no_bolus_is_refused(made: object, told: str) -> None:
    with pytest.raises(OrderError, match=f"^{told}: got"):
        made()


def test_an_order_scaled_to_a_hundred_percent_is_the_order() -> None:
    for order in (SIMPLE, Periodic(20 * U, HOUR, 6 * HOUR, 7)):
        assert adjusted(order, 100) == order
