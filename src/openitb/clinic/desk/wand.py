"""The link of a clinic with a wand: the programmer, over the air, to a virtual implant."""

import time
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from openitb import programmer
from openitb.clinic.desk import foresight, instants, recent, wand_values
from openitb.clinic.desk.ports import (
    Commit,
    LinkFailure,
    NoOutlook,
    OrderMapping,
    OrderRefused,
    Outcome,
    Outlook,
    PumpReading,
    Review,
)
from openitb.clinic.record.models import DoseRecord, Patient, System
from openitb.implant import Home, ImplantError
from openitb.prescription.guardrails import GateRefusal, PatientLimits
from openitb.prescription.orders import OrderError, parse_order
from openitb.programmer import Applied, Errand, Partly, Reading, Refused, Unreachable, Wand
from openitb.programmer.fates import ORDER, Sent
from openitb.programmer.session import Sender

ADVICE = "Check that the virtual pumps are running and the wand is in place, then read the pump again."
ACTOR = "clinic"
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
        reading = self._read(system, ACTOR)
        return reading if isinstance(reading, LinkFailure) else wand_values.pump_reading(reading)

    def review(
        self, system: System, order: OrderMapping, _override: str, /
    ) -> Review | OrderRefused | LinkFailure:
        """Compile `order` for the pump as it is now and pass it through the gate; changes nothing."""
        reading = self._read(system, ACTOR)
        if isinstance(reading, LinkFailure):
            return reading
        made = self._judged(system, order, reading)
        return made if isinstance(made, OrderRefused) else wand_values.review(made, reading, clock_ms())

    def commit(self, system: System, commit: Commit, /) -> Outcome:
        """Review once more, send, read back; nothing is sent unless the review is the one agreed to."""
        reading = self._read(system, commit.by)
        if isinstance(reading, LinkFailure):
            return Outcome("refused", f"Nothing was sent. {reading.reason}")
        fresh = self._judged(system, commit.order, reading)
        if isinstance(fresh, OrderRefused):
            return Outcome("refused", fresh.message)
        if fresh.digest != commit.review_digest:
            return Outcome("refused", "Nothing was sent: the pump changed since it was reviewed.")
        try:
            fresh.verdict.admit(commit.override)
        except GateRefusal as error:
            return Outcome("refused", f"Nothing was sent: {error}")
        return self._send(system, commit, fresh)

    def read_back(self, system: System, command_id: UUID, /) -> Outcome:
        """Find out by its id what became of a command whose outcome is unknown; sends no order."""
        record = DoseRecord.objects.get(command_id=command_id)
        wand = self._wand(system)
        if isinstance(wand, LinkFailure):
            return Outcome("unknown", wand.reason)
        recent.forget(self._pump(system))
        sender = Sender(ACTOR, clock_ms)
        errand = Errand((Sent(ORDER, str(command_id)),), record.program_digest)
        return _outcome(programmer.settle(wand, errand, sender))

    def outlook(self, system: System, order: OrderMapping | None, /) -> Outlook | NoOutlook:
        """The coming days as the pump runs and, if an order is given, under that; virtual pumps only."""
        if not system.is_virtual:
            return NoOutlook(foresight.REAL_PUMP)
        reading = self._read(system, ACTOR, just_read=True)
        if isinstance(reading, LinkFailure):
            return NoOutlook(f"{reading.reason} What runs has to be read first.")
        try:
            proposed = parse_order(order) if order else None
        except OrderError as error:
            return NoOutlook(str(error))
        return foresight.outlook(system, wand_values.running(reading), proposed, clock_ms())

    def _send(self, system: System, commit: Commit, reviewed: programmer.Review) -> Outcome:
        wand = self._wand(system)
        if isinstance(wand, LinkFailure):
            return Outcome("refused", f"Nothing was sent. {wand.reason}")
        recent.forget(self._pump(system))
        sender = Sender(commit.by, clock_ms)
        sent = programmer.commit(wand, reviewed, str(commit.command_id), sender, commit.override)
        return _outcome(sent)

    def _judged(
        self, system: System, order: OrderMapping, reading: Reading
    ) -> programmer.Review | OrderRefused:
        try:
            return programmer.review(reading, parse_order(order), patient_limits(system.patient), clock_ms())
        except OrderError as error:
            return OrderRefused(str(error))

    def _read(self, system: System, actor: str, *, just_read: bool = False) -> Reading | LinkFailure:
        """Interrogate; with `just_read` a reading of a moment ago will do."""
        pump = self._pump(system)
        with recent.turn(pump):
            if just_read and (reading := recent.fresh(pump, clock_ms())):
                return reading
            answer = self._interrogated(system, actor)
            if isinstance(answer, LinkFailure):
                recent.forget(pump)
            else:
                recent.keep(pump, answer)
            return answer

    def _pump(self, system: System) -> tuple[Path, str]:
        return self._home.path, system.serial

    def _interrogated(self, system: System, actor: str) -> Reading | LinkFailure:
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
    return PatientLimits(
        origin="spinal" if patient.origin == "spinal" else "cerebral",
        age_years=float(patient.age_years(timezone.localdate(instants.from_ms(clock_ms())))),
        cap_pg_per_day=patient.dose_cap_pg_per_day,
    )


def _outcome(ended: programmer.Outcome) -> Outcome:
    match ended:
        case Applied(reading):
            text = "The pump was read back, runs the new program and knows that it was read back."
            return Outcome("applied", text, wand_values.pump_reading(reading))
        case Partly(reading, reason=reason):
            return Outcome(
                "applied", f"The pump took the order: {reason}.", wand_values.pump_reading(reading)
            )
        case Refused(field, reason):
            return Outcome("refused", f"{field}: {reason}")
        case _:
            return Outcome("unknown", ended.reason)
