"""Work that waits: who must be looked at, by when, and who has taken it on."""

from django.conf import settings
from django.db import models

from openitb.clinic.record.models.patient import Patient


class Work(models.Model):
    """One thing to look at, found by the rules from the record; people claim it, hand it over, and close it.

    `key` names the reason, so that a sweep finds the same thing again. What people do with it is on the
    trail; that it was found is not, because it can be found again.
    """

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="work")
    kind = models.CharField(max_length=24)
    key = models.CharField(max_length=96)
    due_at = models.DateTimeField()
    harm_at = models.DateTimeField(null=True, blank=True)
    why = models.CharField(max_length=240, blank=True)
    step = models.PositiveSmallIntegerField(default=0, help_text="How far it has escalated.")
    raised_at = models.DateTimeField()
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="work"
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    note = models.CharField(max_length=400, blank=True)

    class Meta:
        """By earliest harm, the unknown first."""

        ordering = (models.F("harm_at").asc(nulls_first=True), "due_at", "id")
        constraints = (
            models.UniqueConstraint(
                fields=["patient", "key"], condition=models.Q(closed_at__isnull=True), name="work_open_once"
            ),
        )
        indexes = (
            models.Index(
                fields=["harm_at", "due_at"], condition=models.Q(closed_at__isnull=True), name="work_open"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind}: {self.patient}"


class Sweep(models.Model):
    """When the whole record was last looked through for work: a list older than that is never all clear."""

    at = models.DateTimeField()
    patients = models.PositiveIntegerField()
    took_ms = models.PositiveIntegerField()

    class Meta:
        """Newest first."""

        ordering = ("-at",)
