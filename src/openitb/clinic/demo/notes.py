"""What the record says about a contact, put together from what was done and what was seen at it."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction

from openitb import catalogue, units
from openitb.clinic.demo.play import Played
from openitb.clinic.demo.ratings import Rated
from openitb.clinic.demo.story import Contact
from openitb.implant import believed_volume_nl
from openitb.prescription.answers import shown
from openitb.prescription.calculators import bridge, path_through, tubing_of_pump
from openitb.prescription.orders import describe_order
from openitb.world.case import Case, LumbarBolus, Refill, SetOrder
from openitb.world.simulate import Happening, Visit

Scores = Mapping[int, list[Rated]]


def note(contact: Contact, played: Played, scores: Scores, drawn_nl: Mapping[int, int]) -> str:
    """The text of one encounter."""
    at_ms = contact.at_ms
    sentences = [
        *_opening(contact, played),
        *_trial(contact, played, scores),
        *(line for visit, told in played.visits() if visit.event.at_ms == at_ms
          for line in _done(visit, told, drawn_nl)),
        *([] if contact.kind == "screening trial" else _seen(scores.get(at_ms, []))),
    ]  # fmt: skip
    return " ".join(sentence for sentence in sentences if sentence)


def forgotten_bridge(played: Played) -> str:
    """What a change of strength without a bridge did, by the calculator; empty if there was none."""
    for visit, _ in played.visits():
        action = visit.event.action
        if isinstance(action, Refill) and action.bridge is False and played.therapy:
            return _without_bridge(played.therapy.case, visit, action)
    return ""


def _without_bridge(case: Case, visit: Visit, action: Refill) -> str:
    system = case.system
    if system is None:
        return ""
    running = visit.found.firmware.controller.program
    path = path_through(tubing_of_pump(system.pump), system.catheter, Fraction(system.implanted_length_cm))
    answer = bridge(
        path, running.concentration_ug_per_ml, action.concentration_ug_per_ml, running.daily_dose_pg
    )
    text = shown(answer.if_forgotten.text, "ug")
    return text[:1].upper() + text[1:]


def _opening(contact: Contact, played: Played) -> Iterator[str]:
    person = played.story.person
    if contact.kind == "evaluation":
        yield f"{person.diagnosis}. Spasticity of {person.origin} origin."
    if contact.kind == "surgery":
        yield _surgery(contact, played)
    yield contact.text.format(forgotten_bridge=forgotten_bridge(played))


def _surgery(contact: Contact, played: Played) -> str:
    if contact.at_ms == played.story.explanted_ms:
        return "Pump and catheter removed; wound closed over a drain."
    system = played.therapy.case.system if played.therapy else None
    pump = played.story.person.pump
    if system is None or pump is None:
        return ""
    return (
        f"{system.pump.name}, serial {pump.serial}, with {system.catheter.name}, {pump.implanted_length} "
        f"implanted, tip at {system.tip}. Filled with {units.format_volume(system.fill_nl)} of "
        f"{units.format_concentration(system.concentration_ug_per_ml)}."
    )


def _trial(contact: Contact, played: Played, scores: Scores) -> Iterator[str]:
    """The bolus and the best score of each item in the hours after it."""
    if contact.kind != "screening trial" or played.trial is None:
        return
    interval_ms = catalogue.load().limits["screening"].fact("bolus_interval").whole("ms")
    for event in played.trial.case.events:
        if event.at_ms == contact.at_ms and isinstance(event.action, LumbarBolus):
            yield f"{units.format_mass(event.action.dose_pg)} by lumbar puncture at {event.action.level}."
    after = [r for at, rated in scores.items() if 0 <= at - contact.at_ms < interval_ms for r in rated]
    for item in dict.fromkeys(_label(rated) for rated in after):
        course = [rated for rated in after if _label(rated) == item]
        best = min(course, key=lambda rated: (rated.value, rated.at_ms))
        hours = Decimal(best.at_ms - contact.at_ms) / units.MS_PER_H
        yield f"{item} {course[0].code}, lowest {best.code} at {units.format_number(hours, 0)} h."


def _done(visit: Visit, told: Happening, drawn_nl: Mapping[int, int]) -> Iterator[str]:
    action = visit.event.action
    if isinstance(action, Refill):
        yield _refilled(visit, told, drawn_nl[visit.event.at_ms])
    elif isinstance(action, SetOrder):
        yield f"Set to {describe_order(action.order)}."
        if visit.event.override:
            yield f"Reason given: {visit.event.override}."
    else:
        yield f"{told.text}."


def _refilled(visit: Visit, told: Happening, drawn_nl: int) -> str:
    expected_nl = expected_to_draw_nl(visit)
    difference = units.format_volume(drawn_nl - expected_nl, 1)
    sign = "" if difference.startswith(("-", "0 ")) else "+"
    return (
        f"Expected {units.format_volume(expected_nl, 1)}, drew {units.format_volume(drawn_nl, 1)} "
        f"({sign}{difference.replace('-', '−')}). Filled {told.text}."
    )


def expected_to_draw_nl(visit: Visit) -> int:
    """What should come out by the pump's count: what it believes it holds less the residual volume."""
    return max(0, believed_volume_nl(visit.found) - visit.found.reservoir.residual_nl)


def _seen(rated: list[Rated]) -> Iterator[str]:
    text = ", ".join(f"{_label(each)} {each.code}" for each in rated)
    yield f"{text.capitalize()}." if text else ""


def _label(rated: Rated) -> str:
    return rated.muscle_group or "Spasms"
