"""Sheets of every kind: filled, refused, corrected, withdrawn, and kept once."""

from datetime import timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from openitb.clinic.record.models import Sheet
from openitb.clinic.record.verification import verify
from openitb.clinic.sheets import checks, form, kinds, store, values
from openitb.clinic.sheets.kinds import SheetField
from openitb.clinic.sheets.values import ValueRefused

BERLIN = ZoneInfo("Europe/Berlin")
CALL = {"caller": "patient", "identity": "yes", "said": "it beeps", "answer": "today", "signs": ["beep"]}


def field(**more: object) -> SheetField:
    return SheetField(id="x", label="X", **more)  # type: ignore[arg-type]


def at() -> str:
    return timezone.localtime().strftime("%Y-%m-%dT%H:%M")


def call(**changes: object) -> dict[str, object]:
    return {"sheet_key": str(uuid4()), "at": at(), **CALL} | changes


def fill_address(patient, kind_id: str = "desk.call") -> str:
    return reverse("sheet-new", args=[patient.key, kind_id])


@pytest.mark.parametrize(
    ("one", "typed", "value"),
    [
        (field(type="volume"), "18", 18_000_000),
        (field(type="volume"), "0.316 mL", 316_000),
        (field(type="volume"), "316 uL", 316_000),
        (field(type="mass"), "50", 50_000_000),
        (field(type="mass", unit="mg"), "10", 10_000_000_000),
        (field(type="dose"), "200", 200_000_000),
        (field(type="dose"), "200 µg/day", 200_000_000),
        (field(type="concentration"), "2000", 2000),
        (field(type="duration"), "90 min", 5_400_000),
        (field(type="number", unit="/min"), "72", "72"),
        (field(type="number", unit="degC"), "36.50", "36.5"),
        (field(type="yes-no"), "unknown", "unknown"),
        (field(type="scale", scale="modified-ashworth"), "1+", "1+"),
        (field(type="date"), "2028-02-29", "2028-02-29"),
        (field(type="moment"), "2026-03-29T12:00", "2026-03-29T10:00:00+00:00"),
        (field(type="text"), "  a word ", "a word"),
        (field(type="text"), "  ", None),
    ],
)
def test_what_is_typed_becomes_the_value_of_the_record_and_back(one, typed: str, value: object) -> None:
    read = values.read(one, typed, BERLIN)
    assert read == value
    if read is not None:
        assert values.read(one, values.typed(one, read, BERLIN), BERLIN) == value


@pytest.mark.parametrize(
    ("one", "typed", "told"),
    [
        (field(type="dose"), "200 ug/h", "ug/h"),
        (field(type="dose"), "200 ug", "ug/day"),
        (field(type="volume"), "18 ug", "mL"),
        (field(type="volume"), "eighteen", "eighteen"),
        (field(type="mass"), "1,5", "1,5"),
        (
            field(type="number", least=20, most=250, unit="/min"),
            "720",
            "got 720 /min, expected 20 to 250 /min",
        ),
        (field(type="volume", most=40), "41", "at most 40 mL"),
        (field(type="date"), "2027-02-29", "expected a day"),
        (field(type="moment"), "2026-03-29T02:30", "a time that exists"),
        (field(type="yes-no"), "maybe", "expected one of yes, no, unknown"),
        (field(type="scale", scale="ashworth"), "1+", "expected one of 0, 1, 2, 3, 4"),
        (field(type="number"), "nan", "expected a number"),
    ],
)
def test_slips_are_refused_with_what_came_and_what_was_expected(one, typed: str, told: str) -> None:
    with pytest.raises(ValueRefused) as refused:
        values.read(one, typed, BERLIN)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_every_kind_can_be_drawn_and_read_empty() -> None:
    assert len(kinds.kinds()) >= 1
    for kind in kinds.kinds().values():
        assert form.blank(kind, {}, BERLIN)
        read = form.filled(kind, QueryDict(), BERLIN)
        assert set(read.errors) == {one.id for one in kind.fields if one.required}


def test_rows_are_read_line_by_line_and_empty_ones_are_none() -> None:
    table = field(
        type="rows",
        fields=(
            SheetField(id="drug", label="Drug", type="text", required=True),
            SheetField(id="dose", label="Dose", type="mass", unit="mg"),
        ),
    )
    one = kinds.Kind(
        id="t.t",
        stage="t",
        title="T",
        writers=("nurse",),
        section=(kinds.Section(title="S", field=(table,)),),
    )
    data = QueryDict("x-0-drug=tizanidine&x-0-dose=8&x-1-drug=&x-1-dose=&x-2-drug=&x-2-dose=5")
    read = form.filled(one, data, BERLIN)
    assert read.content["x"][0] == {"drug": "tizanidine", "dose": 8_000_000_000}
    assert read.errors == {"x-2-drug": "got nothing, expected an answer"}
    assert [[box.typed for box in row] for row in form.again(one, data, read.errors)[0].boxes[0].rows] == [
        ["tizanidine", "8"],
        ["", ""],
        ["", "5"],
    ]


def test_a_sheet_is_kept_with_who_and_when_and_shown(desk: Client, make, staff) -> None:
    patient = make.patient()
    answer = desk.post(fill_address(patient), call())
    sheet = Sheet.objects.get()
    assert answer.headers["Location"] == reverse("sheet", args=[patient.key, sheet.key])
    assert (sheet.by, sheet.content["signs"], sheet.kind) == (staff, ["beep"], "desk.call")
    shown = desk.get(answer.headers["Location"]).content.decode()
    assert "The pump beeps" in shown
    assert staff.shown_name in shown
    assert verify().faults == ()


def test_sending_the_same_page_twice_keeps_one_sheet(desk: Client, make) -> None:
    patient, page = make.patient(), call()
    first, second = (desk.post(fill_address(patient), page) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert Sheet.objects.count() == 1


def test_what_is_missing_or_wrong_is_told_beside_its_box_and_nothing_is_kept(desk: Client, make) -> None:
    answer = desk.post(fill_address(make.patient()), call(caller="", answer="later", said="keep my words"))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "2 answers cannot be taken" in page
    assert "got nothing, expected an answer" in page
    assert "keep my words" in page
    assert not Sheet.objects.exists()


@pytest.mark.parametrize("when", ["", "yesterday", "2027-02-30T10:00"])
def test_an_impossible_time_is_refused(desk: Client, make, when: str) -> None:
    assert desk.post(fill_address(make.patient()), call(at=when)).status_code == 422
    assert not Sheet.objects.exists()


def test_what_has_not_happened_yet_is_refused(desk: Client, make) -> None:
    tomorrow = (timezone.localtime() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    answer = desk.post(fill_address(make.patient()), call(at=tomorrow))
    assert b"a time that has come" in answer.content
    assert not Sheet.objects.exists()


def test_a_correction_supersedes_with_its_reason_and_both_stay(desk: Client, make) -> None:
    patient = make.patient()
    desk.post(fill_address(patient), call())
    old = Sheet.objects.get()
    address = reverse("sheet-correct", args=[patient.key, old.key])
    assert b"it beeps" in desk.get(address).content
    assert desk.post(address, call(said="it beeps twice")).status_code == 422
    desk.post(address, call(said="it beeps twice", reason="misheard"))
    assert [one.content["said"] for one in store.in_chain(old)] == ["it beeps", "it beeps twice"]
    assert store.latest(patient, "desk.call").reason == "misheard"
    page = desk.get(reverse("sheet", args=[patient.key, old.key])).content.decode()
    assert "This sheet no longer holds" in page


def test_a_correction_that_came_too_late_shows_theirs_beside_yours(desk: Client, make) -> None:
    patient = make.patient()
    desk.post(fill_address(patient), call())
    old = Sheet.objects.get()
    address = reverse("sheet-correct", args=[patient.key, old.key])
    theirs = call(said="theirs", reason="first")
    desk.post(address, theirs)
    late = desk.post(address, call(said="mine", reason="second"))
    page = late.content.decode()
    assert late.status_code == 409
    assert "theirs" in page
    assert "mine" in page
    assert Sheet.objects.count() == 2
    again = desk.post(address, theirs)  # a second send of what was kept is no conflict
    assert again.status_code == 302


def test_a_withdrawn_sheet_no_longer_holds_and_stays_readable(desk: Client, make) -> None:
    patient = make.patient()
    desk.post(fill_address(patient), call())
    sheet = Sheet.objects.get()
    address = reverse("sheet-withdraw", args=[patient.key, sheet.key])
    assert desk.post(address, {"reason": " "}).status_code == 422
    desk.post(address, {"reason": "another patient called"})
    assert not store.in_force(patient).exists()
    assert b"another patient called" in desk.get(reverse("sheet", args=[patient.key, sheet.key])).content


def test_a_sheet_of_one_person_is_not_found_under_another(desk: Client, make) -> None:
    one, other = make.patient(), make.patient()
    desk.post(fill_address(one), call())
    sheet = Sheet.objects.get()
    assert desk.get(reverse("sheet", args=[other.key, sheet.key])).status_code == 404
    assert desk.get(fill_address(one, "desk.nothing")).status_code == 404


@pytest.fixture
def careful(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(_patient, content):
        level = "stop" if content["answer"] == "told" else "caution"
        return (checks.Finding(level, "a beep calls for a reading", "beeps"),)

    monkeypatch.setitem(checks._CHECKS, "desk.call", check)


def test_a_caution_has_to_be_seen_before_the_sheet_is_kept(desk: Client, make, careful) -> None:
    patient, page = make.patient(), call()
    refused = desk.post(fill_address(patient), page)
    assert refused.status_code == 422
    seen = refused.context["seen"]
    changed = desk.post(fill_address(patient), page | {"seen": seen, "said": "something else"})
    assert changed.status_code == 422  # what was seen was said of other answers
    desk.post(fill_address(patient), page | {"seen": seen})
    assert Sheet.objects.get().findings[0]["text"] == "a beep calls for a reading"


def test_a_stop_is_not_kept_however_often_it_is_seen(desk: Client, make, careful) -> None:
    patient, page = make.patient(), call(answer="told")
    seen = desk.post(fill_address(patient), page).context["seen"]
    assert desk.post(fill_address(patient), page | {"seen": seen}).status_code == 422
    assert not Sheet.objects.exists()


def test_all_sheets_are_listed_and_an_empty_list_says_so(desk: Client, make) -> None:
    patient = make.patient()
    address = reverse("sheets", args=[patient.key])
    assert b"No sheet yet" in desk.get(address).content
    desk.post(fill_address(patient), call())
    assert b"Telephone triage" in desk.get(address).content
