"""Questions to the record that more than one page asks."""

from django.db.models import Exists, F, FilteredRelation, OuterRef, Q, QuerySet, Subquery

from openitb.clinic.record.models import Alarm, DoseOutcome, DoseRecord, Encounter, Patient, System


def open_alarms() -> QuerySet[Alarm]:
    """Alarms raised and not cleared since: of each system and code the newest entry, if it is a raise."""
    newer = Alarm.objects.filter(system=OuterRef("system"), code=OuterRef("code"), at__gt=OuterRef("at"))
    return Alarm.objects.filter(~Exists(newer), cleared=False)


def with_state(patients: QuerySet[Patient]) -> QuerySet[Patient]:
    """Patients with their active system, running dose, last contact and open questions, in one query."""
    applied = DoseRecord.objects.filter(system=OuterRef("active__id"), outcome=DoseOutcome.APPLIED)
    unsettled = DoseRecord.objects.filter(system=OuterRef("active__id"), outcome=DoseOutcome.UNKNOWN)
    contact = Encounter.objects.filter(patient=OuterRef("pk")).order_by("-at")
    return patients.annotate(
        active=FilteredRelation("systems", condition=Q(systems__explanted_on__isnull=True)),
        pump_id=F("active__pump_id"),
        refill_by=F("active__refill_by"),
        daily_dose_pg=Subquery(applied.order_by("-at", "-id").values("daily_dose_pg")[:1]),
        last_contact=Subquery(contact.values("at")[:1]),
        has_alarm=Exists(open_alarms().filter(system=OuterRef("active__id"))),
        has_unknown=Exists(unsettled),
    )


def active_system(patient: Patient) -> System | None:
    """The system now implanted, or None."""
    return System.objects.filter(patient=patient, explanted_on__isnull=True).first()


def running_dose(system: System) -> DoseRecord | None:
    """The last order known to be applied."""
    return system.doses.filter(outcome=DoseOutcome.APPLIED).first()


def unsettled_dose(system: System) -> DoseRecord | None:
    """The newest order whose outcome is unknown; it must be read back before another is sent."""
    return system.doses.filter(outcome=DoseOutcome.UNKNOWN).first()
