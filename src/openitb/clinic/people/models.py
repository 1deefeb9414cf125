"""Who works here and for whom: accounts, clinics, roles held for a time, care teams, emergency access."""

import uuid
from datetime import datetime
from functools import cached_property
from typing import Self

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone

from openitb.clinic.people.roles import Act, Role, acts_of
from openitb.clinic.record.models.bases import Kept


class User(AbstractUser):
    """An account. What it may do follows from the roles its person holds now, and from nothing else."""

    @property
    def shown_name(self) -> str:
        """The name beside what this person did."""
        return self.get_full_name() or self.username

    @property
    def shown_roles(self) -> str:
        """Roles held now, as the head of a page names them."""
        return ", ".join(dict.fromkeys(place.get_role_display() for place in self.places))

    @cached_property
    def places(self) -> "list[Membership]":
        """Roles held now; read once, so once for each request."""
        return list(Membership.held().filter(user=self).select_related("clinic"))

    @cached_property
    def teams(self) -> frozenset[int]:
        """Keys of the patients on whose care teams this person is now."""
        held = TeamPlace.held().filter(user=self)
        return frozenset(held.values_list("patient_id", flat=True))

    @cached_property
    def emergencies(self) -> dict[int, datetime]:
        """Patients, by key, whose records this person has opened in an emergency, and until when."""
        lasting = EmergencyAccess.objects.filter(by=self, until__gt=timezone.now()).order_by("until")
        return dict(lasting.values_list("patient_id", "until"))

    def clinics_where(self, act: Act) -> frozenset[int]:
        """Keys of the clinics where a role held now grants an act."""
        return frozenset(place.clinic_id for place in self.places if act in acts_of(place.role))


class Clinic(Kept):
    """A place that cares for patients; people of one do not see the patients of another."""

    key = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120, unique=True)
    zone = models.CharField("time zone", max_length=64)
    line = models.CharField("24-hour line", max_length=40, blank=True)

    class Meta:
        """By name."""

        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Span(Kept):
    """Holds from one instant until another, or until further notice; ended, never deleted."""

    from_at = models.DateTimeField(default=timezone.now)
    until_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """No table of its own."""

        abstract = True

    @classmethod
    def held(cls) -> "models.QuerySet[Self]":
        """Those that hold now."""
        now = timezone.now()
        rows: models.QuerySet[Self] = models.QuerySet(cls).filter(from_at__lte=now)
        return rows.filter(models.Q(until_at__isnull=True) | models.Q(until_at__gt=now))

    def end(self, reason: str = "") -> None:
        """It holds no longer."""
        self.until_at = timezone.now()
        self.save(reason=reason)


class Membership(Span):
    """A role that a person holds at a clinic."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role)

    class Meta:
        """By clinic and role; each held once at a time."""

        ordering = ("clinic", "role", "id")
        constraints = (
            models.UniqueConstraint(
                fields=["user", "clinic", "role"],
                condition=models.Q(until_at__isnull=True),
                name="membership_held_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.user} {self.role} {self.clinic}"


class TeamPlace(Span):
    """A person on the care team of a patient; matters where the patient is restricted to the team."""

    patient = models.ForeignKey("record.Patient", on_delete=models.PROTECT, related_name="team")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="team_places")

    class Meta:
        """Oldest first; each held once at a time."""

        ordering = ("from_at", "id")
        constraints = (
            models.UniqueConstraint(
                fields=["patient", "user"],
                condition=models.Q(until_at__isnull=True),
                name="team_place_held_once",
            ),
        )


class Verdict(models.TextChoices):
    """How a review of an emergency access ended."""

    JUSTIFIED = "justified", "Justified"
    NOT_JUSTIFIED = "not justified", "Not justified"


class EmergencyAccess(Kept):
    """A record opened in an emergency by a person who may not see it otherwise, until somebody reviews it."""

    patient = models.ForeignKey("record.Patient", on_delete=models.PROTECT, related_name="emergencies")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField()
    reason = models.TextField()
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reviewed_at = models.DateTimeField(null=True, blank=True, db_index=True)
    verdict = models.CharField(max_length=16, choices=Verdict, blank=True)
    review_note = models.TextField(blank=True)

    class Meta:
        """Newest first."""

        ordering = ("-at", "-id")
        constraints = (
            models.CheckConstraint(condition=~models.Q(reason=""), name="emergency_has_reason"),
            models.CheckConstraint(
                condition=models.Q(reviewed_by__isnull=True, verdict="")
                | (
                    models.Q(reviewed_by__isnull=False, reviewed_at__isnull=False)
                    & ~models.Q(verdict="")
                    & ~models.Q(reviewed_by=models.F("by"))
                ),
                name="emergency_reviewed_by_another",
            ),
        )
