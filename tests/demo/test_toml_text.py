"""Case files written as text read back as they were."""

import tomllib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb.clinic.demo.toml_text import TomlError, to_toml

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
instants = st.datetimes(
    datetime(1970, 1, 2),  # noqa: DTZ001 - the zone is drawn
    datetime(2200, 1, 1),  # noqa: DTZ001 - the zone is drawn
    timezones=st.just(UTC) | st.just(timezone(timedelta(hours=1))),
)
scalars = (
    texts
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | instants
)
values = st.recursive(
    scalars,
    lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(texts, deeper, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(texts, values, max_size=5))
def test_any_tables_read_back_equal(tables: dict[str, object]) -> None:
    assert tomllib.loads(to_toml(tables)) == tables


def test_an_array_of_tables_is_written_as_one_stretch_per_table() -> None:
    text = to_toml(
        {"version": 1, "event": [{"at": "0 h", "stop": {}}, {"at": "1 h", "order": {"mode": "stopped"}}]}
    )
    assert text == (
        "version = 1\n"
        '\n[[event]]\nat = "0 h"\nstop = {}\n'
        '\n[[event]]\nat = "1 h"\norder = { mode = "stopped" }\n'
    )


LOCAL = datetime(2026, 1, 1)  # noqa: DTZ001 - an instant without a zone is what is refused


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), LOCAL, {1, 2}, b"x"])
def test_what_toml_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(TomlError, match="expected"):
        to_toml({"value": value})
