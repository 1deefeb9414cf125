"""Symptom triage over all combinations of signs: never weaker than what is published."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import units
from openitb.guidance.triage import URGENCIES, TriageContext, signs, triage, urgency
from openitb.prescription.answers import CalculationError, practice

H, DAY = units.MS_PER_H, units.MS_PER_DAY
ALL = frozenset(signs())

# Written down by hand from clinical.md 1.9, 1.10, 5.1, 5.3 and THERAPY 9, apart from the catalogue.
EMERGENCY = {"unconscious", "slow_breathing", "seizure", "rigidity", "high_fever", "confusion"}
LINE = {
    "more_stiffness", "itching", "fever", "racing_heart", "agitation", "drowsiness", "limpness", "dizziness",
    "cold", "pocket_swelling", "two_tone_alarm", "stiff_neck",
}  # fmt: skip
TODAY = {"nausea_pain", "wound", "leak_headache", "single_tone_alarm"}
VISIT = {"weakness", "bladder_bowel"}
DANGER = EMERGENCY | (LINE - {"two_tone_alarm", "stiff_neck"}) | {"nausea_pain"}
PAIRS = (
    {"stiff_neck", "fever"},
    {"stiff_neck", "leak_headache"},
    {"two_tone_alarm", "more_stiffness"},
    {"two_tone_alarm", "itching"},
)


def published(present: frozenset[str]) -> int:
    """An oracle of its own: the least that may be answered, as an index of `URGENCIES`."""
    if present & EMERGENCY or len(present & DANGER) > 1 or any(pair <= present for pair in PAIRS):
        return 3
    return 2 if present & LINE else 1 if present & TODAY else 0


def test_every_sign_is_judged_by_hand_once() -> None:
    assert EMERGENCY | LINE | TODAY | VISIT == ALL
    assert len(ALL) == sum(map(len, (EMERGENCY, LINE, TODAY, VISIT)))


@pytest.mark.slow
def test_over_all_combinations_of_signs_that_are_no_emergency_alone() -> None:
    rest = sorted(ALL - EMERGENCY)
    for size in range(len(rest) + 1):
        for chosen in combinations(rest, size):
            present = frozenset(chosen)
            assert URGENCIES.index(urgency(present)) == published(present), present


def test_a_sign_that_is_an_emergency_alone_is_one_in_every_company() -> None:
    for size in range(1, len(EMERGENCY) + 1):
        for grave in combinations(sorted(EMERGENCY), size):
            for company in combinations(sorted(ALL - EMERGENCY), 2):
                assert urgency(frozenset((*grave, *company))) == "emergency now"


SETS = st.sets(st.sampled_from(sorted(ALL))).map(frozenset)
TIMES = st.one_of(st.none(), st.integers(0, 200 * DAY))
CONTEXTS = st.builds(TriageContext, TIMES, TIMES, TIMES, st.one_of(st.none(), st.integers(-DAY, DAY)))


@given(SETS, SETS)
def test_a_further_sign_never_lowers_the_answer(few: frozenset[str], more: frozenset[str]) -> None:
    assert URGENCIES.index(urgency(few | more)) >= URGENCIES.index(urgency(few))


@given(SETS, CONTEXTS)
def test_context_reorders_what_is_suspected_and_nothing_else(
    present: frozenset[str], context: TriageContext
) -> None:
    bare, told = triage(present, frozenset()), triage(present, frozenset(), context)
    assert told.urgency == bare.urgency
    assert told.action == bare.action
    assert sorted(told.suspects) == sorted(bare.suspects)


@given(SETS, SETS)
def test_asking_about_a_sign_that_is_absent_never_raises_the_answer(
    present: frozenset[str], asked: frozenset[str]
) -> None:
    before, after = triage(present, frozenset()), triage(present, asked - present)
    assert URGENCIES.index(after.urgency) <= URGENCIES.index(before.urgency)
    assert URGENCIES.index(after.urgency) >= published(present)


def test_nothing_waits_for_the_next_visit_before_the_emergency_signs_were_asked() -> None:
    unasked = triage(frozenset({"weakness"}), frozenset())
    assert (unasked.urgency, len(unasked.ask_first)) == ("clinic today", len(EMERGENCY))
    asked = triage(frozenset({"weakness"}), frozenset(EMERGENCY))
    assert (asked.urgency, asked.ask_first) == ("next visit", ())
    assert triage(frozenset(), frozenset(EMERGENCY)).why == "no danger sign"
    assert triage(frozenset(), frozenset()).urgency == "clinic today"


@pytest.mark.parametrize(
    ("present", "context", "first"),
    [
        ({"more_stiffness", "itching"}, None, "withdrawal"),
        ({"drowsiness", "limpness"}, None, "overdose"),
        ({"wound"}, None, "infection"),
        ({"dizziness"}, None, "withdrawal"),
        ({"dizziness"}, TriageContext(since_refill_ms=5 * H), "overdose"),
        ({"dizziness"}, TriageContext(since_change_ms=72 * H), "overdose"),
        ({"dizziness"}, TriageContext(since_change_ms=72 * H + 1), "withdrawal"),
        ({"leak_headache"}, TriageContext(since_operation_ms=3 * DAY), "infection"),
        ({"drowsiness", "dizziness"}, TriageContext(withdrawal_in_ms=-1), "withdrawal"),
    ],
)
def test_what_is_suspected_first(present: set[str], context: TriageContext | None, first: str) -> None:
    assert triage(frozenset(present), frozenset(), context).suspects[0] == first


def test_an_emergency_of_two_signs_says_that_they_count_together() -> None:
    answer = triage(frozenset({"drowsiness", "limpness"}), frozenset())
    assert answer.why.startswith("together: ")
    assert "emergency services" in answer.action.what
    assert answer.sources


@pytest.mark.parametrize(
    ("present", "absent", "named"),
    [
        ({"hiccups"}, set(), "present: got 'hiccups', expected one of unconscious"),
        (set(), {"hiccups"}, "absent: got 'hiccups'"),
        ({"fever"}, {"fever"}, "fever: got yes and no"),
    ],
)
def test_signs_that_cannot_be_are_refused(present: set[str], absent: set[str], named: str) -> None:
    with pytest.raises(CalculationError, match=named):
        triage(frozenset(present), frozenset(absent))


def test_a_time_before_now_is_not_below_zero() -> None:
    with pytest.raises(CalculationError, match="since_refill_ms: got -1"):
        TriageContext(since_refill_ms=-1)


def test_the_warning_signs_after_an_implant_are_signs_of_triage() -> None:
    assert set(practice("recovery-warnings").facts) <= ALL


def test_every_sign_of_a_suspect_is_a_sign() -> None:
    for fact in practice("triage-suspects").facts.values():
        assert set(fact.text().split()) <= ALL
