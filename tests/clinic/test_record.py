"""The record refuses what cannot be, and nobody rewrites it."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone

from openitb.clinic.record.models import DoseOutcome, Encounter, EntryError, RefillRecord, System, TrialBolus
from openitb.clinic.record.queries import active_system, open_alarms, running_dose, unsettled_dose


def test_a_person_has_one_pump_at_a_time(make) -> None:
    system = make.system()
    with pytest.raises(IntegrityError):
        make.system(system.patient)


def test_a_replaced_pump_makes_room_for_the_next(make) -> None:
    old = make.system(explanted_on=date(2026, 1, 2))
    new = make.system(old.patient, implanted_on=date(2026, 1, 2))
    assert active_system(old.patient) == new


def test_a_pump_is_not_explanted_before_it_is_implanted(make) -> None:
    with pytest.raises(IntegrityError):
        make.system(implanted_on=date(2026, 1, 2), explanted_on=date(2026, 1, 1))


def test_one_virtual_implant_stands_behind_one_system(make) -> None:
    make.system(link_address="pump-7")
    with pytest.raises(IntegrityError):
        make.system(link_address="pump-7")


def test_real_pumps_share_the_empty_address(make) -> None:
    assert not make.system(link_address="").is_virtual
    make.system(link_address="")
    assert System.objects.filter(link_address="").count() == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"daily_dose_pg": -1},
        {"concentration_ug_per_ml": 0},
        {"outcome": "applied", "settled_at": None},
    ],
)
def test_impossible_orders_are_refused(make, changes) -> None:
    system = make.system()
    with pytest.raises(IntegrityError):
        make.dose(system, **changes)


def test_a_cap_of_zero_is_refused(make) -> None:
    with pytest.raises(IntegrityError):
        make.patient(dose_cap_pg_per_day=0)


def test_negative_volumes_and_empty_boluses_are_refused(make) -> None:
    refill = {"system": make.system(), "at": timezone.now(), "aspirated_nl": -1, "injected_nl": 1}
    with pytest.raises(IntegrityError):
        RefillRecord.objects.create(**refill, new_concentration_ug_per_ml=500)


def test_a_bolus_of_nothing_is_refused(make) -> None:
    with pytest.raises(IntegrityError):
        TrialBolus.objects.create(patient=make.patient(), at=timezone.now(), dose_pg=0)


def test_entries_are_neither_rewritten_nor_deleted(make) -> None:
    entry = Encounter.objects.create(patient=make.patient(), at=timezone.now(), kind="check-up", text="first")
    entry.text = "second"
    with pytest.raises(EntryError, match="not rewritten"):
        entry.save()
    with pytest.raises(EntryError, match="not deleted"):
        entry.delete()
    assert Encounter.objects.get().text == "first"


def test_an_outcome_is_written_once(make) -> None:
    order = make.dose(make.system(), outcome="unknown", settled_at=None)
    order.settle(DoseOutcome.APPLIED, "read back", timezone.now())
    with pytest.raises(EntryError, match="already settled"):
        order.settle(DoseOutcome.REFUSED, "no", timezone.now())
    order.refresh_from_db()
    assert (order.outcome, order.outcome_text) == ("applied", "read back")


def test_unknown_is_no_outcome_to_settle_with(make) -> None:
    order = make.dose(make.system(), outcome="unknown", settled_at=None)
    with pytest.raises(EntryError, match="expected applied or refused"):
        order.settle(DoseOutcome.UNKNOWN, "?", timezone.now())


def test_a_pump_has_one_unresolved_command_at_most(make) -> None:
    system = make.system()
    make.dose(system, outcome="unknown", settled_at=None)
    with pytest.raises(IntegrityError):
        make.dose(system, outcome="unknown", settled_at=None)


def test_running_is_the_newest_applied_and_unsettled_the_unknown(make) -> None:
    system = make.system()
    assert running_dose(system) is None
    assert unsettled_dose(system) is None
    make.dose(system, at=timezone.now() - timedelta(days=9))
    newest = make.dose(system, at=timezone.now() - timedelta(days=2))
    make.dose(system, at=timezone.now(), outcome="refused")
    unknown = make.dose(system, at=timezone.now(), outcome="unknown", settled_at=None)
    assert running_dose(system) == newest
    assert unsettled_dose(system) == unknown


def test_the_discrepancy_is_drawn_less_expected_or_nothing_expected() -> None:
    refill = RefillRecord(expected_nl=3_000_000, aspirated_nl=4_200_000, injected_nl=0)
    assert refill.discrepancy_nl == 1_200_000
    assert RefillRecord(aspirated_nl=1, injected_nl=0).discrepancy_nl is None


def test_no_alarm_is_open_where_none_was_raised(make) -> None:
    make.system()
    assert not open_alarms().exists()


def test_age_counts_completed_years(make) -> None:
    patient = make.patient(birth_date=date(2000, 2, 29))
    assert [patient.age_years(date(2026, *day)) for day in ((2, 28), (3, 1))] == [25, 26]
