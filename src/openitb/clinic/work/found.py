"""What the record says has to be looked at: the rules are `guidance.worklist`'s, the facts the record's.

Facts of all people are read by a few queries, so that a clinic of 100,000 is looked through in seconds.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.db.models import Exists, F, OuterRef, QuerySet, Subquery

from openitb import catalogue, units
from openitb.clinic.record.models import (
    AlarmLevel,
    DoseOutcome,
    DoseRecord,
    Interrogation,
    RefillRecord,
    Sheet,
    Signature,
    System,
)
from openitb.clinic.record.queries import open_alarms
from openitb.clinic.sheets import kinds
from openitb.guidance import volume_discrepancy
from openitb.guidance.worklist import (
    Filled,
    Kind,
    PumpBounds,
    item,
    late_refill,
    refill_item,
    reserve,
    tolerance_nl,
)

READ_BACK = "an order was sent and nobody knows whether the pump runs it"


@dataclass(frozen=True, slots=True)
class Found:
    """One thing to look at. Instants in ms since the epoch; `harm_ms` None is not known, and comes first."""

    patient_id: int
    kind: Kind
    key: str
    due_ms: int
    harm_ms: int | None
    why: str
    step: int = 0


def found(now: datetime, zone: ZoneInfo, patient_id: int | None = None) -> Iterator[Found]:
    """Everything of everybody, or of one person."""
    now_ms = _ms(now)
    yield from _refills(now_ms, zone, patient_id)
    yield from _alarms(patient_id)
    yield from _unresolved(patient_id)
    yield from _residuals(patient_id)
    yield from _unsigned(patient_id)


def _of(rows: "QuerySet[System]", patient_id: int | None) -> "QuerySet[System]":
    return rows if patient_id is None else rows.filter(patient_id=patient_id)


def _refills(now_ms: int, zone: ZoneInfo, patient_id: int | None) -> Iterator[Found]:
    reading = Interrogation.objects.filter(system=OuterRef("pk")).order_by("-received_at", "-id")
    dose = DoseRecord.objects.filter(system=OuterRef("pk"), outcome=DoseOutcome.APPLIED).order_by(
        "-at", "-id"
    )
    rows = _of(System.objects.filter(explanted_on__isnull=True), patient_id).annotate(
        read_at=Subquery(reading.values("at")[:1]),
        held_nl=Subquery(reading.values("reservoir_nl")[:1]),
        dose_pg=Subquery(dose.values("daily_dose_pg")[:1]),
        strength=Subquery(dose.values("concentration_ug_per_ml")[:1]),
    )
    fields = (
        "patient_id",
        "pump_id",
        "refill_by",
        "read_at",
        "held_nl",
        "dose_pg",
        "strength",
        "link_address",
    )
    for one in rows.values(*fields).iterator(chunk_size=5000):
        yield from _refill(one, now_ms, zone)


_KNOWN = (
    "patient_id",
    "pump_id",
    "refill_by",
    "read_at",
    "held_nl",
    "dose_pg",
    "strength",
    "link_address",
)


def _refill(one: dict[str, object], now_ms: int, zone: ZoneInfo) -> Iterator[Found]:
    known = _filled(one)
    by = one["refill_by"]
    if by is None and known is None:
        yield Found(
            _id(one), "refill late", "refill", now_ms, None, "no reading and no refill date: find out"
        )
        return
    by_ms = _ms(datetime.combine(by, time(), zone)) if by else reserve(known).low_ms  # type: ignore[arg-type]
    due = refill_item("", by_ms, known, now_ms)
    if due is None:
        return
    ladder = late_refill(by_ms, known, now_ms)
    why = due.why or "the refill is near"
    step = f": {ladder.what}" if ladder.step else ""
    yield Found(_id(one), due.kind, "refill", due.due_ms, due.harm_ms, f"{why}{step}", ladder.step)


def _filled(one: dict[str, object]) -> Filled | None:
    """What is known of the reservoir; None without a reading or without an order that runs."""
    read_at, held, dose, strength = (one[name] for name in ("read_at", "held_nl", "dose_pg", "strength"))
    if not isinstance(read_at, datetime) or dose is None or not strength:
        return None
    pump = str(one["pump_id"])
    return Filled(
        read_ms=_ms(read_at),
        volume_nl=max(int(str(held)), 0),
        flow_nl_per_day=units.divide_nearest(int(str(dose)), int(str(strength))),
        pump=_bounds(pump),
        alarm_nl=_alarm_nl(pump),
        tolerance_nl=tolerance_nl(is_verified=bool(one["link_address"])),
    )


@lru_cache(maxsize=64)
def _bounds(pump_id: str) -> PumpBounds:
    return PumpBounds.of(catalogue.load().pump(pump_id))


@lru_cache(maxsize=64)
def _alarm_nl(pump_id: str) -> int:
    return catalogue.load().pump(pump_id).low_reservoir_alarm_nl


def _alarms(patient_id: int | None) -> Iterator[Found]:
    rows = open_alarms().filter(system__explanted_on__isnull=True)
    if patient_id is not None:
        rows = rows.filter(system__patient_id=patient_id)
    for alarm in rows.annotate(whose=F("system__patient_id")).iterator(chunk_size=5000):
        kind: Kind = "alarm critical" if alarm.level == AlarmLevel.CRITICAL else "alarm"
        told = item(kind, "", _ms(alarm.at))
        key = f"alarm:{alarm.system_id}:{alarm.code}"
        yield Found(alarm.whose, kind, key, told.due_ms, told.harm_ms, alarm.text)


def _unresolved(patient_id: int | None) -> Iterator[Found]:
    rows = DoseRecord.objects.filter(outcome=DoseOutcome.UNKNOWN, system__explanted_on__isnull=True)
    if patient_id is not None:
        rows = rows.filter(system__patient_id=patient_id)
    for whose, at, system_id in rows.values_list("system__patient_id", "at", "system_id"):
        told = item("alarm critical", "", _ms(at))
        yield Found(whose, "alarm critical", f"unknown:{system_id}", told.due_ms, told.harm_ms, READ_BACK)


def _residuals(patient_id: int | None) -> Iterator[Found]:
    """The newest refill of a pump whose volume does not add up and whose cause nobody has written down."""
    newer = RefillRecord.objects.filter(system=OuterRef("system"), at__gt=OuterRef("at"))
    rows = RefillRecord.objects.filter(
        ~Exists(newer), expected_nl__isnull=False, system__explanted_on__isnull=True
    ).exclude(aspirated_nl=F("expected_nl"))
    told = Sheet.objects.filter(patient=OuterRef("system__patient"), kind=_CAUSE, at__gte=OuterRef("at"))
    rows = rows.filter(~Exists(told))
    if patient_id is not None:
        rows = rows.filter(system__patient_id=patient_id)
    before = RefillRecord.objects.filter(system=OuterRef("system"), at__lt=OuterRef("at")).order_by("-at")
    rows = rows.annotate(whose=F("system__patient_id"), filled_nl=Subquery(before.values("injected_nl")[:1]))
    for refill in rows.iterator(chunk_size=5000):
        if (one := _residual(refill)) is not None:
            yield one


_CAUSE = "refill.discrepancy"


def _residual(refill: RefillRecord) -> Found | None:
    expected = refill.expected_nl or 0
    delivered = max((getattr(refill, "filled_nl", None) or expected) - expected, 0)
    answer = volume_discrepancy(expected, refill.aspirated_nl, delivered)
    if answer.judgement == "accept":
        return None
    told = item("residual", "", _ms(refill.at))
    difference = units.format_volume(abs(refill.aspirated_nl - expected), 1)
    why = f"{difference} {answer.direction} at the last refill"
    whose = int(getattr(refill, "whose", 0))
    return Found(whose, "residual", f"residual:{refill.pk}", told.due_ms, told.harm_ms, why)


def _unsigned(patient_id: int | None) -> Iterator[Found]:
    """Sheets that somebody has yet to sign or to verify."""
    for meaning, some in _signed_kinds().items():
        signed = Signature.objects.filter(sheet=OuterRef("pk"), meaning=meaning)
        rows = Sheet.objects.filter(
            ~Exists(signed), kind__in=some, superseded_by__isnull=True, is_withdrawn=False
        )
        if patient_id is not None:
            rows = rows.filter(patient_id=patient_id)
        for pk, whose, at, kind in rows.values_list("pk", "patient_id", "at", "kind"):
            told = item("result to verify", "", _ms(at))
            why = f"{kinds.kind(kind).title}: to be {meaning}"
            yield Found(whose, "result to verify", f"sign:{pk}:{meaning}", told.due_ms, told.harm_ms, why)


def _signed_kinds() -> dict[str, list[str]]:
    by_meaning: dict[str, list[str]] = {}
    for kind in kinds.kinds().values():
        for meaning in filter(None, (kind.signed, kind.verified)):
            by_meaning.setdefault(meaning, []).append(kind.id)
    return by_meaning


def _id(one: dict[str, object]) -> int:
    return int(str(one["patient_id"]))


def _ms(at: datetime) -> int:
    return round(at.astimezone(UTC).timestamp() * units.MS_PER_S)


def together(some: Iterable[Found]) -> dict[tuple[int, str], Found]:
    """By person and reason."""
    return {(one.patient_id, one.key): one for one in some}
