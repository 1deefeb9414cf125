"""Small parts: the form of an order, kept readings, printing of amounts, the environment."""

import stat
from datetime import UTC, date, datetime, timedelta

import pytest
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from openitb import catalogue
from openitb.clinic import environment
from openitb.clinic.desk import dayplot, instants, order_form, readings
from openitb.clinic.desk.ports import DayProfile, DayStep, link
from openitb.clinic.desk.summaries import program_summary
from openitb.clinic.desk.templatetags import clinical
from openitb.clinic.record.models import Interrogation
from openitb.prescription import (
    Flex,
    FlexPattern,
    FlexStep,
    Periodic,
    SimpleContinuous,
    compile_order,
    order_to_mapping,
    parse_order,
)

steps = st.lists(st.integers(1, 1439), unique=True, max_size=8).flatmap(
    lambda minutes: st.tuples(*(st.integers(1, 90_000) for _ in range(len(minutes) + 1))).map(
        lambda rates: tuple(
            FlexStep(minute * 60_000, rate * 1000)
            for minute, rate in zip([0, *sorted(minutes)], rates, strict=True)
        )
    )
)


@given(steps, steps)
def test_a_flex_order_survives_the_form(weekdays, weekend) -> None:
    order = Flex((FlexPattern((0, 1, 2, 3, 4), weekdays), FlexPattern((5, 6), weekend)))
    form = order_form.from_mapping(order_to_mapping(order))
    assert parse_order(form.to_mapping()) == order


@given(st.integers(1, 10**10))
def test_a_dose_survives_the_form(pg_per_day) -> None:
    order = SimpleContinuous(pg_per_day)
    assert parse_order(order_form.from_mapping(order_to_mapping(order)).to_mapping()) == order


def test_what_was_typed_is_shown_again_as_typed() -> None:
    data = QueryDict("mode=flex&dose=&pattern=1&days-1=mon&from-1=8&rate-1=x&from-1=&rate-1=")
    assert order_form.from_post(data).patterns == (
        order_form.PatternRows(("mon",), (order_form.StepRow("8", "x"),)),
    )


def test_a_kept_reading_is_the_reading(make, pump) -> None:
    system = make.system()
    reading = link().read_pump(system)
    readings.keep(system, reading)
    system.refresh_from_db()
    assert readings.last_kept(system) == reading


@pytest.mark.parametrize("changes", [{"shape": 0}, {"shape": None}, {"shape": "1"}])
def test_a_snapshot_of_another_shape_is_no_reading(desk, make, pump, changes) -> None:
    system = make.system()
    snapshot = {"program": {}, "somebody else's": 1} | changes
    read = {"at": timezone.now(), "received_at": timezone.now(), "reservoir_nl": 1}
    Interrogation.objects.create(system=system, snapshot=snapshot, **read)
    assert readings.last_kept(system) is None
    assert desk.get(reverse("program", args=[system.patient.key])).status_code == 200


def test_a_program_is_summed_up_with_what_it_really_delivers() -> None:
    pump = catalogue.load().pump("synchromed-ii-20")
    summary = program_summary(compile_order(SimpleContinuous(200_000_123), 500, pump))
    assert summary.mean_flow_nl_per_day == 400_000
    assert summary.daily_dose_pg == 200_000_123
    assert summary.rounding == "delivers 123 pg/day less than ordered"
    assert summary.days == (DayProfile("every day", (DayStep(0, 8_333_333, 400_000),)),)


def test_weekday_patterns_are_summed_up_each() -> None:
    pump = catalogue.load().pump("synchromed-ii-20")
    night = FlexPattern((0, 1, 2, 3, 4), (FlexStep(0, 12_000_000), FlexStep(8 * 3_600_000, 6_000_000)))
    flat = FlexPattern((5, 6), (FlexStep(0, 9_000_000),))
    days = program_summary(compile_order(Flex((night, flat)), 500, pump)).days
    assert [day.label for day in days] == ["mon, tue, wed, thu, fri", "sat, sun"]
    assert [step.dose_rate_pg_per_h for step in days[0].steps] == [12_000_000, 6_000_000]
    assert [step.flow_nl_per_day for step in days[0].steps] == [576_000, 288_000]


def test_a_periodic_order_is_summed_up_dose_by_dose() -> None:
    pump = catalogue.load().pump("synchromed-ii-20")
    hour = 3_600_000
    order = Periodic(20_000_000, hour, 12 * hour, 120_000_000, 6 * hour)
    (day,) = program_summary(compile_order(order, 500, pump)).days
    assert [(step.from_ms_of_day // hour, step.dose_rate_pg_per_h) for step in day.steps] == [
        (0, 5_000_000),
        (6, 25_000_000),
        (7, 5_000_000),
        (18, 25_000_000),
        (19, 5_000_000),
    ]


def test_the_day_plot_runs_from_midnight_to_midnight() -> None:
    new = (DayProfile("every day", (DayStep(0, 12, 0), DayStep(12 * 3_600_000, 6, 0))),)
    (plot,) = dayplot.compare((), new)
    assert plot.new_path == "M0.0 8.0 H240.0 V50.0 H480"
    assert plot.old_path == ""


def test_a_stopped_pump_plots_a_line_on_the_ground() -> None:
    (plot,) = dayplot.compare((), (DayProfile("every day", (DayStep(0, 0, 0),)),))
    assert plot.new_path == "M0.0 92.0 H480"


@given(st.integers(-(10**12), 4 * 10**12))
def test_instants_go_there_and_back(at_ms) -> None:
    assert instants.to_ms(instants.from_ms(at_ms)) == at_ms


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (clinical.dose(200_000_000), "200 µg/day"),
        (clinical.dose(0), "0 µg/day"),
        (clinical.dose(None), "–"),
        (clinical.volume(17_400_000), "17.4 mL"),
        (clinical.signed_percent(12.5), "+12.5 %"),
        (clinical.signed_percent(-8.0), "-8 %"),
        (clinical.centimetres(805), "80.5 cm"),
        (clinical.time_of_day(8 * 3_600_000 + 30 * 60_000), "08:30"),
        (clinical.order_text({"mode": "stopped"}), "stopped"),
        (clinical.order_text({"mode": "from the future"}), "from the future"),
        (clinical.pump_name("no-such-pump"), "no-such-pump"),
    ],
)
def test_amounts_print_with_their_unit(printed, expected) -> None:
    assert printed == expected


def test_a_clinic_that_writes_mcg_reads_mcg(settings) -> None:
    settings.CLINIC_MICRO = "mcg"
    assert clinical.dose(200_000_000) == "200 mcg/day"


@pytest.mark.parametrize(
    ("elapsed", "words"),
    [
        (timedelta(seconds=8), "8 s ago"),
        (timedelta(minutes=3), "3 min ago"),
        (timedelta(hours=24), "1 day ago"),
        (timedelta(hours=26), "2 days ago"),
        (timedelta(days=-4), "in 4 days"),
        (timedelta(days=90), "3 months ago"),
        (timedelta(days=800), "2 years ago"),
    ],
)
def test_spans_are_told_in_one_unit(elapsed, words) -> None:
    now = datetime(2026, 1, 5, tzinfo=UTC)
    assert clinical.ago(now - elapsed, now) == words


@pytest.mark.requirement("TIM-06")
def test_refill_days_are_counted_in_the_clinics_days() -> None:
    now = datetime(2026, 1, 5, 23, 30, tzinfo=UTC)
    days = {date(2026, 1, 4): "1 day overdue", date(2026, 1, 5): "today", date(2026, 1, 8): "in 3 days"}
    assert {day: clinical.days_until(day, now) for day in days} == days


def test_a_visit_two_days_ahead_is_two_days_ahead_at_any_hour(settings) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    visit = datetime(2026, 1, 7, 7, tzinfo=UTC)
    for hour in (0, 8, 22):
        now = datetime(2026, 1, 5, hour, tzinfo=UTC)
        assert clinical.days_until(visit, now) == clinical.ago(visit, now) == "in 2 days", hour
    assert clinical.days_until(visit, datetime(2026, 1, 5, 23, 30, tzinfo=UTC)) == "in 1 day"


@pytest.mark.parametrize(
    ("confidence", "tag"), [("read", ""), ("", ""), ("recalled", "recalled"), ("assumed", "assumed")]
)
def test_only_sourced_and_measured_figures_are_plain(confidence, tag) -> None:
    assert clinical.figure("1 mL", confidence)["tag"] == tag


def test_an_unknown_confidence_is_an_error_not_a_plain_figure() -> None:
    with pytest.raises(ValueError, match="guessed"):
        clinical.figure("1 mL", "guessed")


def test_the_secret_key_is_made_once_and_only_its_owner_reads_it(tmp_path) -> None:
    key = environment.secret_key(tmp_path)
    assert len(key) >= 50
    assert environment.secret_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (lambda: environment.switch("OPENITB_X", default=False), "perhaps"),
        (lambda: environment.whole("OPENITB_X", 1), "-3"),
        (lambda: environment.one_of("OPENITB_X", ("µg", "mcg")), "ug"),
        (lambda: environment.zone("OPENITB_X", "UTC"), "Mars/Olympus"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(monkeypatch, read, text) -> None:
    monkeypatch.setenv("OPENITB_X", text)
    with pytest.raises(environment.EnvironmentValueError, match=f"OPENITB_X: got '{text}', expected"):
        read()
