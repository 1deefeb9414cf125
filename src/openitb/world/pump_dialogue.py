"""Talks to an implant the way a programmer does, in messages, with a needle beside it.

The case runner, like every other sender, changes a pump only through `protocol` messages; fluid is
changed only by the needle. Each call gives the implant afterwards and, where it refused, why.
"""

from dataclasses import dataclass
from itertools import count

from openitb import implant as pumps
from openitb.implant import Implant
from openitb.prescription.orders import Order
from openitb.protocol import Command, ProgramPump, RecordRefill, Refused, Role

ACTOR = "case"
REASON = "as the case says"


@dataclass(frozen=True, slots=True)
class Told:
    """The implant after a command; `refusal` is empty if it was applied."""

    implant: Implant
    refusal: str


@dataclass(frozen=True, slots=True)
class Filled:
    """The implant after emptying and filling, and what came out and went in."""

    implant: Implant
    withdrawn_nl: int
    withdrawn_pg: int


class Dialogue:
    """Numbers its commands, so that each is its own."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def program(self, implant: Implant, order: Order, at_ms: int) -> Told:
        """Run `order` from now on."""
        digest = implant.firmware.controller.program.digest
        command = ProgramPump(ACTOR, self._command_id(), digest, order, reason=REASON)
        return self._tell(implant, command, at_ms)

    def refill(
        self,
        implant: Implant,
        volume_nl: int,
        concentration_ug_per_ml: int,
        bridge_nl: int | None,
        at_ms: int,
    ) -> Told:
        """Tell the pump what it now holds; `bridge_nl` is None where the concentration stays."""
        digest = implant.firmware.controller.program.digest
        changes = implant.firmware.controller.program.concentration_ug_per_ml != concentration_ug_per_ml
        bridge = (bridge_nl or 0) if changes else None
        command = RecordRefill(ACTOR, self._command_id(), digest, volume_nl, concentration_ug_per_ml, bridge)
        return self._tell(implant, command, at_ms)

    def needle(self, implant: Implant, volume_nl: int, mass_pg: int, at_ms: int) -> Filled:
        """Empty down to the residual volume, then inject."""
        emptied, out_nl, out_pg = pumps.withdraw(implant, at_ms)
        return Filled(pumps.fill(emptied, volume_nl, mass_pg, at_ms), out_nl, out_pg)

    def _tell(self, implant: Implant, command: Command, at_ms: int) -> Told:
        changed, reply = pumps.handle(implant, command, at_ms, Role.CLINICIAN)
        return Told(changed, f"{reply.field}: {reply.reason}" if isinstance(reply, Refused) else "")

    def _command_id(self) -> str:
        return f"case-{next(self._numbers)}"
