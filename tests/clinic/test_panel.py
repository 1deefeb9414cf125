"""The patient list finds, filters, orders and marks who is due."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from openitb.clinic.desk.due import due
from openitb.clinic.record.models import Alarm, Encounter, Stage


def names(answer) -> list[str]:
    return re.findall(r'class="name-link"[^>]*>([^<]+)<', answer.content.decode())


def shown(desk: Client, **query: str) -> list[str]:
    return names(desk.get(reverse("panel"), query))


@pytest.fixture
def three(make):
    """Berg is overdue and in titration, Cole has an alarm, Adler has no pump."""
    today = timezone.localdate()
    adler = make.patient(family_name="Adler", stage=Stage.EVALUATION, diagnosis="Paraplegia")
    berg = make.system(
        make.patient(family_name="Berg", stage=Stage.TITRATION), refill_by=today - timedelta(days=1)
    )
    cole = make.system(make.patient(family_name="Cole"), refill_by=today + timedelta(days=3))
    Alarm.objects.create(system=cole, at=timezone.now(), code="low", level="critical", text="Low reservoir")
    make.dose(cole, daily_dose_pg=300_000_000)
    make.dose(berg, daily_dose_pg=90_000_000)
    return adler, berg, cole


def test_an_empty_clinic_says_so(desk) -> None:
    assert b"No patients yet" in desk.get(reverse("panel")).content


def test_a_search_that_finds_nobody_offers_the_way_back(desk, three) -> None:
    answer = desk.get(reverse("panel"), {"q": "zzz"})
    assert b"Nobody matches" in answer.content
    assert names(answer) == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["Adler, Ada", "Berg, Ada", "Cole, Ada"]),
        ({"q": "berg"}, ["Berg, Ada"]),
        ({"q": "ada col"}, ["Cole, Ada"]),
        ({"q": "parapleg"}, ["Adler, Ada"]),
        ({"stage": "titration"}, ["Berg, Ada"]),
        ({"attention": "overdue"}, ["Berg, Ada"]),
        ({"attention": "soon"}, ["Cole, Ada"]),
        ({"attention": "alarm"}, ["Cole, Ada"]),
        ({"attention": "unknown"}, []),
        ({"attention": "nonsense"}, ["Adler, Ada", "Berg, Ada", "Cole, Ada"]),
        ({"sort": "dose"}, ["Cole, Ada", "Berg, Ada", "Adler, Ada"]),
        ({"sort": "refill"}, ["Berg, Ada", "Cole, Ada", "Adler, Ada"]),
        ({"sort": "password"}, ["Adler, Ada", "Berg, Ada", "Cole, Ada"]),
    ],
)
def test_filters_and_orders(desk, three, query, expected) -> None:
    assert shown(desk, **query) == expected


def test_sort_by_contact_puts_first_whom_nobody_ever_saw(desk, make) -> None:
    seen = make.patient(family_name="Aron")
    make.patient(family_name="Zeno")
    Encounter.objects.create(patient=seen, at=timezone.now(), kind="check-up")
    assert shown(desk, sort="contact") == ["Zeno, Ada", "Aron, Ada"]


def test_an_alarm_that_was_cleared_is_no_alarm(desk, three) -> None:
    _, _, cole = three
    later = timezone.now() + timedelta(minutes=1)
    Alarm.objects.create(
        system=cole, at=later, code="low", level="critical", text="Low reservoir", cleared=True
    )
    assert shown(desk, attention="alarm") == []


def test_an_unresolved_command_is_marked(desk, three, make) -> None:
    _, berg, _ = three
    make.dose(berg, outcome="unknown", settled_at=None)
    assert shown(desk, attention="unknown") == ["Berg, Ada"]


def test_an_unresolved_order_is_not_shown_as_the_dose(desk, make) -> None:
    system = make.system()
    make.dose(system, daily_dose_pg=90_000_000)
    make.dose(system, daily_dose_pg=500_000_000, outcome="unknown", settled_at=None, at=timezone.now())
    page = desk.get(reverse("panel")).content.decode()
    assert "90 µg/day" in page
    assert "500 µg/day" not in page


def test_the_pump_of_the_past_is_not_the_pump_of_now(desk, make) -> None:
    old = make.system(explanted_on=timezone.localdate(), pump_id="prometra-ii-20")
    make.dose(old)
    page = desk.get(reverse("panel")).content.decode()
    assert "Prometra" not in page
    assert "200 µg/day" not in page


def test_the_list_comes_in_pages(desk, make, settings) -> None:
    settings.CLINIC_PATIENTS_PER_PAGE = 2
    for _ in range(3):
        make.patient()
    assert len(shown(desk)) == 2
    assert len(shown(desk, page="2")) == 1
    assert len(shown(desk, page="99")) == 1


@pytest.mark.parametrize("sort", ["name", "age", "stage", "dose", "refill", "contact"])
def test_every_order_shows_everyone_once_over_its_pages(desk, make, sort) -> None:
    numbers = {make.patient(family_name="Same", given_name="Name").number for _ in range(57)}
    seen = []
    for page in ("1", "2"):
        answer = desk.get(reverse("panel"), {"sort": sort, "page": page})
        seen += [patient.number for patient in answer.context["page"]]
    assert len(seen) == len(numbers) == 57
    assert set(seen) == numbers


def test_names_are_sorted_by_letter_whatever_their_case(desk, make) -> None:
    for name in ("Zhao", "de Wit", "Adler"):
        make.patient(family_name=name)
    names = [patient.family_name for patient in desk.get(reverse("panel")).context["page"]]
    assert names == ["Adler", "de Wit", "Zhao"]


def test_htmx_gets_the_rows_alone(desk, three) -> None:
    answer = desk.get(reverse("panel"), {"q": "berg"}, headers={"HX-Target": "panel-rows"})
    assert names(answer) == ["Berg, Ada"]
    assert b"<html" not in answer.content


def test_the_number_of_queries_does_not_grow_with_the_patients(
    desk, make, django_assert_max_num_queries
) -> None:
    for _ in range(30):
        make.dose(make.system(refill_by=timezone.localdate()))
    desk.get(reverse("panel"))  # remembers, once in a while, that somebody is here
    with django_assert_max_num_queries(9):
        desk.get(reverse("panel"))


def test_due_turns_at_the_day_itself(settings) -> None:
    settings.CLINIC_REFILL_DUE_SOON_DAYS = 14
    today = timezone.localdate()
    shifts = {-1: "overdue", 0: "soon", 14: "soon", 15: "later"}
    assert {days: due(today + timedelta(days=days), today) for days in shifts} == shifts
    assert due(None, today) == ""
