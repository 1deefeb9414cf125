"""Credits: what a clinician's command allows once, beyond the program, and how nothing is allowed twice.

A prime, a bridge or a bolus would be an overdose to a guard that knows only the program; so each comes
with a credit of its own: so much volume, no faster than a given flow, under a number that is used
once. The seal binds them together with a key that the issuer and the guard share and the
controller does not hold, so a controller that went wrong can neither make a credit nor change one.
Volumes are accumulated flow, nL/day x ms, as strokes are.

Holds: BOL-13, DEL-07.
"""

import hashlib
import hmac
from dataclasses import dataclass, replace
from enum import StrEnum

SEAL_BYTES = 16


class CreditKind(StrEnum):
    """What a credit is for."""

    BOLUS = "bolus"  # on top of the program, counted as dose
    PATH = "path"  # to fill or empty the path: prime and bridge


@dataclass(frozen=True, slots=True)
class Credit:
    """So much flow in all, at `highest_nl_per_day` at the most, once.

    At most `refundable` is given back for strokes that the rotor did not follow: feedback that lies can
    add so much and no more.
    """

    number: int
    kind: CreditKind
    flow: int
    highest_nl_per_day: int
    refundable: int
    seal: bytes

    def is_sealed_by(self, key: bytes) -> bool:
        """True if it is as it was issued by the holder of `key`."""
        return hmac.compare_digest(self.seal, _seal(key, self))


@dataclass(frozen=True, slots=True)
class Charge:
    """The part of a flow that is to be taken from a credit."""

    credit: Credit
    rate_nl_per_day: int


@dataclass(frozen=True, slots=True)
class Issuer:
    """Makes credits. Numbers only grow; persisted, so that none is ever issued twice."""

    key: bytes
    last_number: int = 0

    def issue(
        self, kind: CreditKind, flow: int, highest_nl_per_day: int, refundable: int = 0
    ) -> tuple["Issuer", Credit]:
        """The issuer afterwards, and the credit."""
        number = self.last_number + 1
        blank = Credit(number, kind, flow, highest_nl_per_day, refundable, b"")
        return replace(self, last_number=number), replace(blank, seal=_seal(self.key, blank))


@dataclass(frozen=True, slots=True)
class Open:
    """A credit the guard has accepted, the flow left on it, and how much was given back."""

    credit: Credit
    left: int
    refunded: int = 0

    def spent(self, flow: int, missed: int) -> "Open":
        """With so much taken off, and given back as far as it may be what of it was never made."""
        given = min(missed, self.credit.refundable - self.refunded)
        return replace(self, left=self.left - flow + given, refunded=self.refunded + given)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The guard's own account of credits; `last_number` is the highest it ever accepted."""

    last_number: int = 0
    open: tuple[Open, ...] = ()

    def accepted(self, credit: Credit, key: bytes) -> "Ledger":
        """With one credit more; unchanged for one that is not sealed, empty, or was seen before."""
        known = credit.number <= self.last_number
        if known or credit.flow <= 0 or not credit.is_sealed_by(key):
            return self
        return Ledger(credit.number, (*self.open, Open(credit, credit.flow)))

    def left(self, credit: Credit | None) -> int:
        """What is left on a credit; 0 for none, for one that is spent, withdrawn, changed or made up."""
        return next((entry.left for entry in self.open if entry.credit == credit), 0)

    def spent(self, credit: Credit, flow: int, missed: int = 0) -> "Ledger":
        """With so much taken off a credit, `missed` of it never made; an empty one is closed for good."""
        after = (entry.spent(flow, missed) if entry.credit == credit else entry for entry in self.open)
        return replace(self, open=tuple(entry for entry in after if entry.left > 0))

    def only(self, kept: tuple[Credit, ...]) -> "Ledger":
        """With every open credit withdrawn but those; a number withdrawn is never accepted again."""
        return replace(self, open=tuple(entry for entry in self.open if entry.credit in kept))


NO_CREDITS = Ledger()


def key_of(serial: str) -> bytes:
    """The key of one pump's issuer and guard. It parts two pieces of one firmware, not people."""
    return hashlib.sha256(f"openitb credit key 1\n{serial}".encode()).digest()


def _seal(key: bytes, credit: Credit) -> bytes:
    numbers = (credit.number, credit.flow, credit.highest_nl_per_day, credit.refundable)
    text = "\n".join((credit.kind.value, *map(str, numbers)))
    return hmac.new(key, text.encode(), hashlib.sha256).digest()[:SEAL_BYTES]
