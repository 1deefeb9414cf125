"""The session report says what the pump said, and shows if it was changed."""

import json
from io import BytesIO

import pytest
from pypdf import PdfReader

from openitb import units
from openitb.programmer.entry import EntryError
from openitb.programmer.report import session_report, to_json, to_pdf, to_text
from openitb.programmer.report.content import Desk
from openitb.programmer.sealed import dose_of_report, unseal
from openitb.programmer.visit import answer, review_visit
from openitb.programmer.workflow import HINTS, prompt

DOSE_100 = {"mode": "simple continuous", "dose": "100 ug/day"}
FILL = {"drawn_volume": "16.6 mL", "injected_volume": "18 mL", "concentration": "500 ug/mL"}
DOSE_150 = {"mode": "simple continuous", "dose": "150 ug/day"}
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:fpdf.*")


@pytest.fixture
def report(bench) -> dict:
    bench.order(100)
    bench.clock.now_ms += 2 * units.MS_PER_DAY
    visit = bench.reviewed("adjust", order=DOSE_150)
    done = bench.commit(visit, bench.consent(visit, "spasms at night"))
    return session_report(done, Desk("dr-a", bench.clock()))


@pytest.mark.requirement("PRG-20")
def test_the_report_is_the_read_back_with_its_digests_and_times(bench, report: dict) -> None:
    controller = bench.implant.firmware.controller
    assert report["pump"]["program_digest"] == controller.program.digest
    assert report["pump"]["order"] == DOSE_150
    assert report["pump"]["received_at_ms"] == bench.clock()
    assert report["before"]["order"] == DOSE_100
    assert report["outcome"]["kind"] == "applied"
    kinds = [entry["kind"] for entry in report["log"]]
    assert kinds[0] == "interrogated"
    assert kinds[-7:] == [
        "staging intended",
        "program staged",
        "program intended",
        "program changed",
        "interrogated",
        "confirmation intended",
        "program confirmed",
    ]


@pytest.mark.requirement("PRG-18")
def test_an_overridden_limit_is_on_record_with_person_reason_values_limit_and_edition(report: dict) -> None:
    (override,) = report["overrides"]
    assert (override["rule"], override["by"], override["reason"]) == ("step-limit", "dr-a", "spasms at night")
    values = {step["text"]: (step["value"], step["unit"]) for step in override["values"]}
    assert values["limit: spinal-adult.titration_increase_high"] == ("30", "percent")
    assert values["increase"] == ("50", "percent")
    assert override["edition"] == report["limits"]["edition"]
    assert len(override["edition"]) == 64


@pytest.mark.requirement("PRG-20")
def test_a_report_reads_back_and_shows_any_change(report: dict) -> None:
    text = to_json(report)
    assert unseal(text) == report
    assert to_json(unseal(text)) == text
    changed = json.loads(text)
    changed["pump"]["dose_pg_per_day"] += 1
    for damaged in (json.dumps(changed), text[:-10], "{}", "null"):
        with pytest.raises(EntryError):
            unseal(damaged)


@pytest.mark.requirement("PRG-20")
def test_on_paper_it_has_the_same_words_and_the_digest(report: dict) -> None:
    pdf = to_pdf(report)
    assert pdf == to_pdf(report)
    pages = [page.extract_text() for page in PdfReader(BytesIO(pdf)).pages]
    words = "".join("".join(pages).split())
    for expected in ("150 µg/day", "spasms at night", report["pump"]["program_digest"]):
        assert expected.replace(" ", "") in words
    assert all(report["digest"][:24] in page for page in pages)


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("applied", "Changed, old to new"),
        ("partly", "Proposed, old to new; changed in part"),
        ("refused", "Proposed, old to new; not changed"),
        ("unknown", "Proposed, old to new; unknown whether changed"),
        ("none", "Proposed, old to new; not sent"),
    ],
)
def test_what_was_proposed_is_headed_changed_only_where_it_was(kind: str, title: str, report: dict) -> None:
    text = to_text({**report, "outcome": {**report["outcome"], "kind": kind}})
    assert title in text.splitlines()
    assert kind == "applied" or "Changed, old to new" not in text


def test_a_long_label_is_folded_within_its_column_and_stays_off_its_value(report: dict) -> None:
    long = "Swelling, or pain at the pump, and what was drawn back to be sure"
    text = to_text({**report, "observations": {long: "no swelling"}})
    at = text.splitlines().index("Observed")
    first, second, third = text.splitlines()[at + 1 : at + 4]
    assert first.split("   ")[0].strip() == "Swelling, or pain at the pump,"
    assert first.endswith("  no swelling")
    assert " ".join([second.strip(), third.strip()]) == "and what was drawn back to be sure"


def test_a_report_tells_what_was_asked_without_the_hints_of_the_form(bench) -> None:
    assert prompt("expiry").endswith(f", such as {HINTS['expiry']}")
    visit = bench.reviewed("refill and adjust", **FILL, expiry="2099-12-31")
    printed = to_text(session_report(visit, Desk("dr-a", bench.clock())))
    assert "such as" not in printed
    assert "until 2099-12-31" in printed


def test_an_exercise_says_so(bench) -> None:
    visit = bench.reviewed("review only")
    text = to_text(session_report(visit, Desk("dr-a", bench.clock(), is_demo=True)))
    assert "DEMO: an exercise" in text
    assert "Nothing was sent." in text


@pytest.mark.requirement("LOG-06")
def test_a_report_holds_no_keys(bench, report: dict) -> None:
    text = to_json(report)
    assert bench.wand.keys.own.private.hex() not in text
    assert "salt" not in text


def test_limits_of_a_replacement_count_from_what_the_old_pump_gave(bench, report: dict) -> None:
    assert dose_of_report(to_json(report)) == 150 * units.PG_PER_UG
    visit = bench.open(
        "pump replacement",
        injected_volume="18 mL",
        concentration="500 ug/mL",
        prime_volume="0.14 mL",
        order=DOSE_100,
    )
    visit = review_visit(answer(visit, "old_report", to_json(report), bench.clock()), bench.clock())
    assert visit.plan.old_dose_pg_per_day == 150 * units.PG_PER_UG
