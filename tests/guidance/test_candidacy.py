"""Candidacy: each criterion met, not met or unknown, by clinical.md 1.2, 1.11, 2.1 and 2.2."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb.guidance.candidacy import Evaluation, MuscleTone, Person, Tried, candidacy, questions
from openitb.prescription.answers import CalculationError

NAMES = frozenset(questions().facts)
F = Fraction
MODIFIED = "modified-ashworth"


def tone(code: str, muscle: str = "adductors", side: str = "left", scale: str = "ashworth") -> MuscleTone:
    return MuscleTone(muscle, side, scale, code)


CLEAR = Evaluation(
    person=Person(F(40), "spinal", False, None, F(2), F(90)),
    muscles=(tone("3"), tone("3", side="right")),
    penn_frequency=2,
    interferes_with=frozenset({"comfort"}),
    tried=(Tried("baclofen", F(80), 60, "no effect"),),
    takes=frozenset(),
    no=NAMES,
)


def judged(known: Evaluation, rule: str) -> str:
    return next(c.verdict for c in candidacy(known).criteria if c.rule == rule)


def person(**changed: object) -> Evaluation:
    return replace(CLEAR, person=replace(CLEAR.person, **changed))  # type: ignore[arg-type]


def test_somebody_who_meets_everything_is_a_candidate() -> None:
    answer = candidacy(CLEAR)
    assert answer.overall == "candidate for a trial"
    assert (answer.missing, answer.cautions, answer.pauses) == ((), (), ())


def test_nothing_known_is_not_yet_known_and_lists_all_that_is_missing() -> None:
    answer = candidacy(Evaluation(Person()))
    assert answer.overall == "not yet known"
    assert {c.verdict for c in answer.criteria} == {"unknown"}
    assert len(answer.missing) == len(answer.criteria)
    assert answer.missing[0].blocks


@pytest.mark.parametrize(
    ("known", "rule", "verdict"),
    [
        (person(age_years=F(4)), "age", "met"),
        (person(age_years=F(399, 100)), "age", "not met"),
        (person(age_years=None), "age", "unknown"),
        (person(pocket_depth_cm=F(5, 2)), "pocket-depth", "met"),
        (person(pocket_depth_cm=F(26, 10)), "pocket-depth", "not met"),
        (person(filtration_ml_per_min=F(60)), "kidney", "met"),
        (person(filtration_ml_per_min=F(59)), "kidney", "not met"),
        (person(has_traumatic_brain_injury=True, months_since_injury=F(12)), "brain-injury", "met"),
        (person(has_traumatic_brain_injury=True, months_since_injury=F(11)), "brain-injury", "not met"),
        (person(has_traumatic_brain_injury=True), "brain-injury", "unknown"),
        (person(has_traumatic_brain_injury=None), "brain-injury", "unknown"),
        (replace(CLEAR, interferes_with=frozenset()), "interference", "not met"),
        (replace(CLEAR, interferes_with=None), "interference", "unknown"),
        (replace(CLEAR, takes=None), "drugs-asked", "unknown"),
    ],
)
def test_each_criterion_at_its_boundary(known: Evaluation, rule: str, verdict: str) -> None:
    assert judged(known, rule) == verdict


@pytest.mark.parametrize(
    ("muscles", "penn", "verdict"),
    [
        ((tone("3"), tone("3", "hamstrings")), 0, "met"),
        ((tone("3"), tone("2", "hamstrings")), 0, "not met"),
        ((tone("3"), tone("4")), 0, "not met"),  # the same group twice is one group
        ((tone("3"),), 3, "met"),
        ((tone("0"),), None, "unknown"),
        (None, 2, "unknown"),
        (None, 3, "met"),
        ((tone("3"), tone("3", side="right")), None, "met"),
        ((tone("3", scale="ashworth-1-5"), tone("3", side="right", scale="ashworth-1-5")), 0, "not met"),
        ((tone("4", scale="ashworth-1-5"), tone("4", side="right", scale="ashworth-1-5")), 0, "met"),
        ((tone("3", scale=MODIFIED), tone("3", side="r", scale=MODIFIED)), 0, "met"),
        (
            (tone("2", scale=MODIFIED), tone("2", side="r", scale=MODIFIED)),
            0,
            "not met",
        ),
    ],
)
def test_severity_counts_muscle_groups_or_spasms(
    muscles: tuple[MuscleTone, ...] | None, penn: int | None, verdict: str
) -> None:
    assert judged(replace(CLEAR, muscles=muscles, penn_frequency=penn), "severity") == verdict


@pytest.mark.parametrize(
    ("origin", "tried", "verdict"),
    [
        ("spinal", (Tried("baclofen", F(80), 60, "no effect"),), "met"),
        ("spinal", (Tried("baclofen", None, 60, "no effect"),), "unknown"),
        ("spinal", (Tried("baclofen", None, 3, "side effects"),), "met"),
        ("spinal", (Tried("baclofen", F(30), 60, "still taken"),), "not met"),
        ("spinal", (Tried("tizanidine", F(8), 60, "no effect"),), "not met"),
        ("spinal", (), "not met"),
        ("spinal", None, "unknown"),
        ("cerebral", None, "met"),
        (None, None, "unknown"),
    ],
)
def test_oral_baclofen_comes_first_in_spinal_origin_only(
    origin: object, tried: tuple[Tried, ...] | None, verdict: str
) -> None:
    known = replace(person(origin=origin), tried=tried)
    assert judged(known, "oral-baclofen") == verdict


def answered(name: str) -> Evaluation:
    return replace(CLEAR, yes=frozenset({name}), no=NAMES - {name})


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_question_answered_yes_stops_a_trial_or_is_a_caution(name: str) -> None:
    answer = candidacy(answered(name))
    is_caution = questions().fact(name).text() == "caution"
    assert answer.overall == ("candidate for a trial" if is_caution else "not now")
    assert [c.rule for c in answer.cautions] == ([name.replace("_", "-")] if is_caution else [])


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_question_not_asked_is_missing_and_waits_if_a_yes_would_stop(name: str) -> None:
    answer = candidacy(replace(CLEAR, no=NAMES - {name}))
    is_caution = questions().fact(name).text() == "caution"
    assert answer.overall == ("candidate for a trial" if is_caution else "not yet known")
    assert [c.rule for c in answer.missing] == [name.replace("_", "-")]


def test_weak_kidneys_are_a_caution_and_unknown_ones_wait() -> None:
    weak = candidacy(person(filtration_ml_per_min=F(20)))
    assert (weak.overall, weak.cautions[0].rule) == ("candidate for a trial", "kidney")
    assert candidacy(person(filtration_ml_per_min=None)).overall == "not yet known"


def test_a_pocket_not_measured_yet_does_not_hold_up_a_trial_and_one_too_deep_does() -> None:
    unmeasured = candidacy(person(pocket_depth_cm=None))
    assert (unmeasured.overall, unmeasured.missing[0].rule) == ("candidate for a trial", "pocket-depth")
    assert candidacy(person(pocket_depth_cm=F(3))).overall == "not now"


def test_what_is_not_met_outweighs_what_is_unknown() -> None:
    assert candidacy(Evaluation(Person(age_years=F(2)))).overall == "not now"


def test_a_drug_against_clotting_comes_with_its_pause_and_an_interaction_with_its_effect() -> None:
    answer = candidacy(replace(CLEAR, takes=frozenset({"warfarin", "opioid"})))
    assert [advice.what for advice in answer.pauses] == ["warfarin: 5 day"]
    assert "INR" in answer.pauses[0].why
    assert answer.interactions[0].what == "opioid: more sedation and slower breathing"
    assert answer.overall == "candidate for a trial"


@pytest.mark.parametrize(
    ("ask", "named"),
    [
        (lambda: replace(CLEAR, yes=frozenset({"tall"})), "yes: got 'tall', expected one of baclofen"),
        (lambda: replace(CLEAR, takes=frozenset({"tea"})), "takes: got 'tea'"),
        (lambda: replace(CLEAR, yes=NAMES), "active_infection: got yes and no"),
        (lambda: candidacy(replace(CLEAR, muscles=(tone("7"),))), "adductors left: got '7', expected 0, 1"),
        (lambda: candidacy(replace(CLEAR, muscles=(tone("3", scale="x"),))), "adductors left: got 'x'"),
    ],
)
def test_answers_that_cannot_be_are_refused(ask: object, named: str) -> None:
    with pytest.raises(CalculationError, match=named):
        ask()  # type: ignore[operator]


@given(st.sets(st.sampled_from(sorted(NAMES))), st.sets(st.sampled_from(sorted(NAMES))))
def test_a_further_yes_never_makes_a_candidate(yes: set[str], more: set[str]) -> None:
    order = ["not now", "not yet known", "candidate for a trial"]
    few = candidacy(replace(CLEAR, yes=frozenset(yes), no=NAMES - yes)).overall
    many = candidacy(replace(CLEAR, yes=frozenset(yes | more), no=NAMES - yes - more)).overall
    assert order.index(many) <= order.index(few)


def test_every_criterion_says_why_and_where_it_was_read() -> None:
    for criterion in candidacy(CLEAR).criteria:
        assert criterion.why
        assert criterion.sources
    assert candidacy(CLEAR).to_json()["overall"] == "candidate for a trial"
