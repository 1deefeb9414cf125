"""Synthetic clinics of any size: plausible, reproducible, on the trail."""

from datetime import UTC, datetime

import pytest
from django.db.models import Count
from django.test import Client
from django.urls import reverse

from openitb.clinic.demo.many import Many, write
from openitb.clinic.people.accounts import join
from openitb.clinic.people.clinics import only_clinic
from openitb.clinic.people.models import User
from openitb.clinic.people.roles import Role
from openitb.clinic.record.models import DoseRecord, Interrogation, Patient, RefillRecord, Score, TrailEntry
from openitb.clinic.record.verification import verify

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_people_have_years_of_visits_and_all_of_it_is_on_the_trail() -> None:
    added = write(Many(12, 10, NOW))
    assert Patient.objects.filter(is_synthetic=True).count() == 12
    assert added > 12 * 50
    visits = RefillRecord.objects.values("system").annotate(count=Count("pk"))
    assert min(one["count"] for one in visits) >= 20
    assert RefillRecord.objects.count() == Interrogation.objects.count() == Score.objects.count()
    assert verify().faults == ()


@pytest.mark.django_db
def test_a_larger_clinic_begins_with_the_same_people() -> None:
    write(Many(3, 2, NOW))
    first = list(Patient.objects.order_by("number").values_list("family_name", "birth_date"))
    doses = DoseRecord.objects.count()
    write(Many(5, 2, NOW))
    assert list(Patient.objects.order_by("number").values_list("family_name", "birth_date"))[:3] == first
    assert DoseRecord.objects.count() > doses
    entries = TrailEntry.objects.count()
    write(Many(5, 2, NOW))
    assert TrailEntry.objects.count() == entries


@pytest.mark.django_db
def test_new_rows_are_numbered_after_them() -> None:
    write(Many(2, 1, NOW))
    last = Patient.objects.order_by("-pk").first()
    after = Patient.objects.create(
        number="X", given_name="A", family_name="B", birth_date=NOW.date(), cause="stroke", origin="cerebral",
        stage="maintenance",
    )  # fmt: skip
    assert after.pk > last.pk


@pytest.mark.django_db
def test_their_pages_open(client: Client) -> None:
    nurse = User.objects.create_user("nora")
    join(nurse, only_clinic(), Role.NURSE)
    client.force_login(nurse)
    write(Many(2, 3, NOW))
    patient = Patient.objects.first()
    for name in ("patient", "patient-history", "sheets", "program"):
        assert client.get(reverse(name, args=[patient.key])).status_code == 200
    assert client.get(reverse("panel")).status_code == 200
