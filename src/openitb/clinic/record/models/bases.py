"""What rows of the record have in common: every change is on the trail, and entries are never rewritten."""

from collections.abc import Iterable
from typing import Any, Self, TypeVar

from django.db import models, transaction


class EntryError(ValueError):
    """An attempt to rewrite or delete an entry of the record; a correction is a new entry."""


class StaleEditError(ValueError):
    """Somebody else changed the row since it was read. `now` is the row as it stands."""

    def __init__(self, now: models.Model) -> None:
        super().__init__(
            f"{now._meta.verbose_name}: changed by somebody else meanwhile, expected a fresh copy"
        )
        self.now = now


class Origin(models.TextChoices):
    """Where in the nervous system the spasticity comes from."""

    SPINAL = "spinal", "Spinal"
    CEREBRAL = "cerebral", "Cerebral"


class Source(models.TextChoices):
    """How an entry came to be: written by a person, made by the simulator, or brought in from elsewhere."""

    RECORDED = "recorded", "Recorded"
    SIMULATED = "simulated", "Simulated"
    IMPORTED = "imported", "Imported"


Row = TypeVar("Row", bound=models.Model, covariant=True)


class KeptQuerySet(models.QuerySet[Row]):
    """Rows of the record: many may be added at once, none is changed or deleted past the trail."""

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """Insert many rows, told as one entry of the trail."""
        from openitb.clinic.record import trail

        with transaction.atomic():
            rows: list[Any] = super().bulk_create(list(objs), *args, **kwargs)
            trail.added_together(rows)
        return rows

    def update(self, **_kwargs: Any) -> int:
        """Always raises `EntryError`: changes go through `save`."""
        raise EntryError(f"{self.model._meta.verbose_name}: rows are changed one by one, with save")

    def delete(self) -> tuple[int, dict[str, int]]:
        """Always raises `EntryError`."""
        raise EntryError(f"{self.model._meta.verbose_name}: rows are not deleted")


KeptManager = models.Manager.from_queryset(KeptQuerySet)


class Kept(models.Model):
    """A row whose every change is told on the trail, and refused if somebody else was quicker."""

    version = models.PositiveIntegerField(default=1, editable=False)

    objects = KeptManager()

    class Meta:
        """No table of its own."""

        abstract = True

    def save(self, *args: Any, reason: str = "", **kwargs: Any) -> None:
        """Insert, or change if nobody else has since; raises `StaleEditError` otherwise."""
        from openitb.clinic.record import trail

        with transaction.atomic():
            if self._state.adding:
                super().save(*args, **kwargs)
                trail.added(self, reason)
                return
            before = self._locked()
            if before.version != self.version:
                raise StaleEditError(before)
            self.version += 1
            super().save()
            trail.changed(before, self, reason)

    def delete(self, *_args: Any, **_kwargs: Any) -> tuple[int, dict[str, int]]:
        """Always raises `EntryError`."""
        raise EntryError(f"{self._meta.verbose_name}: rows are not deleted")

    def _locked(self) -> Self:
        """The row as it stands, held until the transaction ends."""
        kept: Self = type(self).objects.select_for_update().get(pk=self.pk)
        return kept


class Entry(Kept):
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
