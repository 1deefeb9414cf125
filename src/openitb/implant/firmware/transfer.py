"""Stage, read back, commit by hash, confirm.

Holds: TEL-06, DEL-05.
"""

from collections.abc import Callable

from openitb import catalogue
from openitb.implant.firmware.change import Change
from openitb.implant.firmware.link_memory import LinkMemory, Staged
from openitb.implant.firmware.refusal import require
from openitb.implant.firmware.state import Firmware
from openitb.prescription import Program
from openitb.protocol import (
    CommitStaged,
    ConfirmProgram,
    LogKind,
    ProgramPump,
    StagedProgram,
    StageProgram,
    TransferReport,
    staged_digest,
)
from openitb.records import replace

Planner = Callable[[ProgramPump], Change]


def as_program(command: StageProgram) -> ProgramPump:
    """The command that would run at once what is only to be staged."""
    return ProgramPump(
        command.actor,
        command.command_id,
        command.expected_digest,
        command.order,
        command.prime_nl,
        command.reason,
    )


def stage(firmware: Firmware, command: StageProgram, program: Program, at_once: Change) -> Change:
    """The change that lays a program aside; `at_once` is the change it would be, checked whole."""
    lifetime_ms = catalogue.load().practice["transfer"].fact("staged_lifetime").whole("ms")
    staged = Staged(
        digest=staged_digest(command, program.digest),
        against_digest=command.expected_digest,
        program_digest=program.digest,
        order=command.order,
        prime_nl=command.prime_nl,
        reason=command.reason,
        dose_pg_per_day=program.daily_dose_pg,
        by=command.actor,
        until_ms=firmware.counter.tick_ms + lifetime_ms,
    )
    asked = (("staged_digest", staged.digest), *at_once.asked)
    return Change(
        LogKind.STAGING_INTENDED,
        asked,
        (LogKind.PROGRAM_STAGED,),
        lambda now: _linked(now, replace(now.link, staged=staged)),
    )


def commit(firmware: Firmware, command: CommitStaged, plan: Planner) -> Change:
    """The change that runs what is staged; `RefusalError` if it is not what the command names."""
    staged = current(firmware)
    require(staged is not None, "staged_digest", "nothing is staged, or it was dropped; stage it again")
    assert staged is not None  # noqa: S101  # for the type checker; refused above
    reason = f"other content is staged ({staged.digest:.12}); read it back again"
    require(command.staged_digest == staged.digest, "staged_digest", reason)
    at_once = plan(_program_of(staged, command))
    unconfirmed = staged.program_digest

    def effect(now: Firmware) -> Firmware:
        return _linked(at_once.effect(now), replace(now.link, staged=None, unconfirmed=unconfirmed))

    return replace(at_once, asked=(("staged_digest", staged.digest), *at_once.asked), effect=effect)


def confirm(firmware: Firmware, command: ConfirmProgram) -> Change:
    """The change that notes the running program as read back and meant."""
    running = firmware.controller.program.digest
    reason = f"the pump runs another program ({running:.12}); read it and review"
    require(command.program_digest == running, "program_digest", reason)
    return Change(
        LogKind.CONFIRMATION_INTENDED,
        (("program", running),),
        (LogKind.PROGRAM_CONFIRMED,),
        lambda now: _linked(now, replace(now.link, unconfirmed="")),
    )


def report(firmware: Firmware) -> TransferReport:
    """What is staged now, and whether the running program still waits to be confirmed."""
    running = firmware.controller.program
    staged = current(firmware)
    told = None if staged is None else _told(staged, firmware)
    return TransferReport(running.digest, firmware.link.unconfirmed != running.digest, told)


def current(firmware: Firmware) -> Staged | None:
    """What is staged and not yet out of date."""
    staged = firmware.link.staged
    return staged if staged is not None and firmware.counter.tick_ms < staged.until_ms else None


def _program_of(staged: Staged, command: CommitStaged) -> ProgramPump:
    return ProgramPump(
        command.actor,
        command.command_id,
        staged.against_digest,
        staged.order,
        staged.prime_nl,
        staged.reason,
    )


def _told(staged: Staged, firmware: Firmware) -> StagedProgram:
    return StagedProgram(
        staged_digest=staged.digest,
        against_digest=staged.against_digest,
        program_digest=staged.program_digest,
        order=staged.order,
        prime_nl=staged.prime_nl,
        reason=staged.reason,
        concentration_ug_per_ml=firmware.controller.program.concentration_ug_per_ml,
        dose_pg_per_day=staged.dose_pg_per_day,
        by=staged.by,
        expires_in_ms=staged.until_ms - firmware.counter.tick_ms,
    )


def _linked(firmware: Firmware, link: LinkMemory) -> Firmware:
    return replace(firmware, link=link)
