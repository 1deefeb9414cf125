"""Surveillance: is more or less leaving the outlet than the strokes say?

Only a pump with a meter at its outlet can know, and no real model is known to have one; the meter is
virtual. Time is no measure: 15 minutes at 0.1 mL/day are 1 µL. So the excess is counted by volume,
beyond the band in which a healthy pump and its meter may be wrong together: whatever is measured above
the band adds up, and falls back towards zero while the flow is within it. Past the margin it is a
fault. A healthy pump adds nothing, so it never alarms, however long it lives.

Holds: DEL-09, DEL-10, ALM-09.
"""

from dataclasses import dataclass

from openitb import units

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Meter:
    """What a meter makes of a flow: a healthy pump reads between `low_ppm` and `high_ppm` of its strokes."""

    low_ppm: int
    high_ppm: int
    margin_nl: int


@dataclass(frozen=True, slots=True)
class Surveillance:
    """Volume beyond the band, either way, in millionths of a nL, never below zero.

    `loose` is what left between strokes, in nL/day x ms: a healthy pump lets nothing go there, so it is
    only ever added to.
    """

    above: int = 0
    below: int = 0
    loose: int = 0

    def after(self, meter: Meter, counted_nl: int, measured: int, loose: int = 0) -> "Surveillance":
        """Later by a stretch of even flow: nL by strokes, what the meter read with them and without.

        Once a fault is known nothing more is added up.
        """
        if self.is_above(meter) or self.is_below(meter):
            return self
        return Surveillance(
            above=max(0, self.above + measured - counted_nl * meter.high_ppm),
            below=max(0, self.below + counted_nl * meter.low_ppm - measured),
            loose=self.loose + loose,
        )

    def is_above(self, meter: Meter) -> bool:
        """True once too much has left."""
        return self.above > meter.margin_nl * MILLION or self.loose >= meter.margin_nl * units.MS_PER_DAY

    def is_below(self, meter: Meter) -> bool:
        """True once too little has left."""
        return self.below > meter.margin_nl * MILLION

    def strokes_to_notice(self, meter: Meter, counted_nl: int, measured: int) -> int | None:
        """The strokes until a fault is noticed, if each counts and reads so much; None if none ever is."""
        if self.is_above(meter) or self.is_below(meter):
            return None
        gained = (
            (self.above, measured - counted_nl * meter.high_ppm),
            (self.below, counted_nl * meter.low_ppm - measured),
        )
        margin = meter.margin_nl * MILLION
        return min(((margin - held) // each + 1 for held, each in gained if each > 0), default=None)

    def ms_to_notice(self, meter: Meter, loose_nl_per_day: int) -> int | None:
        """The ms until flow between strokes is noticed; None if there is none or a fault is known."""
        if loose_nl_per_day <= 0 or self.is_above(meter) or self.is_below(meter):
            return None
        return -(-(meter.margin_nl * units.MS_PER_DAY - self.loose) // loose_nl_per_day)


UNREMARKABLE = Surveillance()


def meter_of(accuracy_ppm: int, error_ppm: int, margin_nl: int) -> Meter:
    """The band of a pump that keeps its accuracy, as a meter with its own error may read it."""
    return Meter(
        low_ppm=(MILLION - accuracy_ppm) * (MILLION - error_ppm) // MILLION,
        high_ppm=-(-(MILLION + accuracy_ppm) * (MILLION + error_ppm) // MILLION),
        margin_nl=margin_nl,
    )


def noticed_after_nl(meter: Meter, gain_ppm: int) -> int | None:
    """The counted volume after which a fault of that size is noticed; None within the band.

    `gain_ppm` is the true flow less the counted one; -1,000,000 is no flow at all.
    """
    true_ppm = MILLION + gain_ppm
    beyond = max(true_ppm - meter.high_ppm, meter.low_ppm - true_ppm)
    return meter.margin_nl * MILLION // beyond + 1 if beyond > 0 else None
