"""How a conversation with a pump can end."""

from dataclasses import dataclass

from openitb.protocol import AccessReport, Interrogation, LogEntry, TransferReport


@dataclass(frozen=True, slots=True)
class Reading:
    """What a pump said of itself, when we heard it, and its whole log as far as it keeps one.

    `log_fault` is empty if the log hangs together; otherwise it says where the chain breaks. `transfer` and
    `access` are None where the key that read it may not ask for them.
    """

    interrogation: Interrogation
    received_at_ms: int
    log: tuple[LogEntry, ...]
    log_fault: str = ""
    transfer: TransferReport | None = None
    access: AccessReport | None = None


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No reading: nothing can be said about the pump now. `reason` is one line for a person."""

    reason: str


@dataclass(frozen=True, slots=True)
class Applied:
    """The pump did it all: it said so, reading it back shows it, and an order is confirmed to it."""

    reading: Reading


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was changed, and why; `reading` where the pump was read to make sure."""

    field: str
    reason: str
    reading: Reading | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The command may or may not have been acted on: `settle` finds out by reading the pump."""

    command_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Partly:
    """Some of several commands were carried out and others not: the pump as it stands now, read back."""

    reading: Reading
    done: tuple[str, ...]
    not_done: tuple[str, ...]
    reason: str


Outcome = Applied | Refused | Unknown | Partly
