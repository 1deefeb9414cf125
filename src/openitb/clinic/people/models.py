"""A person who signs in."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class Role(models.TextChoices):
    """What a person does in the clinic."""

    NURSE = "nurse", "ITB nurse"
    PRESCRIBER = "prescriber", "Prescriber"
    SURGEON = "surgeon", "Neurosurgeon"
    THERAPIST = "therapist", "Physical therapist"
    ENGINEER = "engineer", "Pump engineer"
    OTHER = "other", "Staff"


class User(AbstractUser):
    """An account; only those with `is_staff` see patients."""

    role = models.CharField(max_length=16, choices=Role, default=Role.OTHER)

    @property
    def shown_name(self) -> str:
        """The name beside what this person did."""
        return self.get_full_name() or self.username
