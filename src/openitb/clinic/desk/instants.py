"""Between the core's instants (ms since the epoch, UTC) and the record's aware datetimes.

Holds: TIM-06.
"""

from datetime import UTC, date, datetime, timedelta

from django.utils import timezone

from openitb.units import MS_PER_S

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def to_ms(instant: datetime) -> int:
    """An aware datetime as ms, rounded down."""
    return (instant - _EPOCH) // _MILLISECOND


def from_ms(at_ms: int) -> datetime:
    """An instant of the core as an aware datetime in UTC."""
    return _EPOCH + at_ms * _MILLISECOND


def clinic_day(at_ms: int) -> date:
    """The calendar day of the clinic's zone on which an instant of the core falls."""
    return timezone.localdate(from_ms(at_ms))


def wall_ms(instant: datetime) -> int:
    """What the clinic's wall clock shows, as if it were UTC: charts place points by it."""
    offset = timezone.localtime(instant).utcoffset() or timedelta()
    return to_ms(instant) + int(offset.total_seconds()) * MS_PER_S


def wall_of_ms(at_ms: int) -> int:
    """`wall_ms` of an instant of the core."""
    return wall_ms(from_ms(at_ms))
