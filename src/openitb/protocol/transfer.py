"""Moving a program into the pump in steps: stage, read back, commit by its hash, confirm.

A staged program lies beside the running one and delivers nothing. What is committed is what was read
back, bit for bit, or nothing. A commit stays in force whether or not it is confirmed: a reversal that
nobody sees would be a second change of dose. Until it is confirmed the pump says so.

Holds: TEL-06.
"""

import hashlib
from dataclasses import dataclass

from openitb.prescription import Order
from openitb.protocol.writing import encoded


@dataclass(frozen=True, slots=True)
class StageProgram:
    """Lay `order` beside the running program, if that still is `expected_digest`; delivers nothing.

    A stop has to state its `reason`, which goes into the log with the commit.
    """

    actor: str
    command_id: str
    expected_digest: str
    order: Order
    prime_nl: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ReadStaged:
    """Read back what is staged, as the pump understood it, and whether the last commit is confirmed."""

    actor: str


@dataclass(frozen=True, slots=True)
class CommitStaged:
    """Run what is staged from now on, if its hash is `staged_digest`."""

    actor: str
    command_id: str
    staged_digest: str


@dataclass(frozen=True, slots=True)
class ConfirmProgram:
    """Say that the running program was read back after its commit and is the one that was meant."""

    actor: str
    command_id: str
    program_digest: str


@dataclass(frozen=True, slots=True)
class StagedProgram:
    """What lies staged: its hash, what it replaces, and what it would deliver."""

    staged_digest: str
    against_digest: str
    program_digest: str
    order: Order
    prime_nl: int
    reason: str
    concentration_ug_per_ml: int
    dose_pg_per_day: int
    by: str
    expires_in_ms: int


@dataclass(frozen=True, slots=True)
class TransferReport:
    """The reply to `ReadStaged`; `staged` is None if nothing is. `confirmed` is of the running program."""

    program_digest: str
    confirmed: bool
    staged: StagedProgram | None


TransferCommand = StageProgram | CommitStaged | ConfirmProgram


def staged_digest(command: StageProgram, program_digest: str) -> str:
    """The hash a staged program is committed by, SHA-256 in hex.

    Over everything that the commit would do and over nothing of who asked; both ends compute it.
    """
    does = command.order, command.prime_nl, command.reason
    content = command.expected_digest, program_digest, *does
    return hashlib.sha256(b"openitb staged 2\n" + encoded(content)).hexdigest()
