"""How long seven years of a pump's life take: flex with four changes a day, every stroke counted."""

import time

from openitb import catalogue, units
from openitb.implant import Contents, advance, fill, handle, new_implant, program_digest, withdraw
from openitb.prescription import Flex, FlexPattern, FlexStep
from openitb.protocol import ProgramPump, RecordRefill

START_MS = 1_767_571_200_000  # 5 January 2026
YEARS = 7
REFILL_EVERY_DAYS = 60
DAYS = YEARS * 365 + 2
FILL_NL = 18 * units.NL_PER_ML
CONCENTRATION = 2000
RATES_UG_PER_H = (12, 24, 6, 18)


def life() -> tuple[int, int, float]:
    """Strokes, parcels and seconds of one seven-year life with a refill every two months."""
    pump = catalogue.load().pump("synchromed-ii-20")
    implant = new_implant("NGP000001", pump, Contents(FILL_NL, CONCENTRATION), START_MS)
    parcels = 0
    began = time.perf_counter()
    start = ProgramPump("bench", "start", program_digest(implant), flex())
    implant, _ = handle(implant, start, START_MS)
    for day in range(REFILL_EVERY_DAYS, DAYS, REFILL_EVERY_DAYS):
        advanced = advance(implant, START_MS + day * units.MS_PER_DAY)
        parcels += len(advanced.delivered)
        implant = refilled(advanced.implant, f"refill-{day}")
    advanced = advance(implant, START_MS + DAYS * units.MS_PER_DAY)
    parcels += len(advanced.delivered)
    return advanced.implant.firmware.counter.strokes, parcels, time.perf_counter() - began


def refilled(implant, command_id):
    implant, _, _ = withdraw(implant, implant.now_ms)
    implant = fill(implant, FILL_NL, FILL_NL * CONCENTRATION, implant.now_ms)
    volume_nl = implant.reservoir.volume_nl
    refill = RecordRefill("bench", command_id, program_digest(implant), volume_nl, CONCENTRATION)
    return handle(implant, refill, implant.now_ms)[0]


def flex() -> Flex:
    steps = tuple(
        FlexStep(quarter * 6 * units.MS_PER_H, rate * units.PG_PER_UG)
        for quarter, rate in enumerate(RATES_UG_PER_H)
    )
    return Flex((FlexPattern(tuple(range(7)), steps),))


def main() -> None:
    life()  # warm caches: catalogue, annotations
    strokes, parcels, seconds = min((life() for _ in range(3)), key=lambda result: result[2])
    print(f"implant: {YEARS} years of flex, {strokes:,} strokes in {parcels:,} parcels: {seconds:.2f} s")


if __name__ == "__main__":
    main()
