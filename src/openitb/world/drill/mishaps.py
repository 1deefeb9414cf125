"""What becomes of what was being written when the disk fails or the process ends, and how it starts again."""

from collections.abc import Callable

from openitb.world.drill.bed import Cause, Event
from openitb.world.drill.disk import Mishap, ProcessEnded
from openitb.world.drill.run import Drill


def under_mishap(drill: Drill, act: Callable[[], None]) -> str:
    """Do something that writes; what becomes of it if the disk fails or the process ends meanwhile."""
    told = "done"
    drill.ward.listen()
    try:
        act()
    except ProcessEnded as ended:
        restart(drill)
        return str(ended)
    except OSError as error:
        told = str(error)
        settle_all(drill)
        drill.observe_saved()
        saver_comes_by(drill)
    drill.observe_saved()
    return told


def saver_comes_by(drill: Drill) -> None:
    """A state read back after a failed save may not outlast a power loss until it is saved again.

    Nobody was told of it. The service saves every few minutes; here it does so at once.
    """
    drill.disk.disarm()
    drill.ward.catch_up()
    drill.observe_saved()


def restart(drill: Drill) -> None:
    """The process is gone: sessions end, time passes, it starts again on what the disk holds.

    INV-9: each implant is read back as it last was, or as it was being saved, to the last bit.
    """
    heard = drill.ward.heard
    hang_up_all(drill)
    if drill.disk.struck is not None:
        drill.trace.seen.add(drill.disk.struck.value)
    if drill.disk.struck is Mishap.POWER_LOSS:
        drill.disk.lose_power(drill.draw)
    drill.disk.disarm()
    drill.now_ms += int(10 ** drill.draw.uniform(0, 7))
    for serial, bed in drill.beds.items():
        found = drill.settle(serial)
        asked = heard if heard and heard.serial == serial and not heard.reply else None
        sound = drill.sound.get(asked.request, False) if asked else True
        drill.observe(serial, Event(bed.kept if found == bed.kept else found, Cause.SAVED, asked, sound))
        drill.home.save(found)  # a torn slot is mended unnoted; what the log tells of one is drilled apart
    drill.started()


def settle_all(drill: Drill) -> None:
    """Find out what is on disk of each implant whose save has not come to its end."""
    if drill.disk.struck is not None:
        drill.trace.seen.add(drill.disk.struck.value)
    for serial in tuple(drill.home.saving):
        drill.settle(serial)


def hang_up_all(drill: Drill) -> None:
    """The implants' end is gone; so are all sessions."""
    for caller in drill.callers:
        caller.hang_up()
