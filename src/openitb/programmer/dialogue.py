"""A visit as a conversation: one step after the other, every field with its unit, nothing filled in before.

`Ask` puts a question and gives the line typed; what it asks through may be a terminal or a test.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from openitb import units
from openitb.prescription.orders import DAY_NAMES
from openitb.programmer.advice import advice
from openitb.programmer.comparison import compare
from openitb.programmer.entry import (
    DOSE,
    DOSE_RATE,
    INTERVAL_FIELDS,
    MASS,
    NUMBER_FIELDS,
    EntryError,
    Interval,
    Mark,
    read_interval,
    read_number,
    show_number,
)
from openitb.programmer.indicator import Light, light_of, lines
from openitb.programmer.library import edition_line
from openitb.programmer.outcomes import Unknown, Unreachable
from openitb.programmer.plan import Plan
from openitb.programmer.plan_rules import high_alert, judged, slips
from openitb.programmer.report.content import outcome_text
from openitb.programmer.script import known, read_file
from openitb.programmer.second import PROPOSES, VERIFIES, Approval, SecondPersonError, sign
from openitb.programmer.station import Station
from openitb.programmer.visit import (
    Consent,
    Visit,
    VisitError,
    answer,
    commit_visit,
    consequence,
    discard,
    open_visit,
    proposal,
    required,
    review_visit,
    settle_visit,
    verify_blind,
)
from openitb.programmer.workflow import (
    CHOSEN,
    COMMIT,
    FILE_FIELDS,
    IDENTITY,
    ORDER_FIELDS,
    READ_BACK,
    REVIEW,
    SECOND,
    Step,
    prompt,
    workflow,
    workflows,
)
from openitb.protocol import AlarmReport

Ask = Callable[[str], str]
Say = Callable[[str], None]
Shine = Callable[[Light], None]

SEND = "send"
CLEAR = "clear"
YES = "yes"
MODES = ("stopped", "minimum rate", "simple continuous", "flex", "periodic bolus")
DEMO_BANNER = "DEMO: this pump exists only here; no patient's pump can be reached"

_WIDTH = 36


@dataclass(frozen=True, slots=True)
class Terminal:
    """How to talk: `ask` puts a question, `secret` gives a person's secret unseen, `say` shows a line.

    `shine` lights what the alarms ask for; the words are said besides, so a still terminal needs none.
    """

    ask: Ask
    secret: Ask
    say: Say
    shine: Shine = lambda _light: None


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A person at a station; numbers are typed with `mark` as the decimal mark."""

    station: Station
    person_id: str
    terminal: Terminal
    mark: Mark = "."

    def run(self, kind: str = "") -> Visit | Unreachable:
        """One visit, from reading to what is observed after it.

        Raises `VisitError` if the person sends nothing or the programmer locked itself: the draft is
        gone then and the pump not touched.
        """
        if self.station.is_demo:
            self.say(DEMO_BANNER)
        visit = self._opened(kind or self._chosen())
        if isinstance(visit, Unreachable):
            return visit
        for step in visit.workflow.steps:
            visit = self._step(visit, step)
        for line in advice(visit):
            self.say(line)
        return visit

    def ask(self, prompt: str) -> str:
        """The line typed in answer to a prompt."""
        return self.terminal.ask(prompt)

    def say(self, line: str) -> None:
        """Show a line."""
        self.terminal.say(line)

    def number(self, prompt: str, unit: str) -> str:
        """A number typed at a prompt, with the unit that stands there; asked until it reads."""
        while True:
            try:
                return f"{show_number(read_number(self.ask(prompt), 'number', self.mark))} {unit}"
            except EntryError as error:
                self.say(str(error))

    def _chosen(self) -> str:
        for made in workflows().values():
            if self.station.role in made.roles:
                self.say(f"  {made.workflow_id:<22} {made.purpose}")
        return self._until_taken("Workflow", lambda text: workflow(text).workflow_id)

    def _opened(self, kind: str) -> Visit | Unreachable:
        sender = self.station.sender(self.person_id)
        visit = open_visit(
            self.station.wand, workflow(kind), self.station.chart, self.station.new_id(), sender
        )
        if isinstance(visit, Unreachable):
            return visit
        for why in visit.read_only:
            self.say(f"Read only: {why}")
        self._alarms(visit.reading.interrogation.alarms)
        return visit

    def _alarms(self, alarms: tuple[AlarmReport, ...]) -> None:
        """Every alarm in words, the urgent ones first, under the light of the most urgent."""
        light = light_of(alarms)
        if light is not None:
            self.terminal.shine(light)
        for line in lines(alarms):
            self.say(line)

    def _step(self, visit: Visit, step: Step) -> Visit:
        self.say(f"\n{step.title}. {step.says}")
        if step.step_id == IDENTITY and visit.chart.limits is None:
            self.say("Nobody is on record here: leave the number empty if it is not known.")
        match step.step_id:
            case id_ if id_ == REVIEW:
                return self._reviewed(visit)
            case id_ if id_ == COMMIT:
                return self._committed(visit)
            case id_ if id_ == READ_BACK:
                self.say(outcome_text(visit.outcome)[1])
                return visit
            case "revoke":
                for line in keys_told(visit, self.station):
                    self.say(line)
                return self._fields(visit, step)
            case id_ if id_ == SECOND:
                return visit  # asked with the commit, where it is known whether it is needed
            case _:
                return self._fields(visit, step)

    def _fields(self, visit: Visit, step: Step) -> Visit:
        needed = {*required(visit.workflow, visit.chart), *visit.workflow.afterwards} - {*step.may_ask}
        for key in step.fields:
            visit = self._field(visit, key, may_be_empty=key not in needed)
        return visit

    def _field(self, visit: Visit, key: str, *, may_be_empty: bool) -> Visit:
        while True:
            try:
                given = self._given(key)
                if given == CLEAR:
                    self._clear(visit)
                elif given == "" and may_be_empty:
                    return visit
                else:
                    return answer(visit, key, given, self.station.clock())
            except EntryError as error:
                self.say(str(error))

    def _given(self, key: str) -> object:
        if key in ORDER_FIELDS:
            return OrderDialogue(self).order(ORDER_FIELDS[key])
        if key in INTERVAL_FIELDS:
            made = OrderDialogue(self).interval(INTERVAL_FIELDS[key])
            self.say(f"That is {made.words}.")
            return {"hours": made.hours, "minutes": made.minutes}
        if key in CHOSEN:
            label, choices = CHOSEN[key]
            return self.ask(f"{label} ({', '.join(choices)})")
        if key in NUMBER_FIELDS:
            field = NUMBER_FIELDS[key]
            text = self.ask(field.prompt)
            if text in {"", CLEAR}:
                return text
            return f"{show_number(read_number(text, key, self.mark))} {field.unit}"
        text = self.ask(prompt(key))
        return read_file(key, Path(text)) if key in FILE_FIELDS and text not in {"", CLEAR} else text

    def _clear(self, visit: Visit) -> None:
        self.say(f"Clearing means: {consequence(visit)}.")
        if self.ask(f"Type '{CLEAR}' again to clear, anything else to keep") == CLEAR:
            cleared = discard(visit, consequence(visit))
            raise VisitError(f"cleared: {len(cleared.answers)} entries are left, begin again")

    def _reviewed(self, visit: Visit) -> Visit:
        visit = review_visit(visit, self.station.clock())
        if visit.plan is not None:
            for line in review_lines(visit.plan):
                self.say(line)
        return visit

    def _committed(self, visit: Visit) -> Visit:
        plan = visit.plan
        if plan is None:
            raise VisitError("nothing was reviewed")
        consent = self._consent(visit, plan)
        sender = self.station.sender(self.person_id)
        done = commit_visit(visit, consent, self.station.wand, sender, self.station.staff)
        while isinstance(done.outcome, Unknown):
            self.say(outcome_text(done.outcome)[1])
            if self.ask("Place the wand and press Enter to read again, or type 'leave'") == "leave":
                return done
            done = settle_visit(done, self.station.wand, sender)
        return done

    def _consent(self, visit: Visit, plan: Plan) -> Consent:
        if plan.is_empty or judged(plan).outcome == "refused":
            return Consent(plan.digest)  # nothing to agree to, and a refusal stands whatever is said
        reason = self.ask("Reason") if judged(plan).outcome == "needs reason" else ""
        retyped = {}
        for found in slips(plan):
            self.say(f"STOP: {found.why}. Type it once more.")
            retyped[found.field] = self._given(found.field)
        needed = bool(high_alert(plan)) and not visit.read_only
        approval = self._approval(visit, plan) if needed else None
        if self.ask(f"Type '{SEND}' to send, anything else to send nothing") != SEND:
            raise VisitError("nothing was sent: the pump is not touched")
        return Consent(plan.digest, reason, retyped, approval)

    def _approval(self, visit: Visit, plan: Plan) -> Approval:
        """The second person enters everything alone; a difference ends the visit."""
        first = known(self.station.staff, self.person_id)
        mine = proposal(visit, PROPOSES, visit.session_id, self.station.clock())
        proposed = sign(first, self.terminal.secret(self.person_id), mine)
        self.say(f"Two people: {', '.join(high_alert(plan))}. Hand over; the screen shows no values.")
        second = known(self.station.staff, self.ask("Second person, number"))
        if second.person_id == self.person_id:
            raise SecondPersonError("second person: got the same person, expected somebody else")
        verify_blind(visit, {key: self._given(key) for key in plan.blind_fields})
        theirs = proposal(visit, VERIFIES, self.station.new_id(), self.station.clock())
        return Approval(proposed, sign(second, self.terminal.secret(second.person_id), theirs))

    def _until_taken(self, prompt: str, read: Callable[[str], str]) -> str:
        while True:
            try:
                return read(self.ask(prompt))
            except EntryError as error:
                self.say(str(error))


@dataclass(frozen=True, slots=True)
class OrderDialogue:
    """Asks for an order: the mode, then only the fields of that mode; doses, never flows."""

    at: Dialogue

    def order(self, label: str) -> object:
        """The order in its textual form; "" if nothing was entered."""
        mode = self.at.ask(f"{label}: mode ({', '.join(MODES)})")
        match mode.strip().lower():
            case "simple continuous":
                return {"mode": "simple continuous", "dose": self.at.number(DOSE.prompt, DOSE.unit)}
            case "flex":
                return {"mode": "flex", "steps": list(self._steps())}
            case "periodic bolus":
                return self._periodic()
            case "" | "clear" as said:
                return said
            case said:
                return {"mode": said}

    def _steps(self) -> list[dict[str, object]]:
        steps: list[dict[str, object]] = []
        while start := self.at.ask("Step from (HH:MM of the pump clock, empty when done)"):
            step: dict[str, object] = {
                "from": start,
                "dose_rate": self.at.number(DOSE_RATE.prompt, DOSE_RATE.unit),
            }
            days = self.at.ask(f"On days ({' '.join(DAY_NAMES)}, empty for every day)")
            steps.append({**step, "days": days.split()} if days else step)
        return steps

    def _periodic(self) -> dict[str, object]:
        """Dose, duration and interval; the interval is told in words and has to be agreed to (INC-01)."""
        dose = self.at.number(MASS.prompt, MASS.unit)
        duration = self.interval("Each over")
        while True:
            interval = self.interval("Repeated every")
            self.at.say(f"That is {interval.echo(MASS.stated(dose))}.")
            if (
                self.at.ask(f"Type '{YES}' if that is meant, anything else to enter the interval again")
                == YES
            ):
                break
        basal = self.at.number(f"Basal {DOSE.prompt.lower()}, 0 for none", DOSE.unit)
        return {
            "mode": "periodic bolus",
            "dose": dose,
            "duration": f"{duration.ms // units.MS_PER_MIN} min",
            "interval": f"{interval.ms // units.MS_PER_MIN} min",
            "basal": basal,
        }

    def interval(self, label: str) -> Interval:
        """Hours and minutes, each asked on its own."""
        while True:
            try:
                return read_interval(
                    self.at.ask(f"{label}, hours [h]"), self.at.ask(f"{label}, minutes [min]"), "interval"
                )
            except EntryError as error:
                self.at.say(str(error))


def review_lines(plan: Plan) -> list[str]:
    """The review for a screen: all rows, the changed ones marked, then what the gate says."""
    lines = [f"  {'':<{_WIDTH}} {'now':<{_WIDTH}} proposed"]
    for row in compare(plan):
        mark = "*" if row.changed else " "
        derived = " (derived)" if row.is_derived else ""
        lines.append(f"{mark} {row.label + derived:<{_WIDTH}} {row.old:<{_WIDTH}} {row.new}")
    lines += [f"  {found.level.upper()} {found.field}: {found.message}" for found in judged(plan).findings]
    return [*lines, f"  {edition_line(plan.reading.access)}"]


def keys_told(visit: Visit, station: Station) -> list[str]:
    """Every key the pump may take, by its id, so that nobody has to know one by heart."""
    access = visit.reading.access
    peers = access.peers if access else ()
    lines = [f"  {peer.key_id.hex()}  {peer.role.value}, {peer.name}" for peer in peers]
    if station.handheld_key is not None:
        lines.append(f"  {station.handheld_key.hex()}  patient, the handheld made with the pump")
    gone = access.revoked if access else ()
    return [*lines, *(f"  {key.hex()}  revoked" for key in gone)]
