"""What can happen in a step: a table of actions with weights.

To widen the drill add a row to `ACTIONS`: how often, a name, and a function that does it, looks at
what it touched, and tells in a few words what it was.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from openitb import units
from openitb.implant import ImplantError
from openitb.implant.memory import Slot
from openitb.protocol import Applied, LogKind, ProtocolError, encode
from openitb.telemetry import TelemetryError
from openitb.world.drill.bed import Cause, Event
from openitb.world.drill.caller import Caller, Session, UnaskedError
from openitb.world.drill.disk import OPERATIONS_OVER, Mishap, ProcessEnded
from openitb.world.drill.line import Air, arrived
from openitb.world.drill.outcome import Report
from openitb.world.drill.run import Drill, Plan
from openitb.world.drill.ward import DiskSlots, new_contact
from openitb.world.drill.wishes import Desk, Wish, drawn_wish, reading

DAY = units.MS_PER_DAY


class Action(NamedTuple):
    """One kind of step: its share, its name, what it does."""

    weight: int
    name: str
    do: Callable[[Drill], str]


def run(plan: Plan) -> Report:
    """A whole drill; raises `Broken` at the first rule that does not hold."""
    drill = Drill(plan)
    for _ in range(plan.steps):
        step(drill)
    return drill.report()


def step(drill: Drill) -> None:
    """One action, and every invariant after it."""
    action = drill.draw.choices(ACTIONS, cum_weights=_CUMULATIVE)[0]
    story = action.do(drill)
    drill.trace.add(drill.now_ms, action.name, story)


def _time_passes(drill: Drill) -> str:
    """From a millisecond to a day and a half, as likely short as long; one implant is looked at."""
    drill.now_ms += int(10 ** drill.draw.uniform(0, 8.1))
    serial = drill.any_serial()
    drill.observe(serial)
    return serial


def _long_time_passes(drill: Drill) -> str:
    drill.now_ms += drill.draw.randint(DAY, 20 * DAY)
    for serial in drill.beds:
        drill.observe(serial)
    return "all"


def _host_clock_goes_back(drill: Drill) -> str:
    """Implants that have lived until now stand still until the clock comes back to it."""
    drill.disk.disarm()
    drill.ward.catch_up()
    back = drill.draw.randint(0, units.MS_PER_H)
    drill.now_ms -= back
    drill.observe_saved()
    return f"{back} ms"


def _frame_moves(drill: Drill) -> str:
    talking = [(caller, caller.session) for caller in drill.callers if caller.session]
    busy = [(caller, session) for caller, session in talking if session.air.is_busy]
    if not busy:
        return _programmer_acts(drill)
    caller, session = drill.draw.choice(busy)
    to_implant = session.air.next_to_implant(drill.draw)
    fate, data = session.air.move(to_implant, drill.draw)
    if data:
        drill.trace.mix(data)
        arrive = _arrives_at_implant if to_implant else _arrives_at_wand
        arrive(drill, caller, session, data)
    return f"{caller.name} {'->' if to_implant else '<-'} {session.serial} {fate}"


def _arrives_at_implant(drill: Drill, caller: Caller, session: Session, data: bytes) -> None:
    drill.ward.listen()
    failed = False
    try:
        answer = session.contact.receive(arrived(data))
    except (TelemetryError, OSError) as error:
        caller.hang_up()  # the implant's end is closed, and so is the line
        answer, failed = None, isinstance(error, OSError)
        _settle_all(drill)
    except ProcessEnded:
        _restart(drill)
        return
    if answer is not None:
        session.air.send(answer, to_implant=False)
    heard = drill.ward.heard
    sound = drill.sound.get(heard.request, False) if heard else True
    serial = heard.serial if heard else session.serial
    cause = Cause.REQUEST if heard else Cause.NOTHING
    drill.observe(serial, Event(drill.ward.kept(serial), cause, heard, sound))
    drill.observe_others(serial)
    if failed:
        _saver_comes_by(drill)


def _arrives_at_wand(drill: Drill, caller: Caller, session: Session, data: bytes) -> None:
    asked = session.asked
    try:
        caller.receive(arrived(data))
    except (TelemetryError, ProtocolError):
        caller.hang_up()
        return
    except UnaskedError as error:
        raise drill.broken("INV-12", str(error)) from None
    if asked is not None and caller.told:
        _check_told(drill, session, asked, caller.told[-1][2])


def _check_told(drill: Drill, session: Session, asked: Wish, reply: object) -> None:
    """INV-12: what a programmer shows is what this pump said to this question in this session."""
    said = session.contact.last_heard
    if said is None or said.serial != session.serial or said.request != encode(asked.request):
        raise drill.broken("INV-12", f"{asked.name} was answered by the answer to something else")
    if isinstance(reply, Applied) and reply.command_id not in drill.beds[session.serial].done:
        raise drill.broken("INV-12", f"{asked.name} was told done and is not")


def _programmer_acts(drill: Drill) -> str:
    caller = drill.draw.choices(drill.callers, (5, 5, 2))[0]
    session = caller.session
    if session is None:
        serial = next(iter(caller.unknown), "") or drill.any_serial()  # first what is still open
        air = Air(drill.old_frames)
        caller.open(serial, air, new_contact(drill.ward, drill.fresh), drill.fresh())
        return f"{caller.name} calls {serial}"
    if session.is_waiting:
        if session.air.is_busy and drill.draw.random() < 0.96:
            return _frame_moves(drill)
        caller.hang_up()
        return f"{caller.name} gives up"
    wish = _wish(drill, caller, session)
    drill.sound[encode(wish.request)] = wish.sound
    caller.ask(wish)
    return f"{caller.name} asks {session.serial}: {wish.name} {wish.command_id}"


def _wish(drill: Drill, caller: Caller, session: Session) -> Wish:
    """Repeat what got no answer, or else read and let it be; read what was never read, else ask something."""
    unknown = caller.unknown.get(session.serial)
    if unknown is not None:
        if drill.draw.random() < 0.8:
            return unknown
        del caller.unknown[session.serial]
        return reading(caller.name)
    read = caller.readings.get(session.serial)
    if read is None or drill.draw.random() < 0.1:
        return reading(caller.name)
    drill.ids += 1
    command_id = f"{caller.name}-{drill.ids}"
    return drawn_wish(Desk(drill.draw, caller.name, read, drill.pump(session.serial), command_id))


def _programmer_leaves(drill: Drill) -> str:
    caller = drill.draw.choice(drill.callers)
    caller.hang_up()
    return caller.name


def _stranger_calls(drill: Drill) -> str:
    """Anyone may send anything: noise, what was overheard, a hello with a key that nobody knows."""
    contact = new_contact(drill.ward, drill.fresh)
    frames = _strange_frames(drill.draw, drill.old_frames)
    drill.ward.listen()
    for frame in frames:
        try:
            contact.receive(arrived(frame))
        except TelemetryError:
            break
    if drill.ward.heard is not None:
        raise drill.broken("INV-11", "a stranger's request reached an implant")
    serial = drill.any_serial()
    drill.observe(serial)
    drill.observe_others(serial)
    return f"{len(frames)} frames"


def _strange_frames(draw: random.Random, old: list[bytes]) -> list[bytes]:
    frames = [draw.choice(old) for _ in range(3)] if old else []
    noise = draw.randbytes(draw.randint(1, 80))
    return [*frames, len(noise).to_bytes(2, "big") + noise]


def _process_saves(drill: Drill) -> str:
    return _under_mishap(drill, drill.ward.catch_up)


def _process_stops_and_starts(drill: Drill) -> str:
    return _under_mishap(drill, lambda: _cycle(drill))


def _cycle(drill: Drill) -> None:
    drill.ward.catch_up()
    _hang_up_all(drill)
    drill.started()


def _process_is_killed(drill: Drill) -> str:
    drill.ward.listen()
    _restart(drill)
    return "while nothing was written"


def _mishap_waits(drill: Drill) -> str:
    mishap = drill.draw.choice(list(Mishap))
    operations = drill.draw.randrange(2 * len(OPERATIONS_OVER) * len(drill.beds))
    drill.disk.arm(mishap, operations)
    return f"{mishap.value} after {operations} operations"


def _memory_fails(drill: Drill) -> str:
    """A bit turns in one slot at rest: the other is served, and the log tells (SYS-03, LOG-07)."""
    drill.disk.disarm()
    drill.ward.catch_up()
    drill.observe_saved()
    _hang_up_all(drill)
    serial, slot, bit = drill.any_serial(), drill.draw.choice(list(Slot)), drill.draw.randrange(2**20)
    drill.disk.flip(DiskSlots(drill.disk, serial).name(slot), bit)
    found, before = drill.home.load(serial), drill.beds[serial].kept
    if found.firmware.log.entries[-1].kind is not LogKind.MEMORY_MASKED:
        raise drill.broken("INV-9", f"{serial} was read with bit {bit} turned, and the log does not tell")
    if replace(found, firmware=replace(found.firmware, log=before.firmware.log)) != before:
        raise drill.broken("INV-9", f"{serial} was read as another, with bit {bit} turned")
    drill.observe(serial, Event(found, Cause.MASKED))
    drill.started()
    return f"{serial} slot {slot.value} bit {bit}"


def _needle(drill: Drill) -> str:
    """A refill by needle, which the firmware does not notice, within what the reservoir takes."""
    serial = drill.any_serial()
    bed = drill.beds[serial]
    room_nl = bed.seen.build.capacity_nl - bed.seen.build.residual_nl
    volume_nl, drug = drill.draw.randint(0, room_nl), drill.draw.choice((500, 1000, 2000))
    drill.disk.disarm()
    drill.observe(serial)
    try:
        out_nl, out_pg = drill.ward.needle(serial, volume_nl, drug)
    except ImplantError as error:
        raise drill.broken("INV-3", f"a needle within the capacity was refused: {error}") from None
    accounts = bed.accounts
    accounts.in_nl, accounts.in_pg = accounts.in_nl + volume_nl, accounts.in_pg + volume_nl * drug
    accounts.out_nl, accounts.out_pg = accounts.out_nl + out_nl, accounts.out_pg + out_pg
    bed.expected = bed.expected.refilled_by_needle(out_nl, volume_nl)
    drill.observe(serial, Event(drill.ward.kept(serial), Cause.NEEDLE))
    return f"{serial} {volume_nl} nL of {drug}"


def _under_mishap(drill: Drill, act: Callable[[], None]) -> str:
    """Do something that writes; what becomes of it if the disk fails or the process ends meanwhile."""
    told = "done"
    drill.ward.listen()
    try:
        act()
    except ProcessEnded as ended:
        _restart(drill)
        return str(ended)
    except OSError as error:
        told = str(error)
        _settle_all(drill)
        drill.observe_saved()
        _saver_comes_by(drill)
    drill.observe_saved()
    return told


def _saver_comes_by(drill: Drill) -> None:
    """A state read back after a failed save may not outlast a power loss until it is saved again.

    Nobody was told of it. The service saves every few minutes; here it does so at once.
    """
    drill.disk.disarm()
    drill.ward.catch_up()
    drill.observe_saved()


def _restart(drill: Drill) -> None:
    """The process is gone: sessions end, time passes, it starts again on what the disk holds.

    INV-9: each implant is read back as it last was, or as it was being saved, to the last bit.
    """
    heard = drill.ward.heard
    _hang_up_all(drill)
    if drill.disk.struck is Mishap.POWER_LOSS:
        drill.disk.lose_power(drill.draw)
    drill.disk.disarm()
    drill.now_ms += int(10 ** drill.draw.uniform(0, 7))
    for serial, bed in drill.beds.items():
        found = drill.settle(serial)
        asked = heard if heard and heard.serial == serial and not heard.reply else None
        sound = drill.sound.get(asked.request, False) if asked else True
        drill.observe(serial, Event(bed.kept if found == bed.kept else found, Cause.SAVED, asked, sound))
        drill.home.save(found)  # a torn slot is mended unnoted; what the log tells of one is drilled above
    drill.started()


def _settle_all(drill: Drill) -> None:
    for serial in tuple(drill.home.saving):
        drill.settle(serial)


def _hang_up_all(drill: Drill) -> None:
    for caller in drill.callers:
        caller.hang_up()


ACTIONS: tuple[Action, ...] = (
    Action(400, "time passes", _time_passes),
    Action(4, "long time passes", _long_time_passes),
    Action(2, "host clock goes back", _host_clock_goes_back),
    Action(270, "frame moves", _frame_moves),
    Action(90, "programmer acts", _programmer_acts),
    Action(3, "programmer leaves", _programmer_leaves),
    Action(6, "stranger calls", _stranger_calls),
    Action(4, "process saves", _process_saves),
    Action(1, "process stops and starts", _process_stops_and_starts),
    Action(2, "process is killed", _process_is_killed),
    Action(8, "mishap waits", _mishap_waits),
    Action(1, "memory fails", _memory_fails),
    Action(6, "needle", _needle),
)
_CUMULATIVE = [sum(action.weight for action in ACTIONS[: n + 1]) for n in range(len(ACTIONS))]
