"""What the clinic's record says of a patient and the implant: the other side of every match.

    [patient]  id, origin, age, dose cap         [implant]  serial, pump, catheter, catheter_length

Holds: PRG-09.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from openitb import catalogue, units
from openitb.prescription.calculators import FluidPath, path_through, tubing_of_pump
from openitb.prescription.guardrails import PatientLimits
from openitb.programmer.entry import EntryError
from openitb.programmer.outcomes import Reading

_KEYS = {
    "patient": {"id", "origin", "age", "cap"},
    "implant": {"serial", "pump", "catheter", "catheter_length"},
}


@dataclass(frozen=True, slots=True)
class Chart:
    """One patient and one implant. `path` is None until the catheter is on record: then nothing is primed.

    `limits` is None, and patient and model are empty, where nothing is on record, as in an emergency away
    from the patient's own clinic: then nothing can be ordered.
    """

    patient_id: str
    limits: PatientLimits | None
    serial: str
    pump_id: str
    path: FluidPath | None = None


def unknown_patient(serial: str) -> Chart:
    """The chart of somebody of whom nothing is on record but the pump that answers."""
    return Chart("", None, serial, "")


def mismatches(chart: Chart, reading: Reading, patient_id: str) -> tuple[str, ...]:
    """Why this session may only read: pump, model or patient are not those of the record."""
    read = reading.interrogation
    pairs = (
        ("patient", patient_id, chart.patient_id),
        ("pump serial", read.serial, chart.serial),
        ("pump model", read.pump_id, chart.pump_id),
    )
    return tuple(
        f"{what}: got {got}, expected {due} of the record" for what, got, due in pairs if due and got != due
    )


def parse_chart(text: str) -> Chart:
    """A chart from its TOML text.

    Refuses unknown and missing keys and numbers without a unit with `EntryError` or the error of the
    room that reads the value; there are no defaults for what limits hang on.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise EntryError(f"chart: not TOML: {error}") from None
    patient, implant = (_table(table, name) for name in ("patient", "implant"))
    limits = PatientLimits(
        _needed(patient, "patient", "origin"),
        float(units.quantity(_needed(patient, "patient", "age"), "year", "patient.age", at_least=0)),
        units.dose_pg_per_day(patient["cap"], "patient.cap") if "cap" in patient else None,
    )
    pump_id = _needed(implant, "implant", "pump")
    return Chart(
        patient_id=_needed(patient, "patient", "id"),
        limits=limits,
        serial=_needed(implant, "implant", "serial"),
        pump_id=catalogue.load().pump(pump_id, "implant.pump").entry_id,
        path=_path(implant, pump_id),
    )


def _path(implant: Mapping[str, Any], pump_id: str) -> FluidPath | None:
    if "catheter" not in implant and "catheter_length" not in implant:
        return None
    book = catalogue.load()
    model = book.catheter(_needed(implant, "implant", "catheter"), "implant.catheter")
    given = _needed(implant, "implant", "catheter_length")
    length = Fraction(units.quantity(given, "cm", "implant.catheter_length", at_least=0))
    return path_through(tubing_of_pump(book.pump(pump_id)), model, length)


def _table(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    held = table.get(name)
    if not isinstance(held, dict):
        raise EntryError(f"{name}: missing, expected a table with {', '.join(sorted(_KEYS[name]))}")
    unknown = set(held) - _KEYS[name]
    if unknown:
        raise EntryError(
            f"{name}: got unknown key {min(unknown)!r}, expected {', '.join(sorted(_KEYS[name]))}"
        )
    return held


def _needed(table: Mapping[str, Any], where: str, key: str) -> Any:
    if key not in table:
        raise EntryError(f"{where}.{key}: missing, expected text")
    value = table[key]
    if not isinstance(value, str) or not value:
        raise EntryError(f"{where}.{key}: got {value!r:.60}, expected text")
    return value
