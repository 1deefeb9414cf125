"""A visit from a file skips no check: it is refused where a person would be."""

from pathlib import Path

import pytest

from openitb import units
from openitb.prescription.orders import SimpleContinuous
from openitb.programmer import Applied, Refused, Unreachable
from openitb.programmer.entry import EntryError
from openitb.programmer.report import session_report, to_json
from openitb.programmer.report.content import Desk
from openitb.programmer.script import parse_script, run_script
from openitb.programmer.second import SecondPersonError

SECRETS = {"dr-a": "blue-heron", "nurse-b": "green-finch"}
START = """
workflow = "initial implant"
by = "dr-a"
[answers]
patient_id = "P-001"
product = "lioresal-intrathecal"
lot = "L-2041"
expiry = "2027-03-31"
injected_volume = "18 mL"
concentration = "500 ug/mL"
prime_volume = "0.316 mL"
order = { mode = "simple continuous", dose = "100 ug/day" }
sound = "unknown"
low_alarm = "2.4 mL"
"""
NOTES = """
[afterwards]
pocket_check = "no swelling, 0.5 mL drawn back clear"
catheter_check = "tone as before, nothing along it"
observation = "8 h, nurse-b"
"""
SECOND = (
    """
[second]
by = "nurse-b"
[second.entries]
injected_volume = "18 mL"
concentration = "500 ug/mL"
prime_volume = "0.316 mL"
order = { mode = "simple continuous", dose = "100 ug/day" }
"""
    + NOTES
)


def _run(station, text: str):
    return run_script(parse_script(text), station, SECRETS.__getitem__)


@pytest.mark.requirement("PRG-03", "PRG-19")
def test_a_whole_start_of_therapy_runs_from_a_file(bench, station) -> None:
    done = _run(station, START + SECOND)
    assert isinstance(done.outcome, Applied), done.outcome
    read = done.outcome.reading.interrogation
    assert read.order == SimpleContinuous(100 * units.PG_PER_UG)
    assert [stage.left_nl for stage in read.stages] == [316_000]
    assert done.answers["observation"] == "8 h, nurse-b"


@pytest.mark.requirement("PRG-19")
@pytest.mark.parametrize(
    ("text", "why"),
    [
        (START + NOTES, "somebody else|second person"),
        (START + SECOND.replace('by = "nurse-b"', 'by = "dr-a"'), "twice"),
        (START + SECOND.replace("0.316", "0.314"), "prime_volume differ"),
        (START + SECOND.replace("nurse-b", "nobody"), "not on the staff list"),
    ],
)
def test_without_a_true_second_person_nothing_is_sent(bench, station, text: str, why: str) -> None:
    before = bench.implant.firmware.controller.program.digest
    try:
        said = str(_run(station, text).outcome)
    except SecondPersonError as refused:
        said = str(refused)
    assert any(part in said for part in why.split("|"))
    assert bench.implant.firmware.controller.program.digest == before


@pytest.mark.requirement("PRG-04")
def test_a_soft_limit_needs_its_reason_in_the_file(bench, station) -> None:
    bench.order(100)
    bench.clock.now_ms += 2 * units.MS_PER_DAY
    text = START.split("[answers]", maxsplit=1)[0].replace("initial implant", "adjust")
    order = 'order = {mode = "simple continuous", dose = "150 ug/day"}\n'
    answers = f'[answers]\npatient_id = "P-001"\n{order}'
    second = f'[second]\nby = "nurse-b"\n[second.entries]\n{order}'
    assert isinstance(_run(station, text + answers + second).outcome, Refused)
    assert isinstance(_run(station, text + 'reason = "spasms"\n' + answers + second).outcome, Applied)


@pytest.mark.requirement("PRG-03")
@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            'lot = "L-2041"',
            'lots = "L-2041"',
            "answers.lots: got an unknown field, expected one of",
        ),
        ('lot = "L-2041"', "", "answers.lot: missing, expected patient_id"),
        ("[second.entries]", "[second.entries]\ndose = 1", "second.entries.dose: got an unknown field"),
        ('by = "nurse-b"', 'by = "nurse-b"\nwho = 1', "script.second.who: got an unknown field"),
        ("[afterwards]", '[afterwards]\nweather = "fair"', "afterwards.weather: got an unknown field"),
        ('observation = "8 h, nurse-b"', "observation = 8", "observation: got 8, expected words"),
        ('observation = "8 h, nurse-b"', "", "afterwards.observation: missing, expected pocket_check"),
    ],
)
def test_a_script_that_is_wrong_anywhere_is_refused_before_the_pump_is_read(
    bench, station, old: str, new: str, told: str
) -> None:
    before = bench.implant.firmware.log.head
    with pytest.raises(EntryError) as refused:
        _run(station, (START + SECOND).replace(old, new, 1))
    assert str(refused.value).startswith(told)
    assert bench.implant.firmware.log.head == before


def test_no_contact_is_said_as_such(bench, station) -> None:
    bench.service.stop()
    assert isinstance(_run(station, START + SECOND), Unreachable)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "workflow = 1",
        'workflow = "adjust"',
        'workflow="adjust"\nby="x"\nother=1',
        "not toml",
        "answers = 1",
    ],
)
def test_a_file_that_is_no_script_is_refused(text: str) -> None:
    with pytest.raises(EntryError, match="script"):
        parse_script(text)


def test_the_report_of_the_old_pump_is_read_from_beside_the_script(bench, station, tmp_path: Path) -> None:
    bench.order(200)
    last = bench.reviewed("review only")
    (tmp_path / "old.json").write_text(to_json(session_report(last, Desk("dr-a", bench.clock()))))
    text = (START + SECOND).replace("initial implant", "pump replacement")
    text = text.replace('patient_id = "P-001"', 'patient_id = "P-001"\nold_report = "old.json"')
    script = parse_script(text, tmp_path)
    bench.clock.now_ms += 2 * units.MS_PER_DAY
    done = run_script(script, station, SECRETS.__getitem__)
    assert isinstance(done.outcome, Applied), done.outcome
    assert done.plan.old_dose_pg_per_day == 200 * units.PG_PER_UG
    with pytest.raises(EntryError, match="old_report"):
        parse_script(text.replace("old.json", "none.json"), tmp_path)
