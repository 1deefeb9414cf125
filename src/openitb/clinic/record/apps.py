"""The record app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class RecordConfig(AppConfig):
    """What is kept of every person."""

    name = "openitb.clinic.record"
    label = "record"

    def ready(self) -> None:
        """Entries stay protected whatever a migration does to their tables."""
        from openitb.clinic.record.protection import protect

        post_migrate.connect(protect, sender=self, dispatch_uid="record-protection")
