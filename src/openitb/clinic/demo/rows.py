"""A played story as rows of the clinic's record: the person, what was seen, what was said."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from openitb import catalogue, units
from openitb.clinic.demo.cast import House, Person
from openitb.clinic.demo.notes import note
from openitb.clinic.demo.play import Played
from openitb.clinic.demo.ratings import Rated, ratings
from openitb.clinic.demo.readings import Kept, kept_readings
from openitb.clinic.demo.story import moment
from openitb.clinic.demo.syringe import drawn_nl
from openitb.clinic.demo.system_rows import Visited, write_system
from openitb.clinic.record.models import Complaint, Encounter, Patient, Score, Source, TrialBolus
from openitb.world.case import LumbarBolus, Refill


def write(played: Played, house: House) -> Patient:
    """Write everything one person's record holds; the caller has opened a transaction."""
    readings = kept_readings(played, house)
    drawn = drawn_nl(played, house)
    scores = ratings(played, house)
    by = _refill_by(played, readings)
    patient = _patient(played, by)
    patient.save()
    Score.objects.bulk_create(_score(patient, rated) for rated in scores)
    TrialBolus.objects.bulk_create(_boluses(patient, played))
    Complaint.objects.bulk_create(_complaints(patient, played))
    Encounter.objects.bulk_create(_encounters(patient, played, scores, drawn))
    if played.therapy:
        write_system(patient, played, Visited(readings, drawn, by))
    return patient


def _patient(played: Played, by: date | None) -> Patient:
    person, now = played.story.person, moment(played.story.now_ms)
    cap = person.dose_cap
    return Patient(
        number=person.number,
        is_synthetic=True,
        given_name=person.given_name,
        family_name=person.family_name,
        birth_date=birth_date(person, now.date()),
        sex=person.sex,
        cause=person.cause,
        diagnosis=person.diagnosis,
        origin=person.origin,
        stage=person.stage,
        dose_cap_pg_per_day=units.dose_pg_per_day(cap, "dose_cap") if cap else None,
        next_step=person.next_step.format(refill_by=by),
        next_look_at=_next_look(person, by, now),
        notes=person.notes,
    )


def birth_date(person: Person, today: date) -> date:
    """The day that makes the person as old today as the cast says."""
    month, day = (int(part) for part in person.birthday.split("-"))
    had_birthday = (month, day) <= (today.month, today.day)
    return date(today.year - person.age_years - (not had_birthday), month, day)


def _refill_by(played: Played, readings: tuple[Kept, ...]) -> date | None:
    """The date as the clinic worked it out at the last visit, from the reading and the last fill."""
    if not readings or played.story.explanted_ms is not None:
        return None
    by_reading = readings[-1].reading.program.refill_by
    refills = [v.event.at_ms for v, _ in played.visits() if isinstance(v.event.action, Refill)]
    filled_ms = refills[-1] if refills else played.story.implanted_ms
    longest = catalogue.load().practice["refill"].fact("clinic_maximum_interval").whole("day")
    if not by_reading or filled_ms is None:
        return None
    return min(date.fromisoformat(by_reading), moment(filled_ms).date() + timedelta(days=longest))


def _next_look(person: Person, by: date | None, now: datetime) -> datetime | None:
    """As the cast says, or at the start of the day by which a refill is due."""
    if person.look_in_days is not None:
        return now + timedelta(days=person.look_in_days)
    return None if by is None else datetime(by.year, by.month, by.day, tzinfo=UTC)


def _score(patient: Patient, rated: Rated) -> Score:
    return Score(
        patient=patient,
        at=moment(rated.at_ms),
        scale_id=rated.scale_id,
        muscle_group=rated.muscle_group,
        code=rated.code,
        value=rated.value,
        is_baseline=rated.is_baseline,
        source=Source.SIMULATED,
    )


def _complaints(patient: Patient, played: Played) -> Iterator[Complaint]:
    for said in played.story.complaints:
        yield Complaint(patient=patient, at=moment(said.at_ms), text=said.text, source=Source.SIMULATED)


def _boluses(patient: Patient, played: Played) -> Iterator[TrialBolus]:
    for event in played.trial.case.events if played.trial else ():
        if isinstance(event.action, LumbarBolus):
            yield TrialBolus(
                patient=patient,
                at=moment(event.at_ms),
                dose_pg=event.action.dose_pg,
                level=event.action.level,
                source=Source.SIMULATED,
            )


def _encounters(
    patient: Patient, played: Played, scores: tuple[Rated, ...], drawn: dict[int, int]
) -> Iterator[Encounter]:
    by_time: dict[int, list[Rated]] = defaultdict(list)
    for rated in scores:
        by_time[rated.at_ms].append(rated)
    for contact in played.story.contacts:
        yield Encounter(
            patient=patient,
            at=moment(contact.at_ms),
            kind=contact.kind,
            text=note(contact, played, by_time, drawn),
            source=Source.SIMULATED,
        )
