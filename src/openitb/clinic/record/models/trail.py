"""The trail: who did what to the record, numbered, append-only, each entry chained to the one before."""

from typing import Any

from django.conf import settings
from django.db import models

from openitb.clinic.record.models.bases import EntryError


class Action(models.TextChoices):
    """What was done."""

    ADDED = "added", "Added"
    CHANGED = "changed", "Changed"
    CORRECTED = "corrected", "Corrected"
    SIGNED = "signed", "Signed"
    VIEWED = "viewed", "Viewed"
    EXPORTED = "exported", "Exported"
    ERASED = "erased", "Erased"
    BROKE_GLASS = "broke glass", "Broke glass"
    REVIEWED = "reviewed", "Reviewed"
    SIGNED_IN = "signed in", "Signed in"
    SIGNED_OUT = "signed out", "Signed out"
    REFUSED = "refused", "Refused"


class TrailEntry(models.Model):
    """One deed. `content` is gone after a lawful erasure; its digest stays, so that the chain still holds."""

    number = models.PositiveBigIntegerField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    action = models.CharField(max_length=12, choices=Action)
    patient_key = models.UUIDField(null=True, blank=True, db_index=True)
    subject = models.CharField(
        max_length=80, db_index=True, help_text="Model and key, such as record.score:7"
    )
    reason = models.TextField(blank=True)
    content = models.JSONField(null=True)
    content_digest = models.CharField(max_length=64)
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64, unique=True)

    class Meta:
        """Newest first."""

        ordering = ("-number",)
        verbose_name_plural = "trail entries"

    def __str__(self) -> str:
        return f"{self.number} {self.action} {self.subject}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; raises `EntryError` for an entry that is already on the trail."""
        if not self._state.adding:
            raise EntryError("trail: entries are not rewritten")
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> tuple[int, dict[str, int]]:
        """Always raises `EntryError`."""
        raise EntryError("trail: entries are not deleted")


class TrailHead(models.Model):
    """The end of the chain, one row: locked while an entry is added, so that two writers never fork it."""

    number = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)


class OpenErasure(models.Model):
    """While a row stands here, within one transaction, the database lets entries of the record go."""

    at = models.DateTimeField()
