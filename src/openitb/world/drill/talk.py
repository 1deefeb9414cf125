"""Programmers, handheld and break-glass key at work, frame by frame, each in the others' way."""

from openitb.protocol import Applied, ProtocolError, Role, encode
from openitb.telemetry import TelemetryError
from openitb.world.drill.bed import Cause, Event
from openitb.world.drill.caller import Caller, Session, UnaskedError
from openitb.world.drill.disk import ProcessEnded
from openitb.world.drill.line import Air, arrived
from openitb.world.drill.mishaps import restart, saver_comes_by, settle_all, under_mishap
from openitb.world.drill.run import Drill
from openitb.world.drill.ward import new_contact
from openitb.world.drill.wishes import Desk, Wish, drawn_wish, question, reading


def frame_moves(drill: Drill) -> str:
    """One frame in flight meets its fate; who spoke last mostly goes on."""
    talking = [(caller, caller.session) for caller in drill.callers if caller.session]
    busy = [(caller, session) for caller, session in talking if session.air.is_busy]
    if not busy:
        return programmer_acts(drill)
    stays = [(caller, session) for caller, session in busy if caller is drill.talking]
    caller, session = stays[0] if stays and drill.draw.random() < 0.7 else drill.draw.choice(busy)
    drill.talking = caller
    to_implant = session.air.next_to_implant(drill.draw)
    fate, data = session.air.move(to_implant, drill.draw)
    drill.trace.seen.add(fate)
    if data:
        drill.trace.mix(data)
        arrive = _arrives_at_implant if to_implant else _arrives_at_wand
        arrive(drill, caller, session, data)
    return f"{caller.name} {'->' if to_implant else '<-'} {session.serial} {fate}"


def _arrives_at_implant(drill: Drill, caller: Caller, session: Session, data: bytes) -> None:
    drill.ward.listen()
    failed: bool | None = None
    try:
        answer = session.contact.receive(arrived(data))
    except (TelemetryError, OSError) as error:
        answer, failed = None, isinstance(error, OSError)
        settle_all(drill)
    except ProcessEnded:
        restart(drill)
        return
    if answer is not None:
        session.air.send(answer, to_implant=False)
    heard = drill.ward.heard
    sound = drill.sound.get(heard.request, False) if heard else True
    serial = heard.serial if heard else session.serial
    cause = Cause.REQUEST if heard else Cause.NOTHING
    drill.observe(serial, Event(drill.ward.kept(serial), cause, heard, sound))
    drill.observe_others(serial)
    if failed is not None:
        _hang_up(drill, caller)  # the implant's end is closed, and so is the line
    if failed:
        saver_comes_by(drill)


def _arrives_at_wand(drill: Drill, caller: Caller, session: Session, data: bytes) -> None:
    asked = session.asked
    try:
        caller.receive(arrived(data))
    except (TelemetryError, ProtocolError):
        _hang_up(drill, caller)
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


def programmer_acts(drill: Drill) -> str:
    """One of them calls, asks, or gives up waiting."""
    caller = drill.talking
    if caller is None or drill.draw.random() < 0.3:
        caller = drill.draw.choices(drill.callers, drill.caller_weights)[0]
    drill.talking = caller
    session = caller.session
    if session is None:
        serial = _whom_to_call(drill, caller)
        air = Air(drill.old_frames, drill.mood.calm_air)
        caller.open(serial, air, new_contact(drill.ward, drill.fresh), drill.fresh())
        return f"{caller.name} calls {serial}"
    if session.is_waiting:
        if session.air.is_busy and drill.draw.random() < 0.96:
            return frame_moves(drill)
        return f"{caller.name} gives up, {_hang_up(drill, caller)}"
    wish = _wish(drill, caller, session)
    drill.sound[encode(wish.request)] = wish.sound
    drill.trace.seen.add(wish.name)
    caller.ask(wish)
    return f"{caller.name} asks {session.serial}: {wish.name} {wish.command_id}"


def _whom_to_call(drill: Drill, caller: Caller) -> str:
    """First the pump where an outcome is open; a patient's own, where something is allowed."""
    if caller.unknown:
        return next(iter(caller.unknown))
    allowing = [serial for serial, bed in drill.beds.items() if bed.expected.allowed.anything]
    is_asking = caller.role is Role.PATIENT and allowing
    return drill.draw.choice(allowing) if is_asking else drill.any_serial()


def _wish(drill: Drill, caller: Caller, session: Session) -> Wish:
    """Repeat what got no answer, or else read and let it be; read what was never read, else ask something."""
    unknown = caller.unknown.get(session.serial)
    if unknown is not None:
        chance = drill.draw.random()
        if chance < 0.85:
            return unknown if chance < 0.5 else question(caller.name, unknown.command_id)
        del caller.unknown[session.serial]
        return reading(caller.name)
    read = caller.readings.get(session.serial)
    if read is None or drill.draw.random() < (0.3 if caller.role is Role.PATIENT else 0.1):
        return reading(caller.name)
    drill.ids += 1
    command_id = f"{caller.name}-{drill.ids}"
    staged, has_staged = caller.staged.get(session.serial), session.serial in caller.staged
    pump = drill.pump(session.serial)
    desk = Desk(drill.draw, caller.name, read, staged, has_staged, pump, command_id)
    return drawn_wish(desk, caller.role, drill.mood.wishes[caller.role])


def programmer_leaves(drill: Drill) -> str:
    """One of them hangs up, whatever is open."""
    caller = drill.draw.choice(drill.callers)
    return f"{caller.name}, {_hang_up(drill, caller)}"


def _hang_up(drill: Drill, caller: Caller) -> str:
    """A caller leaves, and its implant's end with it."""
    session, serial = caller.session, ""
    caller.hang_up()
    if session is None:
        return "was not there"
    serial = session.serial

    def leave() -> None:
        session.contact.leave()
        drill.observe(serial, Event(drill.ward.kept(serial), Cause.LEFT))

    return under_mishap(drill, leave)
