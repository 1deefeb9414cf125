"""An order on its way into a pump: staged, read back, compared with the review, committed by its hash.

The hash is computed from what was reviewed, never taken from the pump, so what is committed is the
reviewed order or nothing.

Holds: TEL-06.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from openitb.prescription import Order, Program
from openitb.protocol import (
    CommitStaged,
    ConfirmProgram,
    StagedProgram,
    StageProgram,
    TransferReport,
    staged_digest,
)
from openitb.protocol.messages import MAX_REASON

_STAGE, _CONFIRM = "-stage", "-confirm"


@dataclass(frozen=True, slots=True)
class Ordered:
    """What one order asks for: over which running program, after which prime, and why if it stops."""

    against_digest: str
    order: Order
    prime_nl: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Transfer:
    """An order and the program it has to become at the pump; `command_id` names the commit in its log."""

    actor: str
    command_id: str
    ordered: Ordered
    program: Program

    @property
    def stage(self) -> StageProgram:
        """Lays the order aside."""
        asked = self.ordered
        staged_id = stage_id(self.command_id)
        return StageProgram(
            self.actor, staged_id, asked.against_digest, asked.order, asked.prime_nl, asked.reason
        )

    @property
    def commit(self) -> CommitStaged:
        """Runs exactly what was reviewed."""
        return CommitStaged(self.actor, self.command_id, staged_digest(self.stage, self.program.digest))

    def differences(self, read: TransferReport) -> tuple[str, ...]:
        """What the pump holds staged otherwise than reviewed; empty if it is the same in every bit."""
        if read.staged is None:
            return ("nothing is staged",)
        return tuple(self._different(read.staged))

    def _different(self, staged: StagedProgram) -> Iterator[str]:
        due = {
            "order": (staged.order, self.ordered.order),
            "daily dose": (staged.dose_pg_per_day, self.program.daily_dose_pg),
            "concentration": (staged.concentration_ug_per_ml, self.program.concentration_ug_per_ml),
            "prime": (staged.prime_nl, self.ordered.prime_nl),
            "reason": (staged.reason, self.ordered.reason),
            "program replaced": (staged.against_digest, self.ordered.against_digest),
            "program digest": (staged.program_digest, self.program.digest),
            "staged digest": (staged.staged_digest, self.commit.staged_digest),
        }
        return (name for name, (held, reviewed) in due.items() if held != reviewed)


def stage_id(command_id: str) -> str:
    """The id under which an order is staged."""
    return f"{command_id}{_STAGE}"


def confirmation(actor: str, command_id: str, program_digest: str) -> ConfirmProgram:
    """What tells the pump that a commit was read back; the same each time, so it counts once."""
    return ConfirmProgram(actor, f"{command_id}{_CONFIRM}", program_digest)


def logged_reason(text: str) -> str:
    """A reason as the pump's log can hold it: one line, cut to its length."""
    line = " ".join(text.split())
    return "".join(letter for letter in line if letter.isprintable())[:MAX_REASON]
