"""Template filters and tags: amounts with their unit, times, icons, and how a figure is known."""

from datetime import date, datetime, timedelta
from typing import Any

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from openitb import units
from openitb.catalogue import Confidence
from openitb.clinic.desk import instants, labels
from openitb.clinic.desk.due import Due
from openitb.clinic.desk.due import due as due_of
from openitb.clinic.record.models import Patient
from openitb.prescription import OrderError, parse_order
from openitb.prescription.order_text import describe_order

register = template.Library()

NOTHING = "–"

CONFIDENCE_TITLES = {
    Confidence.READ: "Seen in a primary source",
    Confidence.SECONDARY: "Seen in a secondary copy",
    Confidence.DERIVED: "Computed from sourced values",
    Confidence.CALIBRATED: "Fitted by us to published observations",
    Confidence.RECALLED: "From general knowledge, not seen in a source",
    Confidence.ASSUMED: "Our assumption, free to change",
}


def _micro() -> units.Micro:
    return "mcg" if settings.CLINIC_MICRO == "mcg" else "µg"


@register.filter
def dose(pg_per_day: int | None) -> str:
    """Daily dose: `200 µg/day`."""
    return NOTHING if pg_per_day is None else units.format_dose(pg_per_day, _micro())


@register.filter
def micrograms(pg: int) -> str:
    """Amount of drug in µg as a bare number, for a script to count with: `192.5`."""
    return f"{pg / units.PG_PER_UG:f}"


@register.filter
def mass(pg: int | None) -> str:
    """Amount of drug: `50 µg`."""
    return NOTHING if pg is None else units.format_mass(pg, _micro())


@register.filter
def dose_rate(pg_per_h: int | None) -> str:
    """Dose rate: `12 µg/h`."""
    return NOTHING if pg_per_h is None else units.format_dose_rate(pg_per_h, _micro())


@register.filter
def volume(nl: int | None) -> str:
    """Volume: `17.4 mL`."""
    return NOTHING if nl is None else units.format_volume(nl)


@register.filter
def millilitres(nl: int) -> str:
    """Volume in mL as read from a syringe, under a heading that names the unit: `3.2`."""
    return units.format_number(nl / units.NL_PER_ML, 1)


@register.filter
def signed_millilitres(nl: int) -> str:
    """Difference of syringe volumes in mL: `+0.4`, `-1.2`."""
    size = millilitres(abs(nl))
    if size == "0":
        return size
    return f"{'+' if nl > 0 else '-'}{size}"


@register.filter
def flow(nl_per_day: int | None) -> str:
    """Flow: `0.4 mL/day`."""
    return NOTHING if nl_per_day is None else units.format_flow(nl_per_day)


@register.filter
def concentration(ug_per_ml: int | None) -> str:
    """Label concentration: `500 µg/mL`."""
    return NOTHING if ug_per_ml is None else units.format_concentration(ug_per_ml, _micro())


@register.filter
def centimetres(millimetres: int) -> str:
    """Length: `80 cm`."""
    return f"{units.format_number(units.convert(millimetres, 'mm', 'cm'), 1)} cm"


@register.filter
def signed_percent(percent: float) -> str:
    """`+12.5 %`, `-8 %`."""
    sign = "+" if percent > 0 else ""
    return f"{sign}{units.format_number(percent, 1)} %"


@register.filter
def time_of_day(ms_of_day: int) -> str:
    """`08:00`."""
    minutes = ms_of_day // units.MS_PER_MIN
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


@register.filter
def instant(at_ms: int | None) -> datetime | None:
    """An instant of the core as a datetime, for Django's own date filters."""
    return None if at_ms is None else instants.from_ms(at_ms)


@register.filter
def order_text(mapping: Any) -> str:
    """An order in one line; an order this version cannot read is shown by its mode."""
    try:
        return describe_order(parse_order(mapping), _micro())
    except OrderError:
        return str(mapping.get("mode", NOTHING)) if isinstance(mapping, dict) else NOTHING


@register.filter
def pump_name(pump_id: str) -> str:
    """Pump model by name."""
    return labels.pump_name(pump_id)


@register.filter
def catheter_name(catheter_id: str) -> str:
    """Catheter model by name."""
    return labels.catheter_name(catheter_id)


@register.filter
def scale_name(scale_id: str) -> str:
    """Rating scale by name."""
    return labels.scale_name(scale_id)


@register.filter
def age_on(patient: Patient, now: datetime) -> int:
    """Completed years on the clinic's present day."""
    return patient.age_years(timezone.localdate(now))


@register.filter
def ago(then: datetime | int | None, now: datetime) -> str:
    """How long ago, in one unit: `3 min ago`, `12 days ago`; `in 3 days` for what is to come.

    From 24 hours on the days of the calendar are counted, as everywhere.
    """
    if then is None:
        return NOTHING
    moment = instants.from_ms(then) if isinstance(then, int) else then
    elapsed = now - moment
    near = abs(elapsed) < timedelta(days=1)
    words = _span(abs(elapsed) if near else timedelta(days=abs(_days_ahead(moment, now))))
    return f"{words} ago" if elapsed >= timedelta() else f"in {words}"


@register.filter
def due(day: date | None, now: datetime) -> Due:
    """`overdue`, `soon`, `later` or nothing."""
    return due_of(day, timezone.localdate(now))


@register.filter
def days_until(day: date | datetime | None, now: datetime) -> str:
    """`in 12 days`, `today`, `9 days overdue`."""
    if day is None:
        return ""
    left = _days_ahead(day, now)
    if left == 0:
        return "today"
    return f"in {_count(left, 'day')}" if left > 0 else f"{_count(-left, 'day')} overdue"


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """A picture of the sprite; without a label it is decoration and hidden from screen readers."""
    address = f"{static('vendor/carbon/icons.svg')}#{name}"
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}"/></svg>', label, address
        )
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}"/></svg>', address
    )


@register.inclusion_tag("parts/figure.html")
def figure(text: str, confidence: str = "", source: str = "") -> dict[str, Any]:
    """A value with how it is known. Sourced and measured values are plain; the rest carry a tag."""
    known = Confidence(confidence) if confidence else None
    return {
        "text": text,
        "source": source,
        "title": CONFIDENCE_TITLES[known] if known else "",
        "tag": "" if known is None or known.is_sourced else known.value,
    }


@register.simple_tag
def known(confidence: str) -> SafeString:
    """How a rule is known: in words where it is sourced, as a tag where it is not."""
    held = Confidence(confidence)
    mark = (
        '<span title="{}">{}</span>'
        if held.is_sourced
        else '<span class="tag tag--unsourced" title="{}">{}</span>'
    )
    return format_html(mark, CONFIDENCE_TITLES[held], held.value)


@register.simple_tag(takes_context=True)
def query_with(context: template.Context, **changes: Any) -> str:
    """The present query string with some parameters changed; an empty value takes one away."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value not in {"", None}:
            query[name] = str(value)
    return f"?{query.urlencode()}"


def _days_ahead(day: date | datetime, now: datetime) -> int:
    """Days of the clinic's calendar from today to a day, negative for one that is over."""
    on = timezone.localdate(day) if isinstance(day, datetime) else day
    return (on - timezone.localdate(now)).days


_SPANS = (
    (timedelta(days=730), timedelta(days=365), "year"),
    (timedelta(days=61), timedelta(days=30), "month"),
    (timedelta(days=1), timedelta(days=1), "day"),
    (timedelta(hours=1), timedelta(hours=1), "h"),
    (timedelta(minutes=1), timedelta(minutes=1), "min"),
)


def _span(span: timedelta) -> str:
    for least, unit, name in _SPANS:
        if span >= least:
            return _count(span // unit, name)
    return _count(int(span.total_seconds()), "s")


def _count(number: int, name: str) -> str:
    plural = "s" if number != 1 and name in {"day", "month", "year"} else ""
    return f"{number} {name}{plural}"


@register.filter
def unit_text(unit: str) -> str:
    """A unit as it stands beside a box: `ug` in the clinic's own spelling."""
    return unit.replace("ug", _micro())


@register.filter
def field_label(name: str, kind: Any) -> str:
    """What a box of a sheet asks, from its name; a row of a table with its number."""
    table, _, rest = name.partition("-")
    label = next((one.label for one in kind.fields if one.id == table), name.capitalize())
    row = rest.partition("-")[0]
    return f"{label}, line {int(row) + 1}" if row.isdigit() else label
