# ruff: noqa: E501  # a table of refusals, each on its line
"""Data sets in NONMEM's form: read, written, refused by line and column."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb.body import Baseline, Inputs, LumbarBolus, OralDose, run, typical_adult
from openitb.body.nonmem import OBSERVED, DataSetError, Dose, Observation, Subject, observed, read, write
from openitb.timeline import Timeline
from openitb.units import MS_PER_H

HEAD = "ID,TIME,EVID,AMT,RATE,CMT,DV"
TRIAL = f"""{HEAD},MDV,WT
1,0,1,50,0,2,.,1,70
1,4,0,.,.,6,2.5,0,70
1,6,0,.,.,6,.,1,70
2,0,1,240,10,1,.,1,71
2,12,1,60,5,1,.,1,71
2,30,0,.,.,4,301.5,0,71
"""


def test_a_trial_reads_as_people_doses_and_observations() -> None:
    first, second = read(TRIAL)
    assert first.inputs() == Inputs(lumbar_boluses=(LumbarBolus(0.0, 50.0),))
    assert first.observations == (
        Observation(4.0, "leg_ashworth", 2.5),
        Observation(6.0, "leg_ashworth", None),
    )
    assert second.observations == (Observation(30.0, "lumbar_csf_ng_per_ml", 301.5),)


def test_infusions_that_overlap_add_up() -> None:
    tip = read(TRIAL)[1].inputs().tip
    assert tip == Timeline((0, 12 * MS_PER_H), (10.0, 15.0), 24 * MS_PER_H, "ug/h")
    assert tip.integral() / MS_PER_H == pytest.approx(300.0)


def test_an_infusion_that_begins_late_leaves_nothing_before_it() -> None:
    tip = read(f"{HEAD}\n1,5,1,30,10,1,.\n")[0].inputs().tip
    assert tip == Timeline((0, 5 * MS_PER_H), (0, 10.0), 8 * MS_PER_H, "ug/h")


def test_doses_that_repeat_are_given_as_often_as_said() -> None:
    one = read(f"{HEAD},ADDL,II\n1,1,1,10000,0,3,.,2,8\n")[0]
    assert one.inputs().oral == tuple(OralDose(at, 10_000.0) for at in (1.0, 9.0, 17.0))


def test_what_a_body_showed_can_be_written_and_read_again() -> None:
    doses = (Dose(0.0, 2, 50.0), Dose(2.0, 1, 30.0, 3.0), Dose(4.0, 3, 5000.0))
    person = Subject(7, doses, ())
    course = run(typical_adult(), person.inputs(), Baseline(4.0, 3.0, 3.0), np.array([1.0, 6.0, 24.0]))
    whole = Subject(7, doses, observed(course, OBSERVED.values()))
    assert read(write([whole])) == (whole,)


numbers = st.floats(0, 1e6, allow_nan=False).map(lambda value: round(value, 6))


@given(
    times=st.lists(numbers, min_size=1, max_size=6).map(sorted),
    values=st.lists(st.none() | numbers, min_size=6, max_size=6),
    compartments=st.lists(st.sampled_from(list(OBSERVED.values())), min_size=6, max_size=6),
)
def test_any_observations_survive_writing(
    times: list[float], values: list[float | None], compartments: list[str]
) -> None:
    seen = tuple(map(Observation, times, compartments, values))
    people = (Subject(3, (), seen), Subject(1, (Dose(0.5, 1, 12.5),), seen))
    assert read(write(people)) == people


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1, column ID: got 0 of them, expected one in the header"),
        ("ID,TIME,EVID,AMT,RATE,CMT\n", "line 1, column DV: got 0 of them, expected one in the header"),
        (f"{HEAD},SS\n1,0,1,5,0,1,.,1\n", "line 1, column SS: not understood here, expected a data set without it"),
        (f"{HEAD}\n", "line 2: got no record, expected at least one"),
        (f"{HEAD}\n1,0,1,5,0,1\n", "line 2: got 6 cells, expected 7"),
        (f"{HEAD}\nA,0,1,5,0,1,.\n", "line 2, column ID: got 'A', expected a number"),
        (f"{HEAD}\n1,nan,1,5,0,1,.\n", "line 2, column TIME: got 'nan', expected a finite number"),
        (f"{HEAD}\n1,-1,1,5,0,1,.\n", "line 2, column TIME: got '-1', expected at least 0"),
        (f"{HEAD}\n1,4,1,5,0,1,.\n1,3,0,.,.,4,1\n", "line 3, column TIME: got '3', expected 4 or later"),
        (f"{HEAD}\n1,0,4,5,0,1,.\n", "line 2, column EVID: got '4', expected 0 (observation), 1 (dose) or 2 (other)"),
        (f"{HEAD}\n1,0,1,.,0,1,.\n", "line 2, column AMT: got '.', expected a number"),
        (f"{HEAD}\n1,0,1,-5,0,1,.\n", "line 2, column AMT: got '-5', expected at least 0 µg"),
        (f"{HEAD}\n1,0,1,5,-2,1,.\n", "line 2, column RATE: got '-2', expected 0, or above 0 µg/h into compartment 1"),
        (f"{HEAD}\n1,0,1,5,1,3,.\n", "line 2, column RATE: got '1', expected 0, or above 0 µg/h into compartment 1"),
        (f"{HEAD}\n1,0,1,5,0,4,.\n", "line 2, column CMT: got '4', expected 1 (tip), 2 (lumbar puncture) or 3 (gut) for a dose"),
        (f"{HEAD}\n1,0,0,.,.,9,1\n", "line 2, column CMT: got '9', expected an observed compartment, 4 to 8"),
        (f"{HEAD}\n1,0,0,.,.,4.5,1\n", "line 2, column CMT: got '4.5', expected a whole number"),
        (f"{HEAD}\n1,0,0,.,.,4,x\n", "line 2, column DV: got 'x', expected a number"),
        (f"{HEAD},ADDL,II\n1,0,1,5,0,1,.,2,0\n", "line 2, column II: got '0', expected more doses at an interval above 0 h"),
        (f"{HEAD}\n1,0,0,.,.,4,1\n2,0,0,.,.,4,1\n1,1,0,.,.,4,1\n", "line 4, column ID: got '1', expected all records of a person together"),
    ],
)  # fmt: skip
def test_a_data_set_that_cannot_be_is_refused_by_line_and_column(text: str, message: str) -> None:
    with pytest.raises(DataSetError) as refused:
        read(text)
    assert str(refused.value) == message
