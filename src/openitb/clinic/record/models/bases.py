"""What entries of the record have in common: an instant, and that nobody rewrites them."""

from typing import Any

from django.db import models


class EntryError(ValueError):
    """An attempt to rewrite or delete an entry of the record; a correction is a new entry."""


class Origin(models.TextChoices):
    """Where in the nervous system the spasticity comes from."""

    SPINAL = "spinal", "Spinal"
    CEREBRAL = "cerebral", "Cerebral"


class Source(models.TextChoices):
    """How an entry came to be: written by a person or produced by the simulator."""

    RECORDED = "recorded", "Recorded"
    SIMULATED = "simulated", "Simulated"


class Entry(models.Model):
    """Something that happened at an instant. Written once; `save` and `delete` refuse a second time."""

    at = models.DateTimeField(db_index=True)

    class Meta:
        """No table of its own."""

        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; raises `EntryError` for an entry that is already in the record."""
        if not self._state.adding:
            raise EntryError(f"{self._meta.verbose_name}: entries are not rewritten, expected a new entry")
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> tuple[int, dict[str, int]]:
        """Always raises `EntryError`."""
        raise EntryError(f"{self._meta.verbose_name}: entries are not deleted, expected a new entry")
