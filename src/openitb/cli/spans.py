"""Lengths of time as the command line tells them."""

from openitb import units

_WEEKS = "wk"
_UNITS = (
    (units.MS_PER_WEEK, _WEEKS),
    (units.MS_PER_DAY, "d"),
    (units.MS_PER_H, "h"),
    (units.MS_PER_MIN, "min"),
)


def span_text(ms: int) -> str:
    """A length in the largest unit that tells it in hundredths, such as `4 h`, `23.25 d` and `2 wk`."""
    for size, unit in _UNITS:
        whole = ms % size if unit == _WEEKS else 100 * ms % size
        if ms >= size and not whole:
            return f"{units.format_number(ms / size, 2)} {unit}"
    return f"{units.format_number(ms / units.MS_PER_MIN, 2)} min"
