"""Records for the tests of this room."""

from openitb import catalogue
from openitb.prescription import SimpleContinuous, compile_order
from openitb.twin import ClinicRecord, Implanted, Ordered, Refilled, Scored, TrialBolus, Whom
from openitb.twin.record import Entry
from openitb.units import MS_PER_DAY, NL_PER_ML, PG_PER_UG

PUMP = catalogue.load().pump("synchromed-ii-20")
UG_PER_ML = 500
MAS = "modified-ashworth"


def order(day: float, dose_ug: int) -> Ordered:
    program = compile_order(SimpleContinuous(dose_ug * PG_PER_UG), UG_PER_ML, PUMP)
    return Ordered(round(day * MS_PER_DAY), program)


def scores(day: float, leg: int, arm: int, spasm: int, rater: str = "A") -> Scored:
    levels = {"leg": (MAS, leg), "arm": (MAS, arm), "spasm": ("penn-frequency", spasm)}
    return Scored(round(day * MS_PER_DAY), levels, rater)


def refill(day: float, expected_ml: float | None = None, aspirated_ml: float | None = None) -> Refilled:
    volumes = [None if each is None else round(each * NL_PER_ML) for each in (expected_ml, aspirated_ml)]
    return Refilled(round(day * MS_PER_DAY), 18 * NL_PER_ML, UG_PER_ML, *volumes)


def record(*entries: Entry, cause: str = "cerebral", tip: str = "T12", start_ms: int = 0) -> ClinicRecord:
    in_order = tuple(sorted(entries, key=lambda entry: entry.at_ms))
    return ClinicRecord(Whom(cause, 40.0), Implanted(PUMP, 300_000, tip, UG_PER_ML), start_ms, in_order)


def trial() -> tuple[Entry, ...]:
    """A good answer to 50 µg."""
    bolus = TrialBolus(round(0.1 * MS_PER_DAY), 50.0)
    return scores(0, 4, 3, 3), bolus, scores(0.27, 2, 1, 1), order(7, 100), refill(7)


def steady(*days: float, missing_ml: float = 0.0, since: float = 7.0) -> tuple[Entry, ...]:
    """Visits at which all is well; a refill at each, at 0.2 mL a day, from day 7 on."""
    found, last = list[Entry](), since
    for day in days:
        expected = 18 - 0.2 * (day - last)
        found += [scores(day, 1, 1, 1), refill(day, expected, expected - missing_ml)]
        last = day
    return tuple(found)


def lost(*days: float, since: float, aspirated_more_ml: float = 0.0) -> tuple[Entry, ...]:
    """Visits at which everything is as before treatment."""
    found, last = list[Entry](), since
    for day in days:
        expected = 18 - 0.2 * (day - last)
        found += [scores(day, 4, 3, 3), refill(day, expected, expected + aspirated_more_ml)]
        last = day
    return tuple(found)
