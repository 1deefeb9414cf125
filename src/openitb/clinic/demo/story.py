"""A person's story placed in time: what the clinic did and when, as case files the simulator runs.

Pure: the same person, house and `now_ms` give the same story. What comes of it (scores, volumes,
alarms) is not in it; that is simulated. Instants are ms since the epoch, UTC.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from openitb import catalogue, units
from openitb.clinic.demo.cast import House, Kind, Person, Pump, Told, Trial, days_ms, of_day_ms
from openitb.clinic.demo.doses import ladder_pg, orders
from openitb.clinic.demo.refills import plan_refills, start_concentration

Tables = dict[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_MS = 10 * 365 * units.MS_PER_DAY  # beyond the life of any pump
BEFORE_FIRST_BOLUS_MS = units.MS_PER_H
_ROUND_TRIAL_TO_MS = 5 * units.MS_PER_MIN
_WIDEST_SPREAD = 2.0  # standard deviations: a demo wants ordinary pumps


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact of the clinic with a person; `text` where somebody wrote more than what was done."""

    at_ms: int
    kind: Kind
    text: str = ""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What the person or a carer said, and when."""

    at_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Story:
    """One person up to now. `trial` and `therapy` are tables of case files, None where there is none."""

    person: Person
    now_ms: int
    trial: Tables | None
    therapy: Tables | None
    implanted_ms: int | None
    explanted_ms: int | None
    contacts: tuple[Contact, ...]
    complaints: tuple[Complaint, ...]


@dataclass(frozen=True, slots=True)
class _Act:
    """An action of the case file and the kind of contact at which it is done; None for none."""

    at_ms: int
    table: Mapping[str, object]
    kind: Kind | None


def tell(person: Person, house: House, now_ms: int) -> Story:
    """The story of a person up to `now_ms`; raises `ValueError` for a plan that contradicts itself."""
    midnight_ms = _implant_midnight_ms(person, house, now_ms)
    trial_ms = _first_bolus_ms(person, house, midnight_ms, now_ms)
    acts = () if midnight_ms is None else tuple(_acts(person, house, midnight_ms, now_ms))
    explanted_ms = _explanted_ms(person, house, midnight_ms)
    contacts = [
        *_evaluation(person, house, trial_ms, now_ms),
        *_trial_contacts(person, trial_ms, now_ms),
        *_surgeries(house, midnight_ms, explanted_ms),
        *_visits(acts),
        *(_told_contact(person, told, midnight_ms, now_ms) for told in person.contact),
    ]
    return Story(
        person=person,
        now_ms=now_ms,
        trial=None if trial_ms is None else _trial_case(person, house, trial_ms, now_ms),
        therapy=None if midnight_ms is None else _therapy_case(person, house, acts, (midnight_ms, now_ms)),
        implanted_ms=None if midnight_ms is None else midnight_ms + of_day_ms(house.surgery_at),
        explanted_ms=explanted_ms,
        contacts=tuple(sorted(contacts, key=lambda contact: contact.at_ms)),
        complaints=tuple(
            Complaint(_told_ms(told, midnight_ms, now_ms), told.text) for told in person.complaint
        ),
    )


def moment(at_ms: int) -> datetime:
    """An instant as case files write it."""
    return EPOCH + timedelta(milliseconds=at_ms)


def _midnight(at_ms: int) -> int:
    return at_ms - at_ms % units.MS_PER_DAY


def _implant_midnight_ms(person: Person, house: House, now_ms: int) -> int | None:
    if person.pump is None:
        return None
    return _midnight(now_ms) - _implanted_days_ago(person, person.pump, house) * units.MS_PER_DAY


def _implanted_days_ago(person: Person, pump: Pump, house: House) -> int:
    """As stated, or so long that the next refill is due as many days from now as stated."""
    if pump.due is None:
        if pump.implanted_days_ago is None:
            raise ValueError(f"{person.number}: pump: expected implanted_days_ago or due")
        return pump.implanted_days_ago
    plan = plan_refills(person, house, orders(person, house, LONGEST_MS), LONGEST_MS)
    if plan.next_by_day is None:
        raise ValueError(f"{person.number}: pump.due: nothing flows, expected an order")
    return plan.next_by_day - pump.due.in_days


def _acts(person: Person, house: House, midnight_ms: int, now_ms: int) -> Iterator[_Act]:
    """Everything done with the pump in place, in order of time, refills before orders at one visit."""
    end_ms = (_explanted_ms(person, house, midnight_ms) or now_ms) - midnight_ms
    given = orders(person, house, end_ms)
    refills = plan_refills(person, house, given, end_ms).visits
    acts = [
        *(_Act(visit.at_ms, visit.table, "refill visit") for visit in refills),
        *(_Act(order.at_ms, order.table, order.kind) for order in given),
        *_others(person, house),
    ]
    for act in sorted(acts, key=lambda each: each.at_ms):
        if act.at_ms <= end_ms:
            yield _Act(midnight_ms + act.at_ms, act.table, act.kind)


def _others(person: Person, house: House) -> Iterator[_Act]:
    for event in person.event:
        if event.order is None:
            at_ms = event.day * units.MS_PER_DAY + of_day_ms(event.at or house.round_at)
            table = event.model_dump(include={"oral", "stop"}, exclude_none=True)
            yield _Act(at_ms, table, None if event.oral else event.kind)


def _explanted_ms(person: Person, house: House, midnight_ms: int | None) -> int | None:
    if midnight_ms is None or person.explanted_after_days is None:
        return None
    return midnight_ms + person.explanted_after_days * units.MS_PER_DAY + of_day_ms(house.surgery_at)


def _first_bolus_ms(person: Person, house: House, midnight_ms: int | None, now_ms: int) -> int | None:
    trial = person.trial
    if trial is None:
        return None
    if trial.hours_ago is not None:
        at_ms = now_ms - round(trial.hours_ago * units.MS_PER_H)
        return at_ms - at_ms % _ROUND_TRIAL_TO_MS
    if trial.before_implant_days is not None and midnight_ms is not None:
        day_ms = midnight_ms - trial.before_implant_days * units.MS_PER_DAY
    elif trial.days_ago is not None:
        day_ms = _midnight(now_ms) - trial.days_ago * units.MS_PER_DAY
    else:
        raise ValueError(f"{person.number}: trial: expected before_implant_days, days_ago or hours_ago")
    return day_ms + of_day_ms(house.visit_at)


def _bolus_times(trial: Trial, first_ms: int, now_ms: int) -> Iterator[tuple[int, int]]:
    """Instant and dose in pg of each bolus given so far, as far apart as the rule asks."""
    interval_ms = catalogue.load().limits["screening"].fact("bolus_interval").whole("ms")
    for number, dose_pg in enumerate(ladder_pg(trial)):
        at_ms = first_ms + number * interval_ms
        if at_ms <= now_ms:
            yield at_ms, dose_pg


def _trial_case(person: Person, house: House, first_ms: int, now_ms: int) -> Tables:
    assert person.trial is not None  # noqa: S101 - there is a first bolus
    boluses = list(_bolus_times(person.trial, first_ms, now_ms))
    interval_ms = catalogue.load().limits["screening"].fact("bolus_interval").whole("ms")
    events = [
        {"at": moment(at_ms), "lumbar_bolus": {"dose": _ug(dose_pg), "level": person.trial.level}}
        for at_ms, dose_pg in boluses
    ]
    return {
        "version": 1,
        "title": f"{person.number}: screening trial",
        "patient": _patient(person),
        "start": {"at": moment(first_ms - BEFORE_FIRST_BOLUS_MS), "zone": "UTC"},
        "event": events,
        "output": {
            "until": moment(min(now_ms, boluses[-1][0] + interval_ms)),
            "every": house.trial_sampled_every,
        },
    }


def _therapy_case(person: Person, house: House, acts: tuple[_Act, ...], span_ms: tuple[int, int]) -> Tables:
    midnight_ms, now_ms = span_ms
    assert person.pump is not None  # noqa: S101 - there is a day of implantation
    pump = person.pump
    return {
        "version": 1,
        "title": f"{person.number}: {person.diagnosis}",
        "patient": _patient(person),
        "system": {
            "pump": pump.model,
            "catheter": pump.catheter,
            "implanted_length": pump.implanted_length,
            "tip": pump.tip,
            "concentration": f"{start_concentration()} ug/mL",
            "fill": pump.fill,
            "flow_error": pump.flow_error or _ordinary_flow_error(person.seed),
        },
        "start": {"at": moment(midnight_ms + of_day_ms(house.surgery_at)), "zone": pump.zone},
        "event": [{"at": moment(act.at_ms), **act.table} for act in acts],
        "output": {
            "until": moment(_explanted_ms(person, house, midnight_ms) or now_ms),
            "every": house.sampled_every,
        },
    }


def _ordinary_flow_error(seed: int) -> str:
    """How far off an ordinary pump delivers, drawn from the spread between pumps."""
    spread = float(catalogue.load().practice["delivery-accuracy"].fact("gain_spread").number("percent"))
    drawn = float(np.clip(np.random.default_rng(seed).normal(), -_WIDEST_SPREAD, _WIDEST_SPREAD))
    return f"{round(drawn * spread, 1) or 0.0} percent"


def _patient(person: Person) -> Tables:
    body = person.body
    return {
        "preset": "typical-adult",
        "dispersion": body.dispersion,
        "baseline_leg_ashworth": body.leg_ashworth,
        "baseline_arm_ashworth": body.arm_ashworth,
        "baseline_spasm_score": body.spasm_score,
        "tolerance": body.tolerance,
        "origin": person.origin,
        "age": f"{person.age_years} year",
        **({"dose_cap": person.dose_cap} if person.dose_cap else {}),
        **body.overrides,
    }


def _evaluation(person: Person, house: House, trial_ms: int | None, now_ms: int) -> Iterator[Contact]:
    at_ms = None
    if person.evaluated_days_ago is not None:
        at_ms = _midnight(now_ms) - person.evaluated_days_ago * units.MS_PER_DAY
    elif trial_ms is not None:
        at_ms = _midnight(trial_ms) - days_ms(house.evaluation_before_trial_days)
    if at_ms is not None:
        yield Contact(at_ms + of_day_ms(house.visit_at), "evaluation")


def _trial_contacts(person: Person, trial_ms: int | None, now_ms: int) -> Iterator[Contact]:
    if person.trial is not None and trial_ms is not None:
        for at_ms, _ in _bolus_times(person.trial, trial_ms, now_ms):
            yield Contact(at_ms, "screening trial")


def _surgeries(house: House, midnight_ms: int | None, explanted_ms: int | None) -> Iterator[Contact]:
    if midnight_ms is not None:
        yield Contact(midnight_ms + of_day_ms(house.surgery_at), "surgery")
    if explanted_ms is not None:
        yield Contact(explanted_ms, "surgery")


def _visits(acts: tuple[_Act, ...]) -> Iterator[Contact]:
    """One contact for everything done at one instant, named after the first thing done."""
    kinds: dict[int, Kind] = {}
    for act in acts:
        if act.kind is not None:
            kinds.setdefault(act.at_ms, act.kind)
    return (Contact(at_ms, kind) for at_ms, kind in kinds.items())


def _told_contact(person: Person, told: Told, midnight_ms: int | None, now_ms: int) -> Contact:
    if told.kind is None:
        raise ValueError(f"{person.number}: contact: kind missing, expected a kind of contact")
    return Contact(_told_ms(told, midnight_ms, now_ms), told.kind, told.text)


def _told_ms(told: Told, midnight_ms: int | None, now_ms: int) -> int:
    if told.days_ago is not None:
        return now_ms - days_ms(told.days_ago)
    if told.day is None or midnight_ms is None:
        raise ValueError(f"told: got {told.text!r}, expected days_ago, or day where there is a pump")
    return midnight_ms + days_ms(told.day)


def _ug(dose_pg: int) -> str:
    return f"{units.format_number(dose_pg / units.PG_PER_UG)} ug"
