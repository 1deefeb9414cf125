"""People, patients and a scripted pump for the clinic's tests."""

import importlib.util
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from openitb.clinic.people.accounts import join
from openitb.clinic.people.clinics import only_clinic
from openitb.clinic.people.models import Clinic, User
from openitb.clinic.people.roles import Role
from openitb.clinic.record.models import Cause, DoseRecord, Origin, Patient, Stage, System


def _load_scripted_link() -> ModuleType:
    name = "scripted_link"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("scripted_link.py"))
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


class Make:
    """Makes rows with believable values; anything can be overridden."""

    def __init__(self) -> None:
        self.numbers = count(1)

    def patient(self, **changes: Any) -> Patient:
        number = next(self.numbers)
        values: dict[str, Any] = {
            "number": f"T-{number:04d}",
            "is_synthetic": True,
            "given_name": "Ada",
            "family_name": f"Family{number:03d}",
            "birth_date": date(1980, 5, 17),
            "cause": Cause.MULTIPLE_SCLEROSIS,
            "origin": Origin.SPINAL,
            "stage": Stage.MAINTENANCE,
        }
        return Patient.objects.create(**values | changes)

    def system(self, patient: Patient | None = None, **changes: Any) -> System:
        number = next(self.numbers)
        values: dict[str, Any] = {
            "patient": patient or self.patient(),
            "pump_id": "synchromed-ii-20",
            "serial": f"V{number}",
            "catheter_id": "ascenda-8780",
            "implanted_length_mm": 800,
            "tip_level": "T10",
            "implanted_on": date(2025, 1, 10),
            "link_address": f"pump-{number}",
        }
        return System.objects.create(**values | changes)

    def dose(self, system: System, **changes: Any) -> DoseRecord:
        now = timezone.now()
        values: dict[str, Any] = {
            "system": system,
            "at": now - timedelta(days=3),
            "order": {"mode": "simple continuous", "dose": "200 ug/day"},
            "concentration_ug_per_ml": 500,
            "program_digest": "a" * 64,
            "daily_dose_pg": 200_000_000,
            "outcome": "applied",
            "settled_at": now - timedelta(days=3),
        }
        return DoseRecord.objects.create(**values | changes)

    def clinic(self, **changes: Any) -> Clinic:
        values: dict[str, Any] = {"name": f"Clinic {next(self.numbers)}", "zone": "UTC"}
        return Clinic.objects.create(**values | changes)

    def staff(self, username: str = "nora", *roles: Role, clinic: Clinic | None = None) -> User:
        """A member of staff, a nurse of the only clinic unless told otherwise."""
        user = User.objects.create_user(username, first_name="Nora", last_name="Lind")
        join(user, clinic or only_clinic(), *(roles or (Role.NURSE,)))
        return user


@pytest.fixture
def make(db: None) -> Make:
    return Make()


@pytest.fixture
def staff(make: Make) -> User:
    return make.staff()


@pytest.fixture(autouse=True)
def _nobody_tried_before() -> None:
    """Attempts to sign in are counted in the cache, which outlives a test."""
    cache.clear()


def just_signed_in(client: Client, user: User) -> Client:
    """A browser in which a person signed in with their password a moment ago."""
    client.force_login(user)
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client


@pytest.fixture
def desk(client: Client, staff: User) -> Client:
    """A browser in which a member of staff is signed in."""
    return just_signed_in(client, staff)


@pytest.fixture
def pump(settings: Any) -> Iterator[Any]:
    """The script of the pump behind every page of this test."""
    module = _load_scripted_link()
    settings.CLINIC_LINK = "scripted_link.ScriptedLink"
    module.reset()
    yield module.SCRIPT
    module.reset()


@pytest.fixture
def noon() -> datetime:
    return datetime(2026, 1, 5, 12, tzinfo=UTC)
