"""The delivery guard: stands between controller and motor and shares nothing with either.

It sees strokes, the clock and its own limits. Whatever the controller believes,

* no two strokes come closer than those of the pump's highest flow, so no window of any length holds
  more than that flow delivers in it, and one stroke;
* without a credit, no flow is higher than the program's highest, so no window of any length holds
  more than that, and one stroke;
* without a credit, no window of the watched lengths holds more than the committed program delivers
  in its fullest window of that length; a longer window is covered by shorter ones;
* boluses included, no watched window holds more than the clinician's limit on dose;
* beyond that comes only what a credit allows, once.

A limit that changes does not judge the past by the present: a window that reaches back before the change
may hold what it held then and what the new program adds.

Holds: DEL-03, DEL-04, DEL-06, DEL-07, DEL-08, DEL-11.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from openitb.implant.firmware.credits import NO_CREDITS, Charge, Credit, CreditKind, Ledger
from openitb.implant.firmware.passed import NOTHING, Breach, Limit, Passed, Run
from openitb.implant.firmware.strokes import Train

Charges = tuple[Charge, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """What is authorised now: the highest flow of the program, and what windows may hold.

    A window that the highest flow cannot fill too much needs no entry. The past is remembered for
    `memory_ms`, the longest window there can be.
    """

    highest_nl_per_day: int
    memory_ms: int
    windows: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True)
class Guard:
    """The limits, and what was let through; `phase` is what the motor is on its way with."""

    shortest_interval_ms: int
    key: bytes
    limits: Limits
    ledger: Ledger = NO_CREDITS
    passed: Passed = NOTHING
    phase: int = 0
    last_stroke_ms: int | None = None

    def admitted(self, train: Train, charges: Charges = ()) -> Train | None:
        """The longest beginning of a train that keeps every limit; None if not even the first tick does.

        A train may be cut short by a limit or because its credit runs out; the rest is asked again.
        """
        if not self._is_possible(train, self.last_stroke_ms):
            return None
        plain = train.rate_nl_per_day - sum(charge.rate_nl_per_day for charge in charges)
        covered = self._covered(train, charges)
        if covered is None or not 0 <= plain <= max(0, self.limits.highest_nl_per_day):
            return None
        return self._within_windows(covered, charges)

    def whole(self, trains: Iterable[Train]) -> tuple[Train, ...]:
        """Those of trains on no credit, one after the other from the first on, that keep every limit whole.

        What `admitted` would let through one by one is let through at once: each window is followed over
        all of them. It may give fewer of them, never more; the next is then asked for alone.
        """
        possible = tuple(self._possible(islice(trains, self.passed.room)))
        breach = first_breach(self.passed, self.limits, self._runs(possible)) if possible else None
        return possible if breach is None else tuple(t for t in possible if t.end_ms < breach.at_ms)

    def after(self, train: Train, charges: Charges = (), missed: int = 0) -> "Guard":
        """The guard once an admitted train has run, of which the rotor did not follow `missed` strokes.

        Windows count what was asked for. A path's credit is not spent on what was missed: its place in
        the column is still to come.
        """
        ledger = self.ledger
        for charge in charges:
            flow = charge.rate_nl_per_day * (train.end_ms - train.start_ms)
            is_path = charge.credit.kind is CreditKind.PATH
            ledger = ledger.spent(charge.credit, flow, missed * train.cost if is_path else 0)
        return self._passed((self._run(train, charges),), (train,), ledger)

    def after_whole(self, trains: Sequence[Train]) -> "Guard":
        """The guard once trains that `whole` let through have run, every stroke of them."""
        return self._passed(self._runs(trains), trains, self.ledger)

    def told(self, limits: Limits) -> "Guard":
        """The guard under other limits from now on."""
        return replace(self, limits=limits)

    def granted(self, credit: Credit) -> "Guard":
        """The guard with a credit more, if it is genuine and new; otherwise as it was."""
        return replace(self, ledger=self.ledger.accepted(credit, self.key))

    def withdrawn(self, kept: tuple[Credit, ...]) -> "Guard":
        """The guard with every credit withdrawn but those."""
        return replace(self, ledger=self.ledger.only(kept))

    def breach(self, run: Run) -> Breach | None:
        """The first watched window that would hold too much if `run` came next."""
        return first_breach(self.passed, self.limits, (run,))

    def _possible(self, trains: Iterable[Train]) -> Iterator[Train]:
        """The trains up to the first that is not the program's, or not the next after the one before it."""
        last_ms, before = self.last_stroke_ms, None
        for train in trains:
            follows = before is None or (before.end_ms, before.left) == (train.start_ms, train.phase)
            allowed = train.rate_nl_per_day <= self.limits.highest_nl_per_day
            if not (follows and allowed and self._is_possible(train, last_ms)):
                return
            yield train
            last_ms, before = train.last_ms(last_ms), train

    def _passed(self, runs: Sequence[Run], trains: Sequence[Train], ledger: Ledger) -> "Guard":
        last_ms = self.last_stroke_ms
        for train in trains:
            last_ms = train.last_ms(last_ms)
        return replace(
            self,
            ledger=ledger,
            passed=self.passed.after(runs, self.limits.memory_ms),
            phase=trains[-1].left,
            last_stroke_ms=last_ms,
        )

    def _is_possible(self, train: Train, last_ms: int | None) -> bool:
        """True if the drive is made for every stroke, and for its distance from the last one."""
        if train.end_ms < train.start_ms or train.rate_nl_per_day < 0:
            return False
        if train.rate_nl_per_day == 0:
            return train.count == 0
        if train.rate_nl_per_day * self.shortest_interval_ms > train.cost:
            return False
        if train.count == 0:
            return True
        first_ms = train.tick_of(1)
        if first_ms <= train.start_ms:
            return False  # a stroke that should have been made already is not made up
        return last_ms is None or first_ms - last_ms >= self.shortest_interval_ms

    def _covered(self, train: Train, charges: Charges) -> Train | None:
        """The beginning of a train for which all its credits last; None if one covers nothing of it."""
        if len({charge.credit.number for charge in charges}) < len(charges):
            return None  # no credit pays twice at once
        for charge in charges:
            lasts_ms = self._lasts_ms(charge, train)
            if not lasts_ms:
                return None
            train = train.until(min(train.end_ms, train.start_ms + lasts_ms))
        return train

    def _lasts_ms(self, charge: Charge, train: Train) -> int:
        if charge.rate_nl_per_day == 0:
            return train.end_ms - train.start_ms
        if not 0 < charge.rate_nl_per_day <= charge.credit.highest_nl_per_day:
            return 0
        return self.ledger.left(charge.credit) // charge.rate_nl_per_day

    def _within_windows(self, train: Train, charges: Charges) -> Train | None:
        run = self._run(train, charges)
        breach = self.breach(run) if run.rate(with_boluses=True) or run.burst else None
        if breach is None:
            return train  # what adds nothing breaks nothing, least of all a halt
        last_ms = breach.at_ms - 1
        return train.until(last_ms) if last_ms > train.start_ms else None

    def _run(self, train: Train, charges: Charges) -> Run:
        """What the train moves. A phase that nothing accounts for counts as flow that comes at once."""
        extra = sum(c.rate_nl_per_day for c in charges if c.credit.kind is CreditKind.BOLUS)
        plain = train.rate_nl_per_day - sum(charge.rate_nl_per_day for charge in charges)
        return Run(train.start_ms, train.end_ms, plain, extra, max(0, train.phase - self.phase))

    def _runs(self, trains: Sequence[Train]) -> tuple[Run, ...]:
        """What trains on no credit move; only the first can bring a phase that nothing accounts for."""
        first = self._run(trains[0], ())
        return (first, *(Run(train.start_ms, train.end_ms, train.rate_nl_per_day) for train in trains[1:]))


def first_breach(passed: Passed, limits: Limits, runs: Sequence[Run]) -> Breach | None:
    """The first of the limited windows that would hold too much if `runs` came next, on end."""
    found = (passed.breach(runs, limit) for limit in limits.windows)
    return min((breach for breach in found if breach), key=lambda breach: breach.at_ms, default=None)
