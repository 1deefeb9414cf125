"""The orders of a story: the first dose, steps within the guideline's range, and a person's own orders.

Instants are ms after midnight (UTC) of the day of implantation.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from openitb import catalogue, guidance, units
from openitb.clinic.demo.cast import Happening, House, Kind, Person, Titration, Trial, of_day_ms
from openitb.prescription.orders import Order, SimpleContinuous, daily_dose_pg, order_to_mapping, parse_order

Table = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Given:
    """An order, when it is given, at which kind of contact, and its table in the case file."""

    at_ms: int
    order: Order
    kind: Kind
    table: Table


def ladder_pg(trial: Trial) -> tuple[int, ...]:
    """The boluses of a trial in order, as far as this one went, by the rules of the catalogue."""
    screening = catalogue.load().limits["screening"]
    names = ("small_child_bolus",) if trial.is_small_child else ()
    names = (*names, "first_bolus", "second_bolus", "third_bolus")
    return tuple(screening.fact(name).whole("pg") for name in names)[: trial.boluses]


def orders(person: Person, house: House, until_ms: int) -> tuple[Given, ...]:
    """Every order up to `until_ms`, in order of time; `ValueError` for a pump without a trial before."""
    given = [_first(person, house)]
    for at_ms, what in sorted(_triggers(person, house, until_ms), key=lambda each: each[0]):
        order = _own(what) if isinstance(what, Happening) else _stepped(person, given[-1].order, what)
        if order is not None and order != given[-1].order:
            given.append(_given(at_ms, order, house, what))
    return tuple(given)


def _triggers(person: Person, house: House, until_ms: int) -> Iterator[tuple[int, Titration | Happening]]:
    round_ms = of_day_ms(house.round_at)
    for titration in person.titration:
        first_ms = titration.from_day * units.MS_PER_DAY + round_ms
        last_ms = until_ms if titration.until_day is None else titration.until_day * units.MS_PER_DAY
        for at_ms in range(first_ms, min(last_ms, until_ms) + 1, titration.every_days * units.MS_PER_DAY):
            yield at_ms, titration
    for event in person.event:
        at_ms = event.day * units.MS_PER_DAY + of_day_ms(event.at or house.round_at)
        if event.order is not None and at_ms <= until_ms:
            yield at_ms, event


def _given(at_ms: int, order: Order, house: House, why: Titration | Happening | None = None) -> Given:
    table: Table = {"order": order_to_mapping(order)}
    if isinstance(why, Happening) and why.override:
        table["override"] = why.override
    is_in_hospital = at_ms < house.stay_days * units.MS_PER_DAY
    return Given(at_ms, order, "recovery check" if is_in_hospital else _kind(why), table)


def _kind(why: Titration | Happening | None) -> Kind:
    if isinstance(why, Happening):
        return why.kind
    return "check-up" if why is not None and why.phase == "maintenance" else "titration visit"


def _first(person: Person, house: House) -> Given:
    """The dose guidance gives for the bolus that worked."""
    trial = person.trial
    if trial is None:
        raise ValueError(f"{person.number}: trial: missing, expected one before a pump")
    effect_ms = round(trial.effect_hours * units.MS_PER_H)
    answer = guidance.start_dose(ladder_pg(trial)[-1], effect_ms, adverse_reaction=trial.adverse_reaction)
    dose_pg = int(answer.dose_ug_per_day * units.PG_PER_UG)
    return _given(of_day_ms(house.first_order_at), SimpleContinuous(dose_pg), house)


def _own(event: Happening) -> Order:
    return parse_order(event.order)


def _stepped(person: Person, before: Order, titration: Titration) -> Order | None:
    """The next step, in whole µg towards the smaller; None where the dose aimed at is reached."""
    dose_pg, aim_pg = daily_dose_pg(before), units.dose_pg_per_day(titration.to, "titration.to")
    is_down = titration.phase == "decrease"
    if not dose_pg or (dose_pg <= aim_pg if is_down else dose_pg >= aim_pg):
        return None
    allowed = guidance.titration_step(dose_pg, person.origin, Fraction(person.age_years), titration.phase)
    span = allowed.high_ug_per_day - allowed.low_ug_per_day
    stepped_pg = int(allowed.low_ug_per_day + span * Fraction(titration.pace)) * units.PG_PER_UG
    return SimpleContinuous(max(stepped_pg, aim_pg) if is_down else min(stepped_pg, aim_pg))
