"""The public keys that signatures of the record are checked with."""

from django.db import models

from openitb.clinic.record.models.bases import Entry


class SealKey(Entry):
    """A clinic's Ed25519 public key, kept for ever: what was sealed with it stays checkable."""

    clinic = models.ForeignKey("people.Clinic", on_delete=models.PROTECT, related_name="seal_keys")
    fingerprint = models.CharField(max_length=16, unique=True)
    public_key = models.CharField(max_length=64, help_text="The key's 32 bytes in hexadecimal.")

    class Meta:
        """Oldest first."""

        ordering = ("at", "id")
