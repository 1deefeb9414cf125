"""Roles and what each may do, read from `roles.toml`."""

import tomllib
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path

from django.db import models

FILE = Path(__file__).with_name("roles.toml")


class Role(models.TextChoices):
    """What a person does in a clinic, or what they are to it."""

    NURSE = "nurse", "ITB nurse"
    PRESCRIBER = "prescriber", "Prescriber"
    SURGEON = "surgeon", "Neurosurgeon"
    PHARMACIST = "pharmacist", "Pharmacist"
    THERAPIST = "therapist", "Physical therapist"
    AUDITOR = "auditor", "Auditor"
    ADMINISTRATOR = "administrator", "Administrator"
    ENGINEER = "engineer", "Pump engineer"
    STAFF = "staff", "Staff"
    PATIENT = "patient", "Patient"
    CAREGIVER = "caregiver", "Caregiver"


class Act(StrEnum):
    """What can be granted."""

    SEE = "see"
    SEE_RESTRICTED = "see restricted"
    WRITE = "write"
    PROGRAM = "program"
    SIGN = "sign"
    VERIFY = "verify"
    EXPORT = "export"
    STOCK = "stock"
    AUDIT = "audit"
    ADMINISTER = "administer"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True)
class Grants:
    """The table: acts by role, what an emergency lends and for how long."""

    meaning: dict[Act, str]
    by_role: dict[Role, frozenset[Act]]
    in_emergency: frozenset[Act]
    emergency_lasts: timedelta


@cache
def grants() -> Grants:
    """The table as shipped; raises `ValueError` or `KeyError` for a role or act that does not exist."""
    table = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return Grants(
        meaning={act: table["acts"][act] for act in Act},
        by_role={role: frozenset(Act(act) for act in table["roles"][role]) for role in Role},
        in_emergency=frozenset(Act(act) for act in table["emergency"]["acts"]),
        emergency_lasts=timedelta(hours=table["emergency"]["hours"]),
    )


def acts_of(role: str) -> frozenset[Act]:
    """What a role grants."""
    return grants().by_role[Role(role)]
