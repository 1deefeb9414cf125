"""The implanted system, what was read from it and what it complained of."""

from django.db import models

from openitb.clinic.record.models.bases import Entry, Kept
from openitb.clinic.record.models.patient import Patient


class System(Kept):
    """One pump with its catheter in one person; replaced pumps stay in the record."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="systems")
    pump_id = models.CharField("pump model", max_length=64, help_text="Id in the catalogue.")
    serial = models.CharField(max_length=64, unique=True)
    catheter_id = models.CharField("catheter model", max_length=64, blank=True)
    implanted_length_mm = models.PositiveIntegerField(null=True, blank=True)
    tip_level = models.CharField(max_length=8, blank=True)
    implanted_on = models.DateField()
    explanted_on = models.DateField(null=True, blank=True)
    pump_zone_offset_ms = models.BigIntegerField(default=0, help_text="Pump clock ahead of UTC, fixed.")
    link_address = models.CharField(
        max_length=200, blank=True, help_text="Where the virtual implant answers; empty for a real pump."
    )
    refill_by = models.DateField(null=True, blank=True, db_index=True)
    low_reservoir_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Newest first."""

        ordering = ("-implanted_on", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=["patient"],
                condition=models.Q(explanted_on__isnull=True),
                name="system_one_active_per_patient",
            ),
            models.UniqueConstraint(
                fields=["link_address"], condition=~models.Q(link_address=""), name="system_link_address_once"
            ),
            models.CheckConstraint(
                condition=models.Q(explanted_on__isnull=True)
                | models.Q(explanted_on__gte=models.F("implanted_on")),
                name="system_explanted_after_implanted",
            ),
        )

    def __str__(self) -> str:
        return f"{self.pump_id} {self.serial}"

    @property
    def is_virtual(self) -> bool:
        """True if a virtual implant stands behind this system."""
        return bool(self.link_address)


class Interrogation(Entry):
    """What a pump said of itself: read at `at` by its clock, received at `received_at` by ours."""

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="interrogations")
    received_at = models.DateTimeField()
    reservoir_nl = models.BigIntegerField(help_text="Volume the pump believes it holds.")
    snapshot = models.JSONField()

    class Meta:
        """Newest first."""

        ordering = ("-received_at", "-id")
        get_latest_by = "received_at"


class AlarmLevel(models.TextChoices):
    """How urgent an alarm is."""

    CRITICAL = "critical", "Critical"
    WARNING = "warning", "Warning"
    NOTICE = "notice", "Notice"


class Alarm(Entry):
    """An alarm of a system, raised or (with `cleared`) gone."""

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="alarms")
    code = models.CharField(max_length=48)
    level = models.CharField(max_length=8, choices=AlarmLevel)
    text = models.CharField(max_length=240)
    cleared = models.BooleanField(default=False)

    class Meta:
        """Newest first."""

        ordering = ("-at", "-id")
