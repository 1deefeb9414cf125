"""Troubleshooting: the order of the path, what is barred, and what findings speak for."""

from fractions import Fraction
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb.guidance.trouble import Path, Trouble, TroubleAnswer, findings_of, troubleshoot
from openitb.prescription.answers import CalculationError, practice

LOSS: Path = "loss of effect"
OVER: Path = "too much effect"
F = Fraction


def asked(path: Path, *findings: str, twin: dict[str, float] | None = None) -> TroubleAnswer:
    return troubleshoot(Trouble(path, frozenset(findings), frozenset(), twin or {}))


def shares(answer: TroubleAnswer) -> dict[str, Fraction]:
    return {cause.name: cause.share for cause in answer.causes}


def state(answer: TroubleAnswer, name: str) -> str:
    return next(step.state for step in answer.path if step.name == name)


def test_both_paths_begin_with_the_patient() -> None:
    assert asked(LOSS).next_step == asked(OVER).next_step == "stabilise"
    assert asked(LOSS).is_emergency is None


def test_an_emergency_stays_first_whatever_else_was_found() -> None:
    answer = asked(LOSS, "unstable", "reading_clean", "as_expected")
    assert (answer.is_emergency, answer.next_step) == (True, "stabilise")


def test_a_loss_of_effect_is_followed_in_order() -> None:
    found: list[str] = []
    steps = []
    for finding in ("stable", "reading_clean", "sudden", "as_expected", "xray_normal", "rotor_turns"):
        steps.append(asked(LOSS, *found).next_step)
        found.append(finding)
    assert steps == ["stabilise", "interrogate", "history", "reservoir", "xray", "rotor"]
    assert asked(LOSS, *found).next_step == "bolus"
    assert asked(LOSS, *found, "bolus_works").next_step == "port"
    assert asked(LOSS, *found, "bolus_works", "port_free").next_step == "contrast"
    assert asked(LOSS, *found, "bolus_works", "port_dry").next_step == "nuclear"


def test_too_much_effect_stops_and_empties_before_it_asks_why() -> None:
    names = [step.name for step in asked(OVER).path]
    assert names[:4] == ["stabilise", "stop", "empty", "csf"]
    assert troubleshoot(Trouble(OVER, frozenset({"stable"}), frozenset({"stop"}))).next_step == "empty"


ALL_LOSS = findings_of(LOSS)


def allowed(path: Path, findings: tuple[str, ...]) -> Trouble | None:
    try:
        return Trouble(path, frozenset(findings))
    except CalculationError:
        return None


@pytest.mark.parametrize("size", [0, 1, 2])
def test_contrast_never_goes_before_free_fluid_nor_indium_into_the_unstable(size: int) -> None:
    for chosen in combinations(ALL_LOSS, size):
        known = allowed(LOSS, chosen)
        if known is None:
            continue
        answer = troubleshoot(known)
        if "contrast_leak" not in chosen and "contrast_normal" not in chosen:
            assert (state(answer, "contrast") == "barred") == ("port_free" not in chosen)
        if "stable" not in chosen and not {"nuclear_normal", "nuclear_abnormal"} & set(chosen):
            assert state(answer, "nuclear") == "barred"


@pytest.mark.parametrize(
    ("path", "findings", "cause"),
    [
        (LOSS, ("stall_logged",), "stall"),
        (LOSS, ("empty_alarm",), "empty"),
        (LOSS, ("program_differs",), "programming"),
        (LOSS, ("illness_found",), "illness"),
        (LOSS, ("xray_broken",), "catheter"),
        (
            LOSS,
            ("sudden", "as_expected", "illness_sought"),
            "catheter",
        ),  # expected residual clears no catheter
        (LOSS, ("too_much_left", "rotor_stands"), "stall"),
        (LOSS, ("gradual", "bolus_fails"), "tolerance"),
        (LOSS, ("after_refill", "sudden", "too_little_left", "reading_clean", "illness_sought"), "pocket"),
        (OVER, ("pushed_lately",), "pushed"),
        (OVER, ("too_little_left", "reading_clean"), "over"),
        (OVER, ("drug_wrong",), "programming"),
        (OVER, ("sedative_taken",), "illness"),
    ],
)
def test_findings_point_at_their_cause(path: Any, findings: tuple[str, ...], cause: str) -> None:
    assert asked(path, *findings).causes[0].name == cause


def test_a_share_worked_by_hand() -> None:
    # catheter 30, programming 10, tolerance 15, empty 8, stall 5, illness 30, pocket 2; x-ray broken 3³ = 27
    assert shares(asked(LOSS, "xray_broken"))["catheter"] == F(30 * 27, 30 * 27 + 70)


@given(st.sets(st.sampled_from(ALL_LOSS)))
def test_no_findings_together_open_a_dangerous_step(chosen: set[str]) -> None:
    known = allowed(LOSS, tuple(chosen))
    if known is not None and "port_free" not in chosen and "contrast_leak" not in chosen:
        assert troubleshoot(known).next_step != "contrast"
    if known is not None and "stable" not in chosen:
        assert troubleshoot(known).next_step != "nuclear"


CHOSEN = st.sets(st.sampled_from(ALL_LOSS)).map(lambda names: allowed(LOSS, tuple(names))).filter(bool)


@given(CHOSEN)
def test_shares_are_of_one_whole_and_none_is_ruled_out(known: Trouble) -> None:
    found = shares(troubleshoot(known))
    assert sum(found.values()) == 1
    assert all(share > 0 for share in found.values())


@given(CHOSEN, st.sampled_from(ALL_LOSS))
def test_a_finding_raises_what_it_speaks_for_against_what_it_speaks_against(
    known: Trouble, finding: str
) -> None:
    more = allowed(LOSS, (*known.findings, finding))
    if more is None or finding in known.findings:
        return
    before, after = shares(troubleshoot(known)), troubleshoot(more)
    pro = [c for c in after.causes if finding in c.speaks_for]
    contra = [c for c in after.causes if finding in c.speaks_against]
    for good in pro:
        for bad in contra:
            assert good.share / bad.share > before[good.name] / before[bad.name]


def test_the_twin_moves_shares_and_never_the_order_of_steps() -> None:
    twin = {"catheter fault": 0.7, "none": 0.2, "tolerance": 0.05, "stall or under-delivery": 0.05}
    with_twin, without = asked(LOSS, "stable", twin=twin), asked(LOSS, "stable")
    assert with_twin.path == without.path
    found = shares(with_twin)
    assert float(found["catheter"]) == pytest.approx(0.9 * 0.7 + 0.1 * 0.3)
    assert float(found["stall"]) == pytest.approx(0.05)
    # the twin's "none" is left to illness 30, programming 10, empty 8 and pocket 2
    assert float(found["illness"]) == pytest.approx(0.9 * 0.2 * 30 / 50 + 0.1 * 0.3)
    over = shares(asked(OVER, twin={"over-delivery": 0.5}))
    assert float(over["over"]) == pytest.approx(0.9 * 0.5 + 0.1 * 0.1)


def test_a_twin_that_is_certain_rules_nothing_out() -> None:
    sure = asked(LOSS, "illness_found", "xray_normal", twin={"catheter fault": 1.0})
    assert all(share > 0 for share in shares(sure).values())


@pytest.mark.parametrize(
    ("ask", "named"),
    [
        (lambda: Trouble(LOSS, frozenset({"luck"})), "findings: got 'luck', expected one of stable"),
        (lambda: Trouble(LOSS, frozenset({"drug_wrong"})), "findings: got 'drug_wrong'"),
        (lambda: Trouble(OVER, frozenset({"xray_broken"})), "findings: got 'xray_broken'"),
        (lambda: Trouble(LOSS, frozenset({"xray_broken", "xray_normal"})), "got xray_broken and xray_normal"),
        (lambda: Trouble(LOSS, finished=frozenset({"tea"})), "finished: got 'tea'"),
        (lambda: Trouble(LOSS, twin={"gremlin": 0.1}), "twin: got 'gremlin'"),
        (lambda: Trouble(LOSS, twin={"none": 1.2}), "twin: got chances outside 0 to 1"),
        (lambda: Trouble(LOSS, twin={"none": 0.9, "tolerance": 0.2}), "twin: got chances outside 0 to 1"),
    ],
)
def test_what_cannot_be_is_refused(ask: Any, named: str) -> None:
    with pytest.raises(CalculationError, match=named):
        ask()


def test_every_step_has_its_source_and_every_finding_its_step() -> None:
    for path in (LOSS, OVER):
        assert all(step.sources for step in asked(path).path)
    steps = {*practice("trouble-loss").facts, *practice("trouble-over").facts}
    for name in (*findings_of(LOSS), *findings_of(OVER)):
        assert practice(f"finding-{name}").fact("step").text() in steps


def test_the_yield_of_imaging_is_told() -> None:
    why = {step.name: step.why for step in asked(LOSS).path}
    assert why["xray"].startswith("found 35.1 % of catheter faults")
    assert "barred" in why["contrast"]
