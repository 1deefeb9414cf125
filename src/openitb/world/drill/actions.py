"""What can happen in a step: a table of actions with weights.

To widen the drill add a row to `ACTIONS`: how often, a name, and a function that does it, looks at
what it touched, and tells in a few words what it was.
"""

import random
from collections.abc import Callable
from itertools import accumulate
from typing import NamedTuple

from openitb import units
from openitb.implant import ImplantError
from openitb.implant.memory import Slot
from openitb.implant.wand import IN_CONTACT, Placement
from openitb.protocol import LogKind
from openitb.records import replace
from openitb.telemetry import TelemetryError
from openitb.world.drill.bed import Cause, Event
from openitb.world.drill.disk import OPERATIONS_OVER, Mishap, belief_of
from openitb.world.drill.line import arrived
from openitb.world.drill.mishaps import hang_up_all, restart, under_mishap
from openitb.world.drill.outcome import Report
from openitb.world.drill.run import Drill, Plan
from openitb.world.drill.talk import frame_moves, programmer_acts, programmer_leaves
from openitb.world.drill.told import needled
from openitb.world.drill.troubles import ERRORS, drawn_fault, run_wild
from openitb.world.drill.ward import DiskSlots, new_contact

DAY = units.MS_PER_DAY


class Action(NamedTuple):
    """One kind of step: its share, its name, what it does."""

    weight: int
    name: str
    do: Callable[[Drill], str]


def run(plan: Plan) -> Report:
    """A whole drill; raises `Broken` at the first rule that does not hold."""
    drill = Drill(plan)
    weights = cumulative(drill)
    for _ in range(plan.steps):
        step(drill, weights)
    return drill.report()


def cumulative(drill: Drill) -> list[int]:
    """The weights of the actions, summed up; a plan may give some of them a share of its own."""
    shares = {**dict.fromkeys(drill.mood.left_out, 0), **dict(drill.plan.shares)}
    return list(accumulate(shares.get(action.name, action.weight) for action in ACTIONS))


def step(drill: Drill, weights: list[int] | None = None) -> None:
    """One action, and every invariant after it."""
    action = drill.draw.choices(ACTIONS, cum_weights=weights or cumulative(drill))[0]
    story = action.do(drill)
    drill.trace.add(drill.now_ms, action.name, story)


def _time_passes(drill: Drill) -> str:
    """From a millisecond to ten seconds, or to a day and a half; one implant is looked at."""
    drill.now_ms += int(10 ** drill.draw.uniform(0, drill.draw.choice((4.0, drill.mood.longest))))
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
    return under_mishap(drill, drill.ward.catch_up)


def _process_stops_and_starts(drill: Drill) -> str:
    return under_mishap(drill, lambda: _cycle(drill))


def _cycle(drill: Drill) -> None:
    drill.ward.catch_up()
    hang_up_all(drill)
    drill.started()


def _process_is_killed(drill: Drill) -> str:
    drill.ward.listen()
    restart(drill)
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
    hang_up_all(drill)
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


def _memory_is_lost(drill: Drill) -> str:
    """What the firmware remembers is damaged in both slots: minimum rate, and a critical alarm (DEL-14)."""
    drill.disk.disarm()
    drill.ward.catch_up()
    drill.observe_saved()
    hang_up_all(drill)
    serial = drill.any_serial()
    for slot in Slot:
        name = DiskSlots(drill.disk, serial).name(slot)
        first, last = belief_of(drill.disk.read(name) or b"")
        drill.disk.flip(name, 8 * drill.draw.randrange(first, last))
    drill.observe(serial, Event(drill.home.load(serial), Cause.LOST))
    drill.started()
    return serial


def _fault_comes(drill: Drill) -> str:
    """A fault of the catalogue, now or within three hours; a pump that has one may get another."""
    serial = drill.any_serial()
    begins_ms = max(drill.now_ms, drill.beds[serial].seen.now_ms) + int(10 ** drill.draw.uniform(0, 7)) + 1
    fault_id, laid = drawn_fault(drill.draw, begins_ms)
    drill.lay(serial, laid)
    drill.trace.seen.add(fault_id)
    return f"{serial} {fault_id} from {begins_ms}"


def _controller_errs(drill: Drill) -> str:
    """In a copy of an implant the controller goes wrong; its guard must hold it (INV-1, DEL-04)."""
    serial = drill.any_serial()
    drill.observe(serial)
    error = drill.draw.choice(ERRORS)
    bed = drill.beds[serial]
    leaked = run_wild(bed.seen, error, bed.expected.flows)
    if leaked:
        raise drill.broken("INV-1", f"{serial}, {error.__name__.strip('_')}: {leaked}")
    return f"{serial} {error.__name__.strip('_')}"


def _wand_moves(drill: Drill) -> str:
    """Somewhere at the edge of its reach, or back into contact."""
    serial = drill.any_serial()
    edge = Placement(float(drill.draw.randint(20, 60)), float(drill.draw.randint(0, 60)))
    drill.home.wands[serial] = drill.draw.choice((IN_CONTACT, IN_CONTACT, edge))
    return f"{serial} {drill.home.wand(serial).distance_mm:g} mm"


def _needle(drill: Drill) -> str:
    """A refill by needle, which the firmware does not notice, within what the reservoir takes."""
    serial = drill.any_serial()
    bed = drill.beds[serial]
    trouble = [each for each in bed.needles if each.covers(max(drill.now_ms, bed.seen.now_ms))]
    if any(each.unreachable for each in trouble):
        return f"{serial} cannot be reached"
    beside = min(1_000, sum(each.beside_permille for each in trouble))
    room_nl = bed.seen.build.capacity_nl - bed.seen.build.residual_nl
    volume_nl, drug = drill.draw.randint(0, room_nl), drill.draw.choice((500, 1000, 2000))
    volume_nl -= volume_nl * beside // 1_000
    drill.disk.disarm()
    drill.observe(serial)
    try:
        out_nl, out_pg = drill.ward.needle(serial, volume_nl, drug)
    except ImplantError as error:
        raise drill.broken("INV-3", f"a needle within the capacity was refused: {error}") from None
    accounts = bed.accounts
    accounts.in_nl, accounts.in_pg = accounts.in_nl + volume_nl, accounts.in_pg + volume_nl * drug
    accounts.out_nl, accounts.out_pg = accounts.out_nl + out_nl, accounts.out_pg + out_pg
    needled(bed.expected, out_nl, volume_nl)
    drill.observe(serial, Event(drill.ward.kept(serial), Cause.NEEDLE))
    return f"{serial} {volume_nl} nL of {drug}"


ACTIONS: tuple[Action, ...] = (
    Action(180, "time passes", _time_passes),
    Action(4, "long time passes", _long_time_passes),
    Action(2, "host clock goes back", _host_clock_goes_back),
    Action(330, "frame moves", frame_moves),
    Action(140, "programmer acts", programmer_acts),
    Action(3, "programmer leaves", programmer_leaves),
    Action(6, "stranger calls", _stranger_calls),
    Action(4, "process saves", _process_saves),
    Action(1, "process stops and starts", _process_stops_and_starts),
    Action(2, "process is killed", _process_is_killed),
    Action(8, "mishap waits", _mishap_waits),
    Action(1, "memory fails", _memory_fails),
    Action(1, "memory is lost", _memory_is_lost),
    Action(6, "needle", _needle),
    Action(5, "fault comes", _fault_comes),
    Action(4, "controller errs", _controller_errs),
    Action(3, "wand moves", _wand_moves),
)
