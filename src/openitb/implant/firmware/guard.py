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

A limit that changes does not judge the past by the present: windows that reach back before the
change are held to the larger of the two. Holds: DEL-03, DEL-04, DEL-06, DEL-07, DEL-08, DEL-11.
"""

from dataclasses import dataclass, replace

from openitb.implant.firmware.credits import NO_CREDITS, Credit, Ledger
from openitb.implant.firmware.passed import NOTHING, Breach, Kind, Limit, Passed, Run
from openitb.implant.firmware.strokes import Train

PLAIN = frozenset({Kind.PLAIN})
DOSE = frozenset({Kind.PLAIN, Kind.BOLUS})


@dataclass(frozen=True, slots=True)
class Limits:
    """What is authorised now: highest flow of the program, and windows in nL/day x ms.

    `program` holds what the program itself delivers, `dose` what the clinician allows at most. A window
    that the highest flow cannot fill too much needs no entry. The past is remembered for `memory_ms`.
    """

    highest_nl_per_day: int
    memory_ms: int
    program: tuple[Limit, ...] = ()
    dose: tuple[Limit, ...] = ()


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

    def admitted(self, train: Train, credit: Credit | None = None) -> Train | None:
        """The longest beginning of a train that keeps every limit; None if not even the first tick does.

        A train may be cut short by a limit or because its credit runs out; the rest is asked again.
        """
        if not self._is_possible(train):
            return None
        left = self.ledger.left(credit)
        if credit is None or not left:
            return self._within_windows(train, Kind.PLAIN) if self._is_authorised(train) else None
        if train.rate_nl_per_day > credit.highest_nl_per_day:
            return None
        covered = train.until(train.tick_of(left)) if train.count > left else train
        return self._within_windows(covered, credit.kind)

    def after(self, train: Train, credit: Credit | None = None) -> "Guard":
        """The guard once an admitted train has run."""
        kind = credit.kind if credit is not None and self.ledger.left(credit) else Kind.PLAIN
        last = train.tick_of(train.count) if train.count else self.last_stroke_ms
        ledger = self.ledger.spent(credit, train.count) if credit and kind is not Kind.PLAIN else self.ledger
        return replace(
            self,
            ledger=ledger,
            passed=self.passed.after(self._run(train, kind), self.limits.memory_ms),
            phase=train.flow % train.cost,
            last_stroke_ms=last,
        )

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
        found = (
            *(self.passed.breach(run, limit, PLAIN) for limit in self.limits.program),
            *(self.passed.breach(run, limit, DOSE) for limit in self.limits.dose),
        )
        return min((breach for breach in found if breach), key=lambda breach: breach.at_ms, default=None)

    def _is_possible(self, train: Train) -> bool:
        """True if the drive is made for every stroke, and for its distance from the last one."""
        if train.end_ms < train.start_ms or train.rate_nl_per_day < 0:
            return False
        if train.rate_nl_per_day == 0:
            return train.count == 0
        if train.rate_nl_per_day * self.shortest_interval_ms > train.cost:
            return False
        return train.count == 0 or self._may_follow(train.tick_of(1), train.start_ms)

    def _may_follow(self, first_ms: int, start_ms: int) -> bool:
        if first_ms <= start_ms:
            return False  # a stroke that should have been made already is not made up
        return self.last_stroke_ms is None or first_ms - self.last_stroke_ms >= self.shortest_interval_ms

    def _is_authorised(self, train: Train) -> bool:
        return train.rate_nl_per_day <= self.limits.highest_nl_per_day

    def _within_windows(self, train: Train, kind: Kind) -> Train | None:
        breach = self.breach(self._run(train, kind))
        if breach is None:
            return train
        last_ms = breach.at_ms - 1
        return train.until(last_ms) if last_ms > train.start_ms else None

    def _run(self, train: Train, kind: Kind) -> Run:
        """What the train moves. A phase that nothing accounts for counts as flow that comes at once."""
        burst = max(0, train.phase - self.phase)
        return Run(train.start_ms, train.end_ms, train.rate_nl_per_day, burst, kind)
