"""What was seen of the person: scores, encounters, complaints."""

from django.conf import settings
from django.db import models

from openitb.clinic.record.models.bases import Entry, Source
from openitb.clinic.record.models.patient import Patient


class Side(models.TextChoices):
    """Side of the body."""

    LEFT = "left", "Left"
    RIGHT = "right", "Right"
    BOTH = "both", "Both"


class Score(Entry):
    """One rating on one scale: the code as written, and its place among the codes as a number."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="scores")
    scale_id = models.CharField("scale", max_length=48, help_text="Id in the catalogue.")
    muscle_group = models.CharField(max_length=64, blank=True)
    side = models.CharField(max_length=8, choices=Side, blank=True)
    code = models.CharField(max_length=8)
    value = models.DecimalField(max_digits=6, decimal_places=2)
    is_baseline = models.BooleanField(default=False)
    source = models.CharField(max_length=12, choices=Source, default=Source.RECORDED)

    class Meta:
        """Oldest first."""

        ordering = ("at", "id")


class EncounterKind(models.TextChoices):
    """Kinds of contact between person and clinic."""

    EVALUATION = "evaluation", "Evaluation"
    TRIAL = "screening trial", "Screening trial"
    SURGERY = "surgery", "Surgery"
    RECOVERY = "recovery check", "Recovery check"
    TITRATION = "titration visit", "Titration visit"
    REFILL = "refill visit", "Refill visit"
    CHECK_UP = "check-up", "Check-up"
    TELEPHONE = "telephone", "Telephone"
    EMERGENCY = "emergency", "Emergency"


class Encounter(Entry):
    """A contact: what kind, what was found and agreed, by whom."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="encounters")
    kind = models.CharField(max_length=24, choices=EncounterKind)
    text = models.TextField(blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    source = models.CharField(max_length=12, choices=Source, default=Source.RECORDED)

    class Meta:
        """Newest first."""

        ordering = ("-at", "-id")


class Complaint(Entry):
    """What the person or a carer reported."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="complaints")
    text = models.TextField()
    source = models.CharField(max_length=12, choices=Source, default=Source.RECORDED)

    class Meta:
        """Newest first."""

        ordering = ("-at", "-id")
