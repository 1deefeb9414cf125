"""The review of a whole visit: everything that runs beside everything proposed, judged by the one gate.

A plan is made from one reading of one pump. It knows the commands that would be sent, in an order in
which each can be carried out, and its digest covers exactly them: what is signed is what is sent.

Holds: PRG-02, PRG-03, PRG-04, PRG-05, PRG-16, PRG-17, BOL-10, BOL-14, RES-05, RES-06, RES-07.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from openitb import catalogue
from openitb.catalogue import Pump
from openitb.prescription import OrderError, compile_order, guardrails
from openitb.prescription.boluses import PatientBolus, SingleBolus, bolus_volume_nl
from openitb.prescription.guardrails import GateRequest, Verdict
from openitb.prescription.orders import MinimumRate, Order
from openitb.prescription.program import Program
from openitb.programmer.actions import Action, AllowAdjustment, Reduce
from openitb.programmer.chart import Chart
from openitb.programmer.draft import Draft
from openitb.programmer.entry import ADJUSTMENT, EntryError
from openitb.programmer.outcomes import Reading
from openitb.programmer.review import DoseHistory, dose_history, next_told
from openitb.programmer.transfer import Ordered, Transfer, logged_reason
from openitb.protocol import (
    Command,
    DeliverBolus,
    EnablePatientBolus,
    RecordRefill,
    SetClock,
    SetLowReservoirAlarm,
    StageKind,
    encode,
)

Item = Command | Transfer

UNSIGNED = "-"  # actor and id of the commands a digest is made of
PROGRAM_FIRST = "program first"
REFILL_FIRST = "refill first"


@dataclass(frozen=True)
class Plan:
    """One reading of a pump and one draft for it. `old_dose_pg_per_day` is what the pump before this gave.

    Everything else follows. Instants in ms; `made_at_ms` is when the review was made.
    """

    reading: Reading
    chart: Chart
    draft: Draft
    made_at_ms: int
    old_dose_pg_per_day: int | None = None

    @property
    def pump(self) -> Pump:
        """The pump model as the pump names it."""
        return catalogue.load().pump(self.reading.interrogation.pump_id)

    @property
    def order(self) -> Order:
        """The order that would run."""
        if isinstance(self.draft.action, Reduce):
            return MinimumRate()
        return self.draft.order or self.reading.interrogation.order

    @property
    def concentration_ug_per_ml(self) -> int:
        """The label concentration that the reservoir would hold."""
        return self.draft.concentration_ug_per_ml or self.reading.interrogation.concentration_ug_per_ml

    @property
    def changes_concentration(self) -> bool:
        """True if the reservoir would hold another strength."""
        return self.concentration_ug_per_ml != self.reading.interrogation.concentration_ug_per_ml

    @property
    def volume_nl(self) -> int:
        """What the reservoir would hold in all."""
        injected = self.draft.injected_nl
        held = self.reading.interrogation.reservoir
        return held.volume_nl if injected is None else held.residual_nl + injected

    @cached_property
    def old(self) -> Program:
        """The program that runs."""
        read = self.reading.interrogation
        return compile_order(read.order, read.concentration_ug_per_ml, self.pump)

    @cached_property
    def history(self) -> DoseHistory:
        """The dose the limits count from; of the pump before, where this one has none of its own."""
        own = dose_history(self.reading.log, self.pump)
        if own.last_effective_dose_pg_per_day is None and self.old_dose_pg_per_day:
            return replace(own, last_effective_dose_pg_per_day=self.old_dose_pg_per_day)
        return own

    @cached_property
    def verdict(self) -> Verdict:
        """The gate's judgement; empty where neither order nor concentration would change."""
        if isinstance(self.draft.action, Reduce):
            return Verdict((), compile_order(self.order, self.concentration_ug_per_ml, self.pump))
        if self.draft.order is None and self.draft.bolus is None and not self.changes_concentration:
            return Verdict((), self.old)
        verdict = guardrails.check(self.gate_request)
        return next_told(verdict, self.reading.interrogation.zone_offset_ms)

    @property
    def gate_request(self) -> GateRequest:
        """What the gate is asked; `EntryError` where nothing is on record of the patient."""
        if self.chart.limits is None:
            raise EntryError("chart: no patient is on record here, expected one before anything is ordered")
        history = self.history
        return GateRequest(
            order=self.order,
            concentration_ug_per_ml=self.concentration_ug_per_ml,
            pump=self.pump,
            patient=self.chart.limits,
            last_effective_dose_pg_per_day=history.last_effective_dose_pg_per_day,
            last_increase_ms=history.last_increase_ms,
            at_ms=self.made_at_ms,
            interruption=history.interrupted,
            bolus=self.draft.bolus,
        )

    @property
    def new(self) -> Program | None:
        """The program that would run; None if the pump cannot."""
        return self.verdict.program

    @cached_property
    def sequence(self) -> str:
        """Which goes first, refill or program; empty if neither way can be carried out.

        A refill compiles the order that runs at the new strength, so an order that the pump could not
        run there has to be replaced first.
        """
        if self.draft.injected_nl is None or self.draft.order is None:
            return REFILL_FIRST
        read = self.reading.interrogation
        if _compiles(read.order, self.concentration_ug_per_ml, self.pump):
            return REFILL_FIRST
        runs_before = _compiles(self.draft.order, read.concentration_ug_per_ml, self.pump)
        return PROGRAM_FIRST if runs_before and not self.draft.prime_nl else ""

    def items(self, actor: str, command_id: str, at_ms: int, reason: str = "") -> tuple[Item, ...]:
        """What would be sent, in order; `at_ms` is what a clock would be set to, `reason` why it stops.

        The same plan, actor and id make the same commands, so sending again repeats nothing. A clock
        command is another one each time, since it carries the time.
        """
        read = self.reading.interrogation
        steps: list[Item] = []
        if self.draft.zone_offset_ms is not None:
            clock_id = f"{command_id}-clock-{at_ms}"
            steps.append(SetClock(actor, clock_id, at_ms, self.draft.zone_offset_ms))
        steps.extend(self._therapy(actor, command_id, reason))
        steps.extend(self._boluses(actor, command_id))
        if self.draft.action is not None:
            steps.append(self.draft.action.command(self.reading, actor, f"{command_id}-action"))
        low = self.draft.low_alarm_nl
        if low is not None and low != read.reservoir.low_alarm_nl:
            steps.append(SetLowReservoirAlarm(actor, f"{command_id}-low-alarm", low))
        return tuple(steps)

    @property
    def is_empty(self) -> bool:
        """True if nothing is asked for; an order the pump cannot run is asked for and not sent."""
        return not self._asks_for_order and not self.items(UNSIGNED, UNSIGNED, 0)

    @property
    def replaces_program(self) -> bool:
        """True if an order, a prime or an emergency puts another program in place of the one that runs."""
        return self._asks_for_order or isinstance(self.draft.action, Reduce)

    @property
    def _asks_for_order(self) -> bool:
        return self.draft.order is not None or bool(self.draft.prime_nl)

    @cached_property
    def digest(self) -> str:
        """Names what would be sent, to which pump and patient, over which program, from which package.

        It is what is signed.
        """
        sent = self.items(UNSIGNED, UNSIGNED, 0)
        read, package = self.reading.interrogation, self.draft.package
        content = [
            read.serial,
            self.chart.patient_id,
            read.program_digest,
            [encode(command).hex() for item in sent for command in _on_the_wire(item)],
            None if package is None else [package.product, package.lot, package.expires.isoformat()],
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    @property
    def blind_fields(self) -> dict[str, object]:
        """What a second person has to enter again without seeing it, as values."""
        draft = self.draft
        asked: dict[str, object] = {
            "injected_volume": draft.injected_nl,
            "concentration": draft.concentration_ug_per_ml,
            "bridge_volume": draft.bridge_nl,
            "prime_volume": draft.prime_nl,
            "order": draft.order,
            **_bolus_fields(draft.bolus),
            **_adjustment_fields(draft.action),
        }
        return {key: value for key, value in asked.items() if value is not None}

    def typed(self, field: str) -> object:
        """What was entered for a field that is asked for again; None for nothing."""
        return self.draft.zone_offset_ms if field == "zone" else self.blind_fields.get(field)

    def _therapy(self, actor: str, command_id: str, reason: str) -> tuple[Item, ...]:
        refill, program = self._refill(actor, command_id), self._program(actor, command_id, reason)
        return (*program, *refill) if self.sequence == PROGRAM_FIRST else (*refill, *program)

    @property
    def outlet_ug_per_ml(self) -> int:
        """The drug a bolus would be made of: the old one while it is still bridged."""
        read = self.reading.interrogation
        bridged = [stage.concentration_ug_per_ml for stage in read.stages if stage.kind is StageKind.BRIDGE]
        return next((drug for drug in bridged if drug), read.concentration_ug_per_ml)

    @property
    def bolus_nl(self) -> int:
        """Whole strokes that hold no more than the bolus of the draft; 0 without one."""
        bolus = self.draft.bolus
        if bolus is None:
            return 0
        return bolus_volume_nl(bolus.dose_pg, self.outlet_ug_per_ml, self.pump.stroke_volume_nl)

    def _boluses(self, actor: str, command_id: str) -> Iterator[Command]:
        bolus, digest = self.draft.bolus, self.reading.interrogation.program_digest
        if isinstance(bolus, SingleBolus):
            yield DeliverBolus(actor, f"{command_id}-bolus", digest, self.bolus_nl, bolus.duration_ms)
        if isinstance(bolus, PatientBolus):
            rule = (bolus.dose_pg, bolus.duration_ms, bolus.lockout_ms, bolus.most_per_day)
            yield EnablePatientBolus(actor, f"{command_id}-permission", *rule)

    def _refill(self, actor: str, command_id: str) -> tuple[Command, ...]:
        if self.draft.injected_nl is None:
            return ()
        bridge = self.draft.bridge_nl if self.changes_concentration else None
        filled = (self.volume_nl, self.concentration_ug_per_ml, bridge)
        return (RecordRefill(actor, f"{command_id}-refill", self._running_at_refill, *filled),)

    def _program(self, actor: str, command_id: str, reason: str) -> tuple[Transfer, ...]:
        """The order's transfer; none where nothing is ordered, or what is ordered cannot run."""
        program = self._as_transferred
        if program is None or not self._asks_for_order:
            return ()
        why = logged_reason(reason) if program.is_still else ""
        ordered = Ordered(self._running_at_program, self.order, self.draft.prime_nl or 0, why)
        return (Transfer(actor, f"{command_id}-program", ordered, program),)

    @property
    def _as_transferred(self) -> Program | None:
        """The program that the order becomes at the strength that is in the pump when it is sent."""
        if self.sequence != PROGRAM_FIRST:
            return self.new
        return compile_order(self.order, self.reading.interrogation.concentration_ug_per_ml, self.pump)

    @property
    def _running_at_refill(self) -> str:
        read = self.reading.interrogation
        if self.sequence == PROGRAM_FIRST:
            return _digest(self.order, read.concentration_ug_per_ml, self.pump)
        return read.program_digest

    @property
    def _running_at_program(self) -> str:
        read = self.reading.interrogation
        if self.sequence == PROGRAM_FIRST or self.draft.injected_nl is None:
            return read.program_digest
        return _digest(read.order, self.concentration_ug_per_ml, self.pump)


def _on_the_wire(item: Item) -> tuple[Command, ...]:
    return (item.stage, item.commit) if isinstance(item, Transfer) else (item,)


def _bolus_fields(bolus: SingleBolus | PatientBolus | None) -> dict[str, object]:
    match bolus:
        case SingleBolus(dose, over):
            return {"bolus_dose": dose, "bolus_duration": over}
        case PatientBolus(dose, over, lockout, most):
            keys = ("patient_dose", "patient_duration", "patient_lockout", "patient_most")
            return dict(zip(keys, (dose, over, lockout, most), strict=True))
        case None:
            return {}


def _adjustment_fields(action: Action | None) -> dict[str, object]:
    if not isinstance(action, AllowAdjustment):
        return {}
    values = (action.step_percent, action.low_pg_per_day, action.high_pg_per_day)
    return {field.key: value for field, value in zip(ADJUSTMENT, values, strict=True)}


def _compiles(order: Order, concentration: int, pump: Pump) -> bool:
    return bool(_digest(order, concentration, pump))


def _digest(order: Order, concentration: int, pump: Pump) -> str:
    try:
        return compile_order(order, concentration, pump).digest
    except OrderError:
        return ""
