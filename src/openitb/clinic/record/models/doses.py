"""Drug in the record: orders sent to a pump, refills, screening boluses."""

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models, transaction

from openitb.clinic.record import trail
from openitb.clinic.record.models.bases import Entry, EntryError, Source
from openitb.clinic.record.models.patient import Patient
from openitb.clinic.record.models.system import Interrogation, System


class DoseOutcome(models.TextChoices):
    """What became of an order. Unknown stays until the pump has been read back."""

    APPLIED = "applied", "Applied"
    REFUSED = "refused", "Refused"
    UNKNOWN = "unknown", "Unknown"


class DoseRecord(Entry):
    """One order meant for a pump, written before it is sent and settled once its outcome is known."""

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="doses")
    command_id = models.UUIDField(unique=True, default=uuid.uuid4)
    order = models.JSONField(help_text="Canonical textual form.")
    concentration_ug_per_ml = models.PositiveIntegerField()
    program_digest = models.CharField(max_length=64)
    daily_dose_pg = models.BigIntegerField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    findings = models.JSONField(default=list)
    override_reason = models.TextField(blank=True)
    outcome = models.CharField(max_length=8, choices=DoseOutcome, default=DoseOutcome.UNKNOWN)
    outcome_text = models.CharField(max_length=400, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    read_back = models.ForeignKey(
        Interrogation, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    source = models.CharField(max_length=12, choices=Source, default=Source.RECORDED)

    class Meta:
        """Newest first."""

        ordering = ("-at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=["system"],
                condition=models.Q(outcome=DoseOutcome.UNKNOWN),
                name="dose_one_unknown_per_system",
            ),
            models.CheckConstraint(condition=models.Q(daily_dose_pg__gte=0), name="dose_not_negative"),
            models.CheckConstraint(
                condition=models.Q(concentration_ug_per_ml__gt=0), name="dose_concentration_above_zero"
            ),
            models.CheckConstraint(
                condition=models.Q(outcome=DoseOutcome.UNKNOWN) | models.Q(settled_at__isnull=False),
                name="dose_known_outcome_has_instant",
            ),
        )

    def settle(
        self, outcome: DoseOutcome, text: str, at: datetime, read_back: Interrogation | None = None
    ) -> None:
        """Write a known outcome, once; raises `EntryError` if it was known before, or is not now."""
        if outcome == DoseOutcome.UNKNOWN:
            raise EntryError(f"command {self.command_id}: got unknown, expected applied or refused")
        self._write_outcome(outcome=outcome, outcome_text=text, settled_at=at, read_back=read_back)

    def remain_unknown(self, text: str) -> None:
        """Note why the outcome is still unknown; raises `EntryError` if it is known."""
        self._write_outcome(outcome_text=text)

    def _write_outcome(self, **fields: Any) -> None:
        with transaction.atomic():
            before = self._locked()
            if before.settled_at is not None:
                raise EntryError(f"command {self.command_id}: already settled, expected an unknown outcome")
            for name, value in (fields | {"version": before.version + 1}).items():
                setattr(self, name, value)
            models.Model.save(self)
            trail.changed(before, self)


class RefillRecord(Entry):
    """One refill: what should have come out, what did, what went in. Volumes in nL."""

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="refills")
    expected_nl = models.BigIntegerField(null=True, blank=True)
    aspirated_nl = models.BigIntegerField()
    injected_nl = models.BigIntegerField()
    old_concentration_ug_per_ml = models.PositiveIntegerField(null=True, blank=True)
    new_concentration_ug_per_ml = models.PositiveIntegerField()
    bridged = models.BooleanField(null=True, blank=True, help_text="Only where the concentration changed.")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    source = models.CharField(max_length=12, choices=Source, default=Source.RECORDED)

    class Meta:
        """Newest first."""

        ordering = ("-at", "-id")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(aspirated_nl__gte=0) & models.Q(injected_nl__gte=0),
                name="refill_not_negative",
            ),
        )

    @property
    def discrepancy_nl(self) -> int | None:
        """Aspirated less expected; None where nothing was expected."""
        return None if self.expected_nl is None else self.aspirated_nl - self.expected_nl


class TrialBolus(Entry):
    """A screening dose given into the spinal fluid."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="trial_boluses")
    dose_pg = models.BigIntegerField()
    level = models.CharField(max_length=8, blank=True)
    source = models.CharField(max_length=12, choices=Source, default=Source.RECORDED)

    class Meta:
        """Newest first."""

        ordering = ("-at", "-id")
        constraints = (
            models.CheckConstraint(condition=models.Q(dose_pg__gt=0), name="trial_bolus_above_zero"),
        )
