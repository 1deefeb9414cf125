"""What befalls people on pump therapy: device faults, complications, side effects, leaving.

Each kind comes at a hazard of the catalogue. A fault of a part names its row of the fault catalogue, by
which a simulation lays it on the implant. Withdrawal and loss of effect are no events here: they are
what the body makes of a fault.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from openitb import catalogue
from openitb.body.anatomy import Floats, Ints
from openitb.catalogue import Entry, FaultEntry
from openitb.cohort.errors import CohortError
from openitb.cohort.people.arrays import People
from openitb.cohort.people.causes import per_person
from openitb.cohort.people.draws import Ids, exponential, uniform

KINDS = ("catheter fault", "pump fault", "infection", "csf leak", "drug side effect", "overdose", "leaves")
POCKET_FILL = "F-10"
MONTHS_PER_YEAR = 12.0
_PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Hazards:
    """What each hazard of the catalogue is multiplied by; 0 switches it off.

    `silicone` takes the older catheter's rate. Refuses a factor below 0 or not finite with `CohortError`.
    """

    catheter: float = 1.0
    pump: float = 1.0
    infection: float = 1.0
    csf_leak: float = 1.0
    drug: float = 1.0
    overdose: float = 0.0
    leaving: float = 1.0
    silicone: bool = False

    def __post_init__(self) -> None:
        for each in fields(self):
            if not 0 <= getattr(self, each.name) < np.inf:
                raise CohortError(f"hazards.{each.name}: got {getattr(self, each.name)}, expected at least 0")


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """m events in order of person and time; every array of shape (m,).

    `row` is the person's row, `at_years` the time since implantation, `kind` an index into `KINDS`,
    `fault` the row of the fault catalogue or "". `daily_doses` is the size of an overdose, else NaN.
    """

    row: Ints
    at_years: Floats
    kind: NDArray[np.int8]
    fault: NDArray[np.str_]
    daily_doses: Floats

    def __len__(self) -> int:
        return len(self.row)

    def of(self, kind: str) -> "Events":
        """The events of one kind."""
        return self.where(self.kind == KINDS.index(kind))

    def where(self, some: NDArray[np.bool_] | Ints) -> "Events":
        """These events."""
        return Events(*(getattr(self, each.name)[some] for each in fields(self)))


def befall(people: People, years: float, seed: int, hazards: Hazards | None = None) -> Events:
    """What befalls people in the years after a first implantation, up to the day they leave therapy.

    Faults of catheter and pump are put right by an operation at once; each operation, planned
    replacements too, can bring infection and a leak of spinal fluid. Refuses years that are not above 0
    with `CohortError`.
    """
    if not 0 < years < np.inf:
        raise CohortError(f"years: got {years}, expected above 0")
    by = hazards or Hazards()
    catheter = _entry("silicone-catheter" if by.silicone else "catheter")
    draw = _Drawing(people.ids, years, seed)
    broken = draw.recurring("catheter fault", by.catheter * _yearly(catheter), _early)
    failed = draw.recurring("pump fault", by.pump * _yearly(_entry("pump")), _even)
    operations = draw.operations(broken, failed)
    parts = [
        draw.with_fault(broken, _shares(catheter)),
        draw.with_fault(failed, _pump_shares()),
        draw.after("infection", operations, by.infection * _per_procedure("infection"), _early_share),
        draw.after("csf leak", operations, by.csf_leak * _per_procedure("csf-leak"), _first_month_share),
        draw.recurring("drug side effect", by.drug * _yearly(_entry("drug")), _even),
        draw.sized(draw.recurring("overdose", by.overdose * _yearly(_entry("overdose")), _even)),
        draw.leaving(by.leaving * per_person(people.cause, "leaves_therapy", unstated=0.0) / _PERCENT),
    ]
    return _while_treated(parts, len(people))


def fault_rates(part: str, *, silicone: bool = False) -> dict[str, float]:
    """How often a `catheter` or `pump` fails per year, by row of the fault catalogue."""
    if part == "catheter":
        entry = _entry("silicone-catheter" if silicone else "catheter")
        shares = _shares(entry)
    else:
        entry, shares = _entry("pump"), _pump_shares()
    return {name: _yearly(entry) * share / sum(shares.values()) for name, share in shares.items()}


def early_hazard(years: Floats) -> Floats:
    """Years of even hazard that so many years after an operation are worth, for what comes early."""
    times, shares = _shape()
    later = (shares[-1] - shares[-2]) / (times[-1] - times[-2]) * np.maximum(years - times[-1], 0.0)
    return np.asarray(times[-1] * (np.interp(years, times, shares) + later), dtype=np.float64)


def pocket_filled(ids: Ids, seed: int, refill: int, times: float = 1.0) -> NDArray[np.bool_]:
    """Whose refill of this number goes beside the reservoir, at the fault catalogue's rate."""
    rate = float(catalogue.load().fault(POCKET_FILL).fact("per_refill").number("percent")) / _PERCENT
    return np.asarray(uniform(seed, "pocket fill", ids, refill) < rate * times)


@dataclass(frozen=True, slots=True, eq=False)
class _Drawing:
    """Who is drawn for, over which time, from which seed."""

    ids: Ids
    years: float
    seed: int

    def recurring(self, kind: str, yearly: float, when: Callable[[Floats], Floats]) -> Events:
        """Events at a mean yearly rate; `when` turns time of even hazard into the time it comes."""
        rows, times = [np.empty(0, np.intp)], [np.empty(0)]
        left, waited = np.arange(len(self.ids)), np.zeros(len(self.ids))
        while yearly and len(left):
            turn = len(rows) - 1
            waited = waited[:] + exponential(self.seed, kind, self.ids[left], turn) / yearly
            at = when(waited)
            within = at < self.years
            left, waited = left[within], waited[within]
            rows.append(left)
            times.append(at[within])
        return _events(kind, np.concatenate(rows), np.concatenate(times))

    def leaving(self, yearly: Floats) -> Events:
        with np.errstate(divide="ignore"):
            at = exponential(self.seed, "leaves", self.ids) / yearly
        rows = np.flatnonzero(at < self.years)
        return _events("leaves", rows, at[rows])

    def operations(self, *repairs: Events) -> Events:
        """Implantation, planned replacements and repairs; the kind has no meaning."""
        every = float(catalogue.load().practice["procedures"].fact("replacement").number("year"))
        planned = np.arange(0.0, self.years, every)
        people = np.arange(len(self.ids))
        rows = np.concatenate([np.repeat(people, len(planned)), *(each.row for each in repairs)])
        times = np.concatenate([np.tile(planned, len(people)), *(each.at_years for each in repairs)])
        return _events(KINDS[0], rows, times)

    def after(self, kind: str, operations: Events, share: float, when: Callable[[Floats], Floats]) -> Events:
        """What follows so many of the operations, `when` so long after."""
        rows, times = [np.empty(0, np.intp)], [np.empty(0)]
        for turn, some in enumerate(_turns(operations)):
            row, operated = operations.row[some], operations.at_years[some]
            hit = uniform(self.seed, kind, self.ids[row], turn) < share
            at = operated + when(uniform(self.seed, f"{kind} when", self.ids[row], turn))
            hit &= at < self.years
            rows.append(row[hit])
            times.append(at[hit])
        return _events(kind, np.concatenate(rows), np.concatenate(times))

    def with_fault(self, events: Events, shares: dict[str, float]) -> Events:
        """The same events, each with a row of the fault catalogue."""
        names, parts = np.array(list(shares)), np.array(list(shares.values()))
        edges = np.cumsum(parts / parts.sum())[:-1]
        chance = self._of_each(events, "which fault")
        fault = names[np.searchsorted(edges, chance, side="right")]
        return Events(events.row, events.at_years, events.kind, fault, events.daily_doses)

    def sized(self, events: Events) -> Events:
        """The same overdoses, each with a size."""
        rule = _entry("overdose")
        low, high = (float(rule.fact(f"excess_{end}").number()) for end in ("low", "high"))
        size = low * (high / low) ** self._of_each(events, "overdose size")
        return Events(events.row, events.at_years, events.kind, events.fault, size)

    def _of_each(self, events: Events, purpose: str) -> Floats:
        chance = np.empty(len(events))
        for turn, some in enumerate(_turns(events)):
            name = f"{purpose} {KINDS[events.kind[0]]}"
            chance[some] = uniform(self.seed, name, self.ids[events.row[some]], turn)
        return chance


def _events(kind: str, rows: Ints, times: Floats) -> Events:
    order = np.lexsort((times, rows))
    count = len(rows)
    code, blank = np.full(count, KINDS.index(kind), np.int8), np.full(count, "", "U8")
    return Events(rows[order], times[order], code, blank, np.full(count, np.nan))


def _turns(events: Events) -> list[Ints]:
    """Indices of everybody's first event, then of everybody's second, and so on; rows ascend."""
    first = np.searchsorted(events.row, events.row)
    turn = np.arange(len(events)) - first
    return [np.flatnonzero(turn == k) for k in range(int(turn.max(initial=-1)) + 1)]


def _while_treated(parts: list[Events], people: int) -> Events:
    joined = Events(
        *(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Events))
    )
    gone = np.full(people, np.inf)
    leaves = joined.of("leaves")
    gone[leaves.row] = leaves.at_years
    order = np.lexsort((joined.at_years, joined.row))
    kept = order[joined.at_years[order] <= gone[joined.row[order]]]
    return joined.where(kept)


def _even(waited_years: Floats) -> Floats:
    return waited_years


def _early(waited_years: Floats) -> Floats:
    """Time at which as much hazard has passed as in `waited_years` of even hazard.

    The published parts of the first month and year are of what comes within the follow-up, over which
    the mean rate is the even one; afterwards the hazard stays as in its later part.
    """
    times, shares = _shape()
    spent = waited_years / times[-1]
    beyond = (times[-1] - times[-2]) / (shares[-1] - shares[-2]) * np.maximum(spent - 1.0, 0.0)
    return np.asarray(np.interp(spent, shares, times) + beyond, dtype=np.float64)


def _early_share(chance: Floats) -> Floats:
    times, shares = _shape()
    return np.interp(chance, shares, times)


def _first_month_share(chance: Floats) -> Floats:
    return chance / MONTHS_PER_YEAR


def _shape() -> tuple[Floats, Floats]:
    """Years since an operation, and the part of all hazard of the follow-up that lies before."""
    shape = catalogue.load().practice["hazard-shape"]
    parts = [float(shape.fact(name).number("percent")) / _PERCENT for name in ("first_month", "first_year")]
    follow_up = float(shape.fact("follow_up").number("month")) / MONTHS_PER_YEAR
    return np.array([0.0, 1 / MONTHS_PER_YEAR, 1.0, follow_up]), np.array([0.0, *parts, 1.0])


def _entry(name: str) -> Entry:
    return catalogue.load().practice[f"hazard-{name}"]


def _yearly(entry: Entry) -> float:
    return float(entry.fact("yearly").number("percent")) / _PERCENT


def _per_procedure(name: str) -> float:
    return float(_entry(name).fact("per_procedure").number("percent")) / _PERCENT


def _shares(entry: Entry) -> dict[str, float]:
    faults = catalogue.load().faults
    return {name: float(fact.number()) for name, fact in entry.facts.items() if name in faults}


def _pump_shares() -> dict[str, float]:
    """Faults of the pump that have a hazard and can be laid on it, each with its yearly part."""
    rows = catalogue.load().faults.items()
    return {name: _rate(row) for name, row in rows if "failed" in row.facts and row.lays}


def _rate(row: FaultEntry) -> float:
    return float(row.fact("failed").number("percent") / row.fact("failed_by").number("year"))
