"""The link of a clinic with a wand: the programmer, over the air, to a virtual implant."""

import time
from uuid import UUID

from django.conf import settings

from openitb import programmer
from openitb.clinic.desk import foresight, wand_values
from openitb.clinic.desk.ports import (
    Commit,
    LinkFailure,
    OrderMapping,
    OrderRefused,
    Outcome,
    Prediction,
    PumpReading,
    Review,
)
from openitb.clinic.record.models import DoseRecord, Patient, System
from openitb.implant import Home, ImplantError
from openitb.prescription.guardrails import GateRefusal, PatientLimits
from openitb.prescription.orders import OrderError, parse_order
from openitb.programmer import Applied, Reading, Refused, Unreachable, Wand
from openitb.programmer.session import Sender

ADVICE = "Check that the virtual pumps are running and the wand is in place, then read the pump again."
NS_PER_MS = 1_000_000


def clock_ms() -> int:
    """Now, ms since the epoch, UTC."""
    return time.time_ns() // NS_PER_MS


class WandLink:
    """Reaches the implants of the clinic's home folder through their service."""

    def __init__(self) -> None:
        self._home = Home(settings.CLINIC_IMPLANTS)

    def read_pump(self, system: System, /) -> PumpReading | LinkFailure:
        """Interrogate."""
        reading = self._read(system, "clinic")
        return reading if isinstance(reading, LinkFailure) else wand_values.pump_reading(reading)

    def review(
        self, system: System, order: OrderMapping, _override: str, /
    ) -> Review | OrderRefused | LinkFailure:
        """Compile `order` for the pump as it is now and pass it through the gate; changes nothing."""
        answer = self._review(system, order, "clinic")
        if not isinstance(answer, programmer.Review):
            return answer
        if answer.new is None:
            return OrderRefused("; ".join(f"{f.field}: {f.message}" for f in answer.verdict.of("hard")))
        return wand_values.review(answer, clock_ms())

    def commit(self, system: System, commit: Commit, /) -> Outcome:
        """Review once more, send, read back; nothing is sent unless the review is the one agreed to."""
        fresh = self._review(system, commit.order, commit.by)
        if isinstance(fresh, OrderRefused):
            return Outcome("refused", fresh.message)
        if isinstance(fresh, LinkFailure):
            return Outcome("refused", f"Nothing was sent. {fresh.reason}")
        if fresh.digest != commit.review_digest:
            return Outcome("refused", "Nothing was sent: the pump changed since it was reviewed.")
        try:
            fresh.verdict.admit(commit.override)
        except GateRefusal as error:
            return Outcome("refused", f"Nothing was sent: {error}")
        wand = self._wand(system)
        if isinstance(wand, LinkFailure):
            return Outcome("refused", f"Nothing was sent. {wand.reason}")
        ended = programmer.commit(wand, fresh, str(commit.command_id), Sender(commit.by, clock_ms))
        return _outcome(ended)

    def read_back(self, system: System, command_id: UUID, /) -> Outcome:
        """Find out what became of a command whose outcome is unknown; sends nothing."""
        record = DoseRecord.objects.get(command_id=command_id)
        wand = self._wand(system)
        if isinstance(wand, LinkFailure):
            return Outcome("unknown", wand.reason)
        sender = Sender("clinic", clock_ms)
        return _outcome(programmer.settle(wand, record.program_digest, str(command_id), sender))

    def prediction(self, patient: Patient, order: OrderMapping | None, /) -> Prediction | None:
        """The coming days under `order`, or under the program that runs; None for a real pump."""
        return foresight.prediction(patient, order, clock_ms())

    def _review(
        self, system: System, order: OrderMapping, actor: str
    ) -> programmer.Review | OrderRefused | LinkFailure:
        reading = self._read(system, actor)
        if isinstance(reading, LinkFailure):
            return reading
        try:
            return programmer.review(reading, parse_order(order), patient_limits(system.patient), clock_ms())
        except OrderError as error:
            return OrderRefused(str(error))

    def _read(self, system: System, actor: str) -> Reading | LinkFailure:
        wand = self._wand(system)
        if isinstance(wand, LinkFailure):
            return wand
        reading = programmer.interrogate(wand, Sender(actor, clock_ms))
        if isinstance(reading, Unreachable):
            return LinkFailure(reading.reason, ADVICE)
        return reading

    def _wand(self, system: System) -> Wand | LinkFailure:
        try:
            return Wand(self._home.address(), system.serial, self._home.programmer_keys(system.serial))
        except ImplantError as error:
            return LinkFailure(str(error), ADVICE)


def patient_limits(patient: Patient) -> PatientLimits:
    """What the gate has to know of a person, from the record."""
    today = time.gmtime(clock_ms() / 1000)
    birth = patient.birth_date
    had_birthday = (today.tm_mon, today.tm_mday) >= (birth.month, birth.day)
    return PatientLimits(
        origin="spinal" if patient.origin == "spinal" else "cerebral",
        age_years=float(today.tm_year - birth.year - (not had_birthday)),
        cap_pg_per_day=patient.dose_cap_pg_per_day,
    )


def _outcome(ended: programmer.Outcome) -> Outcome:
    match ended:
        case Applied(reading):
            text = "The pump was read back and runs the new program."
            return Outcome("applied", text, wand_values.pump_reading(reading))
        case Refused(field, reason):
            return Outcome("refused", f"{field}: {reason}")
        case _:
            return Outcome("unknown", ended.reason)
