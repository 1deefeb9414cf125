"""Sessions of real pumps from a file: good rows kept, bad ones told by line, nothing twice."""

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse

from openitb.clinic.imports.rows import RowRefused, read
from openitb.clinic.imports.sessions import ImportRefused, import_file
from openitb.clinic.record.models import DoseRecord, Interrogation, RefillRecord
from openitb.clinic.record.queries import running_dose
from openitb.clinic.record.verification import verify

BERLIN = ZoneInfo("Europe/Berlin")
HEAD = (
    "patient_number,pump_serial,at,mode,concentration_ug_per_ml,daily_dose_ug,reservoir_ml,"
    "expected_ml,aspirated_ml,filled_ml,new_concentration_ug_per_ml,alarms,note"
)
GOOD = {
    "patient_number": "T-1",
    "pump_serial": "R1",
    "at": "2026-03-02T10:15",
    "mode": "simple continuous",
    "concentration_ug_per_ml": "2000",
    "daily_dose_ug": "212.5",
    "reservoir_ml": "38.0",
    "expected_ml": "3.1",
    "aspirated_ml": "3.4",
    "filled_ml": "38",
}


def row(**changes: str) -> str:
    values = GOOD | changes
    return ",".join(values.get(name, "") for name in HEAD.split(","))


@pytest.fixture
def system(make):
    patient = make.patient(number="T-1")
    return make.system(
        patient, serial="R1", link_address="", pump_id="synchromed-ii-40", implanted_on=date(2024, 1, 5)
    )


def imported(tmp_path: Path, *rows: str, **options: bool):
    file = tmp_path / "sessions.csv"
    file.write_text("\n".join([HEAD, *rows, ""]), encoding="utf-8")
    return import_file(file, BERLIN, **options)


def test_a_session_becomes_a_reading_a_dose_and_a_refill(system, tmp_path: Path) -> None:
    done = imported(tmp_path, row())
    assert (done.added, done.already, done.refused) == (1, 0, [])
    reading, dose, refill = Interrogation.objects.get(), DoseRecord.objects.get(), RefillRecord.objects.get()
    assert reading.at == datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
    assert (reading.reservoir_nl, dose.daily_dose_pg) == (38_000_000, 212_500_000)
    assert dose.order == {"mode": "simple continuous", "dose": "212.5 ug/day"}
    assert (refill.expected_nl, refill.aspirated_nl, refill.injected_nl) == (3_100_000, 3_400_000, 38_000_000)
    assert running_dose(system) == dose
    assert {one.source for one in (dose, refill)} == {"imported"}
    assert verify().faults == ()


def test_the_same_file_again_changes_nothing(system, tmp_path: Path) -> None:
    rows = [row(), row(at="2026-06-02T10:15")]
    imported(tmp_path, *rows)
    done = imported(tmp_path, *rows, row(at="2026-09-02T10:15"))
    assert (done.added, done.already) == (1, 2)
    assert Interrogation.objects.count() == 3


BAD = {
    "another unit": ({"daily_dose_ug": "212.5 mg"}, "its unit is the column's"),
    "a decimal comma": ({"reservoir_ml": '"38,0"'}, "reservoir_ml: got '38,0'"),
    "nothing": ({"daily_dose_ug": ""}, "daily_dose_ug: got nothing"),
    "a mode nobody knows": ({"mode": "turbo"}, "mode: got 'turbo'"),
    "no such day": ({"at": "2026-02-30T10:00"}, "at: got '2026-02-30T10:00'"),
    "a skipped hour": ({"at": "2026-03-29T02:30"}, "the clocks do not skip"),
    "the future": ({"at": "2036-01-01T10:00"}, "a time that has come"),
    "before the implant": ({"at": "2023-12-01T10:00"}, "before the implant, 2024-01-05"),
    "another patient": ({"patient_number": "T-2"}, "patient_number: got 'T-2'"),
    "no such pump": ({"pump_serial": "R9"}, "pump_serial: got 'R9'"),
    "more than the pump holds": ({"reservoir_ml": "41"}, "at most the 40 mL"),
    "half a refill": ({"filled_ml": ""}, "aspirated_ml: stands alone"),
    "swapped fields": (
        {"concentration_ug_per_ml": "212.5", "daily_dose_ug": "2000"},
        "a whole number from 1",
    ),
    "not a number": ({"daily_dose_ug": "NaN"}, "expected a plain number"),
    "below zero": ({"aspirated_ml": "-1"}, "expected 0 to"),
}


@pytest.mark.parametrize("slip", BAD)
def test_a_bad_row_is_told_by_line_and_good_ones_are_kept(system, tmp_path: Path, slip: str) -> None:
    changes, told = BAD[slip]
    bad = row(**({"at": "2026-06-02T10:15"} | changes))
    done = imported(tmp_path, row(), row(at="2026-07-02T10:15"), bad)
    assert [refusal.line for refusal in done.refused] == [4]
    assert told in done.refused[0].why
    assert done.added == 2


def test_a_ten_fold_dose_is_held_back(system, tmp_path: Path) -> None:
    done = imported(
        tmp_path,
        row(),
        row(at="2026-06-02T10:15", daily_dose_ug="2125"),
        row(at="2026-07-02T10:15", daily_dose_ug="21.25"),
        row(at="2026-08-02T10:15", daily_dose_ug="240"),
    )
    assert [refusal.line for refusal in done.refused] == [3, 4]
    assert "less than ten-fold" in done.refused[0].why
    assert done.added == 2


def test_all_or_nothing_keeps_nothing_for_one_bad_row(system, tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match=r"line 3: mode.*nothing was kept"):
        imported(tmp_path, row(), row(mode="turbo"), all_or_nothing=True)
    assert not Interrogation.objects.exists()


def test_a_virtual_implant_speaks_for_itself(make, tmp_path: Path) -> None:
    make.system(make.patient(number="T-1"), serial="R1")
    assert "a real pump" in imported(tmp_path, row()).refused[0].why


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "missing"),
        (b"a,b\n1,2\n", "missing"),
        ((HEAD + ",extra\n").encode(), "got 'extra'"),
        (b"\xff\xfe\x00", "CSV in UTF-8"),
        ((HEAD + '\n"unclosed\n').encode(), "CSV in UTF-8"),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_line(db, tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "x.csv"
    file.write_bytes(content)
    with pytest.raises(ImportRefused, match=told) as refused:
        import_file(file, BERLIN)
    assert "\n" not in str(refused.value)


def test_a_flex_row_tells_the_day_and_is_no_order(system, tmp_path: Path) -> None:
    imported(tmp_path, row(mode="flex"))
    assert Interrogation.objects.get().snapshot["program"]["mode"] == "flex"
    assert not DoseRecord.objects.exists()


def test_the_pages_show_what_was_imported(system, tmp_path: Path, desk: Client) -> None:
    imported(tmp_path, row(alarms="low reservoir"))
    for name in ("patient", "patient-history"):
        assert desk.get(reverse(name, args=[system.patient.key])).status_code == 200


def test_a_row_is_read_to_the_microlitre() -> None:
    session = read(GOOD | {"reservoir_ml": "0.316"}, BERLIN)
    assert session.reservoir_nl == 316_000
    with pytest.raises(RowRefused, match="six decimals"):
        read(GOOD | {"reservoir_ml": "0.3160001"}, BERLIN)
