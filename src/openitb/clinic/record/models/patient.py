"""A person in the therapy."""

import uuid
from datetime import date

from django.db import models
from django.utils import timezone

from openitb.clinic.record.models.bases import Kept, Origin


class Sex(models.TextChoices):
    """Sex as the record states it."""

    FEMALE = "female", "Female"
    MALE = "male", "Male"
    OTHER = "other", "Other"
    UNKNOWN = "unknown", "Unknown"


class Cause(models.TextChoices):
    """What the spasticity follows from."""

    CEREBRAL_PALSY = "cerebral palsy", "Cerebral palsy"
    MULTIPLE_SCLEROSIS = "multiple sclerosis", "Multiple sclerosis"
    SPINAL_CORD_INJURY = "spinal cord injury", "Spinal cord injury"
    BRAIN_INJURY = "brain injury", "Brain injury"
    STROKE = "stroke", "Stroke"
    HEREDITARY = "hereditary", "Hereditary spastic paraplegia"
    OTHER = "other", "Other"


class Stage(models.TextChoices):
    """Where in the therapy the person is."""

    EVALUATION = "evaluation", "Evaluation"
    TRIAL = "trial", "Screening trial"
    AWAITING_IMPLANT = "awaiting implant", "Awaiting implant"
    RECOVERY = "recovery", "Recovery"
    TITRATION = "titration", "Titration"
    MAINTENANCE = "maintenance", "Maintenance"
    REFILL_DUE = "refill due", "Refill due"
    TROUBLESHOOTING = "troubleshooting", "Troubleshooting"
    EMERGENCY = "emergency", "Emergency"
    REPLACEMENT = "replacement planned", "Replacement planned"
    EXPLANTED = "explanted", "Explanted"
    NOT_A_CANDIDATE = "not a candidate", "Not a candidate"


def clinic_of_new_patients() -> int:
    """Key of the clinic a patient belongs to if none is named; raises `ClinicError` where several are."""
    from openitb.clinic.people.clinics import only_clinic  # people are loaded after the record's models

    return only_clinic().pk


class Patient(Kept):
    """Who it is, why the therapy, where in it, and what to look at next."""

    key = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(
        "people.Clinic", on_delete=models.PROTECT, related_name="patients", default=clinic_of_new_patients
    )
    is_restricted = models.BooleanField(default=False, help_text="Only the care team sees the record.")
    number = models.CharField("record number", max_length=24, unique=True)
    is_synthetic = models.BooleanField(default=False)
    given_name = models.CharField(max_length=80)
    family_name = models.CharField(max_length=80)
    birth_date = models.DateField()
    sex = models.CharField(max_length=8, choices=Sex, default=Sex.UNKNOWN)
    cause = models.CharField(max_length=24, choices=Cause)
    diagnosis = models.CharField(max_length=200, blank=True)
    origin = models.CharField(max_length=8, choices=Origin)
    stage = models.CharField(max_length=24, choices=Stage, db_index=True)
    dose_cap_pg_per_day = models.BigIntegerField(
        null=True, blank=True, help_text="The prescriber's own upper limit for this person."
    )
    next_step = models.CharField(max_length=240, blank=True)
    next_look_at = models.DateTimeField(null=True, blank=True, db_index=True)
    notes = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        """By name."""

        ordering = ("family_name", "given_name", "id")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(dose_cap_pg_per_day__isnull=True) | models.Q(dose_cap_pg_per_day__gt=0),
                name="patient_cap_above_zero",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """Family name first, as lists are read."""
        return f"{self.family_name}, {self.given_name}"

    def age_years(self, on: date) -> int:
        """Completed years of life on a day."""
        before_birthday = (on.month, on.day) < (self.birth_date.month, self.birth_date.day)
        return on.year - self.birth_date.year - before_birthday
