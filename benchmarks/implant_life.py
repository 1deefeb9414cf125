"""How long a pump's life takes, every stroke counted, and what a day, a reading and a stroke of it cost.

Seven years with a refill every two months, for a constant dose and for programs of more and more changes
a day, each watched by the guard over all its windows: at once, and advanced day by day as a clinic does it.
Beside it a plain loop that makes the same strokes one after the other and does nothing else: no guard, no
reservoir, no alarms, no log. Seconds are of one core (CPU time), the fastest of three.
Run: python benchmarks/implant_life.py
"""

import time
from collections.abc import Callable
from functools import partial

from openitb import catalogue, units
from openitb.implant import Contents, Implant, advance, fill, handle, new_implant, program_digest, withdraw
from openitb.prescription import Flex, FlexPattern, FlexStep, Order, SimpleContinuous
from openitb.protocol import Interrogate, ProgramPump, RecordRefill, encode

START_MS = 1_767_571_200_000  # 5 January 2026
YEARS = 7
REFILL_EVERY_DAYS = 60
DAYS = YEARS * 365 + 1  # in seven years lies one leap day; the service life ends that evening
FILL_NL = 18 * units.NL_PER_ML
CONCENTRATION = 2000
RATES_UG_PER_H = (12, 24, 6, 18)
CHANGES_A_DAY = (1, 4, 12)
STROKE_COST = 250 * units.MS_PER_DAY
READINGS = 50
REPEATS = 3


def life(changes: int, look_every_days: int = REFILL_EVERY_DAYS) -> tuple[int, int]:
    """Strokes and parcels of one seven-year life."""
    implant, parcels = started(changes), 0
    for day in range(look_every_days, DAYS + look_every_days, look_every_days):
        advanced = advance(implant, START_MS + min(day, DAYS) * units.MS_PER_DAY)
        implant, parcels = advanced.implant, parcels + len(advanced.delivered)
        if day % REFILL_EVERY_DAYS == 0:
            implant = refilled(implant, f"refill-{day}")
    return implant.firmware.counter.strokes, parcels


def started(changes: int) -> Implant:
    pump = catalogue.load().pump("synchromed-ii-20")
    implant = new_implant("NGP000001", pump, Contents(FILL_NL, CONCENTRATION), START_MS)
    command = ProgramPump("bench", "start", program_digest(implant), order(changes))
    return handle(implant, command, START_MS)[0]


def refilled(implant: Implant, command_id: str) -> Implant:
    implant, _, _ = withdraw(implant, implant.now_ms)
    implant = fill(implant, FILL_NL, FILL_NL * CONCENTRATION, implant.now_ms)
    volume_nl = implant.reservoir.volume_nl
    refill = RecordRefill("bench", command_id, program_digest(implant), volume_nl, CONCENTRATION)
    return handle(implant, refill, implant.now_ms)[0]


def order(changes: int) -> Order:
    """The same dose a day, whatever the number of changes."""
    if changes == 1:
        mean = sum(RATES_UG_PER_H) // len(RATES_UG_PER_H)
        return SimpleContinuous(mean * units.HOURS_PER_DAY * units.PG_PER_UG)
    every_ms = units.MS_PER_DAY // changes
    rates = [RATES_UG_PER_H[step % len(RATES_UG_PER_H)] for step in range(changes)]
    steps = tuple(FlexStep(step * every_ms, rate * units.PG_PER_UG) for step, rate in enumerate(rates))
    return Flex((FlexPattern(tuple(range(7)), steps),))


def stroke_loop(changes: int) -> int:
    """The same strokes with nothing around them, one at a time."""
    flows = started(changes).firmware.controller.program.flows(START_MS, 0)
    at_ms, end_ms, phase, strokes = START_MS, START_MS + DAYS * units.MS_PER_DAY, 0, 0
    while at_ms < end_ms:
        rate, change_ms = next(flows) if changes > 1 else (next(flows)[0], end_ms)
        until_ms = min(change_ms or end_ms, end_ms)
        next_ms = at_ms + -(-(STROKE_COST - phase) // rate)
        while next_ms <= until_ms:
            phase += rate * (next_ms - at_ms) - STROKE_COST
            at_ms, strokes = next_ms, strokes + 1
            next_ms = at_ms + -(-(STROKE_COST - phase) // rate)
        phase += rate * (until_ms - at_ms)
        at_ms = until_ms
    return strokes


def readings(implant: Implant) -> None:
    for _ in range(READINGS):
        implant, reply = handle(implant, Interrogate("bench"), implant.now_ms)
        encode(reply)


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds, the fastest of a few runs."""
    took = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        took.append(time.process_time() - start)
    return min(took)


def main() -> None:
    life(4)  # warm caches: catalogue, annotations
    head = f"{'changes a day':<14}{'strokes':>11}{'parcels':>9}{'7 years s':>11}"
    print(f"{head}{'day by day s':>14}{'a day ms':>10}{'stroke loop s':>15}{'loop / life':>13}")
    for changes in CHANGES_A_DAY:
        strokes, parcels = life(changes)
        whole = seconds(partial(life, changes))
        daily, loop = seconds(partial(life, changes, 1)), seconds(partial(stroke_loop, changes))
        assert stroke_loop(changes) == strokes, "the loop makes other strokes"
        row = f"{changes:<14}{strokes:>11,}{parcels:>9,}{whole:>11.2f}{daily:>14.2f}"
        print(f"{row}{1e3 * daily / DAYS:>10.2f}{loop:>15.2f}{loop / whole:>12.1f}x")
    took = seconds(partial(readings, started(4)))
    print(f"a reading of the pump, its reply encoded: {1e3 * took / READINGS:.2f} ms")


if __name__ == "__main__":
    main()
