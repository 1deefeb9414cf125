"""A refusal of the core, said in the words of the form and beside the field that it is about."""

import re
from dataclasses import dataclass

from openitb.clinic.desk.order_form import OrderForm, PatternRows

_PLACE = re.compile(r"patterns\[(\d+)\](?:\.steps\[(\d+)\])?")
_NAMES = {
    "dose": "Daily dose",
    "mode": "Infusion mode",
    "days": "weekdays",
    "steps": "steps",
    "from": "from",
    "dose_rate": "dose rate",
}


@dataclass(frozen=True, slots=True)
class FormError:
    """A refusal in one line; `name` is the field, `pattern` and `step` (from 0) say which, None for none."""

    line: str
    name: str
    text: str
    pattern: int | None = None
    step: int | None = None

    def at(self, name: str, pattern: int | None = None, step: int | None = None) -> str:
        """What to say beside a field; nothing beside any other than the one refused."""
        return self.text if (name, pattern, step) == (self.name, self.pattern, self.step) else ""


def form_error(message: str, micro: str) -> FormError:
    """`order.patterns[0].steps[1].dose_rate: got '', ...` as one line with the form's own words."""
    path, _, said = message.partition(": ")
    text = re.sub(r"\b(ug|µg)(?=/)", micro, said).replace("got ''", "got nothing")
    place, name = _PLACE.search(path), path.rpartition(".")[2]
    pattern, step = (int(part) if part else None for part in (place.groups() if place else ("", "")))
    where = [
        f"pattern {pattern + 1}" if pattern is not None else "",
        f"step {step + 1}" if step is not None else "",
        _NAMES.get(name, "Order"),
    ]
    words = ", ".join(part for part in where if part)
    return FormError(f"{words[0].upper()}{words[1:]}: {text}", name, text, pattern, step)


@dataclass(frozen=True, slots=True)
class StepShown:
    """A step as typed, with what is wrong with it."""

    start: str
    rate: str
    start_error: str = ""
    rate_error: str = ""


@dataclass(frozen=True, slots=True)
class PatternShown:
    """A pattern as typed, with what is wrong with it."""

    days: tuple[str, ...]
    steps: tuple[StepShown, ...]
    error: str = ""


def shown_patterns(form: OrderForm, error: FormError | None) -> tuple[PatternShown, ...]:
    """The patterns of a form, the refused field marked."""
    marks = error or FormError("", "", "")
    return tuple(_pattern(row, pattern, marks) for row, pattern in enumerate(form.patterns))


def _pattern(row: int, pattern: PatternRows, marks: FormError) -> PatternShown:
    steps = tuple(
        StepShown(step.start, step.rate, marks.at("from", row, number), marks.at("dose_rate", row, number))
        for number, step in enumerate(pattern.steps)
    )
    return PatternShown(pattern.days, steps, marks.at("days", row) or marks.at("steps", row))
