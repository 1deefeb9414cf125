"""The link of a clinic that has no wand: every request fails and says so."""

from uuid import UUID

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
from openitb.clinic.record.models import System

NO_WAND = LinkFailure(
    "No wand is connected to this clinic.", "Check the wand or start the virtual pumps, then try again."
)


class Unconnected:
    """Refuses to commit, because nothing was sent; cannot tell what became of earlier commands."""

    def read_pump(self, _system: System, /) -> PumpReading | LinkFailure:
        """Fails."""
        return NO_WAND

    def review(
        self, _system: System, _order: OrderMapping, _override: str, /
    ) -> Review | OrderRefused | LinkFailure:
        """Fails: a review compares with the program that runs."""
        return NO_WAND

    def commit(self, _system: System, _commit: Commit, /) -> Outcome:
        """Refused: nothing left this machine."""
        return Outcome("refused", NO_WAND.reason)

    def read_back(self, _system: System, _command_id: UUID, /) -> Outcome:
        """Unknown stays unknown."""
        return Outcome("unknown", NO_WAND.reason)

    def outlook(self, _system: System, _order: OrderMapping | None, /) -> Outlook | NoOutlook:
        """None: what runs cannot be read."""
        return NoOutlook(NO_WAND.reason)
