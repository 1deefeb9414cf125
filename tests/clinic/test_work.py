"""The worklist: found from the record, ordered by harm, claimed once, never all clear by mistake."""

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from openitb.clinic.record.models import Alarm, Interrogation, RefillRecord, Sheet, Sweep, TrailEntry, Work
from openitb.clinic.work.sweep import GONE, look_at, sweep

ML = 1_000_000


@pytest.fixture
def running(make):
    """A pump read ten days ago with so much in it, at 0.4 mL a day."""

    def made(left_ml: float, refill_in_days: int = 30, **changes: object):
        now = timezone.now()
        system = make.system(refill_by=now.date() + timedelta(days=refill_in_days), **changes)
        make.dose(system, at=now - timedelta(days=20), settled_at=now - timedelta(days=20))
        Interrogation.objects.create(
            system=system,
            at=now - timedelta(days=10),
            received_at=now - timedelta(days=10),
            reservoir_nl=round(left_ml * ML),
            snapshot={"shape": 0},
        )
        return system

    return made


def waiting() -> list[tuple[str, str]]:
    return [(one.kind, one.patient.family_name) for one in Work.objects.filter(closed_at__isnull=True)]


def test_nothing_waits_for_a_full_pump(running) -> None:
    running(18.0, refill_in_days=20)
    sweep()
    assert waiting() == []
    assert Sweep.objects.get().patients == 1


def test_a_refill_is_due_then_late_and_escalates(running) -> None:
    system = running(14.0, refill_in_days=5)
    sweep()
    assert [kind for kind, _ in waiting()] == ["refill due"]
    sweep(timezone.now() + timedelta(days=6))
    late = Work.objects.get(closed_at__isnull=True)
    assert (late.kind, late.patient) == ("refill late", system.patient)
    first = late.step
    sweep(timezone.now() + timedelta(days=20))
    assert Work.objects.get(closed_at__isnull=True).step > first >= 1
    assert Work.objects.count() == 1  # one thing that grew, not three


def test_a_pump_that_may_be_dry_is_late_before_its_date(running) -> None:
    running(4.5, refill_in_days=30)
    sweep(timezone.now() + timedelta(days=1))
    assert [kind for kind, _ in waiting()] == ["refill late"]


def test_who_may_be_harmed_first_stands_first_and_the_unknown_before_all(running, make) -> None:
    unread = make.system(refill_by=None)
    soon, later = running(5.0, refill_in_days=2), running(9.0, refill_in_days=2)
    sweep()
    names = [unread.patient.family_name, soon.patient.family_name, later.patient.family_name]
    assert [name for _, name in waiting()] == names


def test_an_alarm_waits_until_it_is_cleared(running) -> None:
    system = running(18.0, refill_in_days=20)
    told = {"system": system, "code": "motor-stalled", "level": "critical", "text": "Motor stalled"}
    Alarm.objects.create(at=timezone.now(), **told)
    look_at(system.patient)
    assert [kind for kind, _ in waiting()] == ["alarm critical"]
    Alarm.objects.create(at=timezone.now(), cleared=True, **told)
    look_at(system.patient)
    assert waiting() == []
    assert Work.objects.get().note == GONE


def test_an_order_nobody_knows_the_outcome_of_waits(running, make) -> None:
    system = running(18.0, refill_in_days=20)
    make.dose(system, outcome="unknown", settled_at=None)
    sweep()
    assert [one.key for one in Work.objects.all()] == [f"unknown:{system.pk}"]


@pytest.mark.parametrize(("drawn_ml", "waits"), [(3.0, False), (3.9, False), (8.0, True), (0.0, True)])
def test_a_residual_that_does_not_add_up_waits_until_its_cause_is_written(running, drawn_ml, waits) -> None:
    system = running(18.0, refill_in_days=20)
    RefillRecord.objects.create(
        system=system,
        at=timezone.now() - timedelta(days=1),
        expected_nl=3 * ML,
        aspirated_nl=round(drawn_ml * ML),
        injected_nl=18 * ML,
        new_concentration_ug_per_ml=500,
    )
    sweep()
    assert bool(waiting()) is waits
    now = timezone.now()
    Sheet.objects.create(
        patient=system.patient,
        kind="refill.discrepancy",
        at=now,
        written_at=now,
        content={"cause": "unknown"},
    )
    sweep()
    assert waiting() == []


def test_a_replaced_pump_asks_for_nothing(running) -> None:
    running(1.0, refill_in_days=-30, explanted_on=date.today())
    sweep()
    assert waiting() == []


def test_work_is_taken_once_and_told_on_the_trail(desk: Client, running, staff, make) -> None:
    running(4.0, refill_in_days=1)
    sweep()
    work = Work.objects.get()
    address = reverse("work-act", args=[work.pk])
    assert desk.post(address, {"deed": "claim"}).status_code == 302
    work.refresh_from_db()
    assert work.claimed_by == staff
    assert TrailEntry.objects.first().content["deed"] == "claim"
    other = make.staff("otto")
    desk.force_login(other)
    late = desk.post(address, {"deed": "claim"})
    assert late.status_code == 409
    assert b"was quicker" in late.content
    desk.post(address, {"deed": "hand over", "to": str(other.pk)})
    work.refresh_from_db()
    assert work.claimed_by == other
    assert desk.post(address, {"deed": "done", "note": ""}).status_code == 409
    desk.post(address, {"deed": "done", "note": "refilled at home"})
    work.refresh_from_db()
    assert (work.closed_by, work.note) == (other, "refilled at home")
    assert desk.post(address, {"deed": "done", "note": "again"}).status_code == 409


def test_what_was_done_and_still_is_so_waits_again(desk: Client, running) -> None:
    """Closing says that somebody looked; only a refill ends a late refill."""
    running(4.0, refill_in_days=-1)
    sweep()
    desk.post(reverse("work-act", args=[Work.objects.get().pk]), {"deed": "done", "note": "called"})
    sweep(timezone.now() + timedelta(hours=1))
    assert [kind for kind, _ in waiting()] == ["refill late"]


def test_the_page_orders_filters_and_never_shows_an_old_list(desk: Client, running, staff) -> None:
    running(4.0, refill_in_days=1)
    page = desk.get(reverse("worklist")).content.decode()  # swept because it never was
    assert "1 to look at" in page
    old = Sweep.objects.get()
    Sweep.objects.filter(pk=old.pk).update(at=timezone.now() - timedelta(days=2))
    desk.get(reverse("worklist"))
    assert Sweep.objects.count() == 2
    assert "0 to look at" in desk.get(reverse("worklist") + "?whose=mine").content.decode()
    assert "Nothing like this waits" in desk.get(reverse("worklist") + "?kind=wound+check").content.decode()


def test_a_page_of_work_takes_few_queries_however_long_it_is(
    desk: Client, running, django_assert_max_num_queries
) -> None:
    for _ in range(12):
        running(4.0, refill_in_days=1)
    sweep()
    with django_assert_max_num_queries(14):
        desk.get(reverse("worklist"))


def test_going_back_leads_only_to_pages_of_ours(desk: Client, running) -> None:
    running(4.0, refill_in_days=1)
    sweep()
    address = reverse("work-act", args=[Work.objects.get().pk])
    for back in ("https://elsewhere.example/", "//elsewhere.example/"):
        answer = desk.post(address, {"deed": "claim", "back": back})
        assert answer.headers["Location"] == reverse("worklist")
