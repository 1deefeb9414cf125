"""Filled pages of the record: what a person wrote on a sheet of some kind, and who signed it."""

import uuid

from django.conf import settings
from django.db import models

from openitb.clinic.record.models.bases import Entry
from openitb.clinic.record.models.patient import Patient


class Sheet(Entry):
    """One filled page, held by its kind to fields and limits. A correction is a new one that supersedes it.

    `content` holds typed values by field: quantities as whole nL, pg or ms, choices by their ids.
    """

    key = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="sheets")
    kind = models.CharField(max_length=64)
    written_at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    content = models.JSONField()
    findings = models.JSONField(default=list, help_text="What the rules said of it when it was written.")
    supersedes = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="superseded_by"
    )
    reason = models.TextField(blank=True, help_text="Why it was corrected or withdrawn.")
    is_withdrawn = models.BooleanField(default=False, help_text="Says that what it supersedes never held.")

    class Meta:
        """Newest first."""

        ordering = ("-at", "-id")
        indexes = (models.Index(fields=["patient", "kind", "-at"], name="sheet_of_patient"),)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(supersedes__isnull=True) | ~models.Q(reason=""),
                name="sheet_correction_has_reason",
            ),
        )


class Meaning(models.TextChoices):
    """What a person's name on a sheet means."""

    WRITTEN = "written by", "Written by"
    ORDERED = "ordered by", "Ordered by"
    VERIFIED = "verified by", "Verified by"


class Signature(Entry):
    """A person's word for a sheet as it was shown: what it means, how they proved who they are, sealed."""

    sheet = models.ForeignKey(Sheet, on_delete=models.PROTECT, related_name="signatures")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    signer = models.CharField(max_length=240, default="", help_text="Name and roles as they were.")
    meaning = models.CharField(max_length=48, choices=Meaning)
    shown = models.TextField(default="", help_text="The sheet's text as it stood before the person.")
    shown_digest = models.CharField(max_length=64)
    method = models.CharField(max_length=24)
    seal = models.CharField(max_length=200)

    class Meta:
        """Oldest first."""

        ordering = ("at", "id")
        constraints = (
            models.UniqueConstraint(fields=["sheet", "by", "meaning"], name="signature_once_per_meaning"),
        )
