"""What a person has entered in a visit, as values; nothing here reaches a pump.

Holds: PRG-01, PRG-08, PRG-13.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from openitb import units
from openitb.prescription.boluses import PatientBolus, SingleBolus
from openitb.prescription.orders import MinimumRate, Order, OrderError, Stopped, parse_order
from openitb.programmer.actions import (
    TONES,
    Action,
    AllowAdjustment,
    Confirm,
    ForbidAdjustment,
    ForbidBolus,
    Reduce,
    Revoke,
    Silence,
    Sound,
    read_signed_library,
)
from openitb.programmer.entry import (
    ADJUSTMENT,
    INTERVAL_FIELDS,
    NUMBER_FIELDS,
    EntryError,
    read_interval_table,
)
from openitb.programmer.package import Package, read_expiry, read_product
from openitb.programmer.sealed import unseal
from openitb.programmer.workflow import (
    BEFORE_REPORT,
    CHOICE_FIELDS,
    COMPARED,
    FILE_FIELDS,
    LIBRARY_FILE,
    NO_ADJUSTMENT,
    OLD_REPORT,
    ORDER_FIELDS,
    SEVERAL_FIELDS,
    SOUND,
    TEXT_FIELDS,
    WITHDRAWN,
    ZONE_FIELDS,
)
from openitb.protocol import OverdoseAttestation, OverdoseSign

Value = int | str | Order
Answers = Mapping[str, Value]
Made = TypeVar("Made")

_ZONE = re.compile(r"([+-])(0[0-9]|1[0-4]):([0-5][0-9])")
_KEY = re.compile(r"[0-9a-f]{16}")
_LONGEST_TEXT = 400
_READ_FURTHER: Mapping[str, Callable[[str], str]] = {"product": read_product, "expiry": read_expiry}
SEPARATOR = ", "


@dataclass(frozen=True, slots=True)
class Draft:
    """What a visit would change; None leaves a thing as it is. Volumes nL, strength µg/mL.

    `injected_nl` goes in on top of the residual volume of a reservoir drawn empty.
    """

    order: Order | None = None
    drawn_nl: int | None = None
    injected_nl: int | None = None
    concentration_ug_per_ml: int | None = None
    bridge_nl: int | None = None
    prime_nl: int | None = None
    low_alarm_nl: int | None = None
    zone_offset_ms: int | None = None
    old_report: str | None = None
    bolus: SingleBolus | PatientBolus | None = None
    package: Package | None = None
    action: Action | None = None
    sound: str | None = None

    @property
    def is_urgent(self) -> bool:
        """True for giving less at once and nothing else: it waits for nobody."""
        return isinstance(self.order, Stopped | MinimumRate) and self == Draft(order=self.order)


def read_answer(key: str, given: object) -> Value:
    """One answer as a value, written with its unit; refuses what is not of the field with `EntryError`."""
    if key in NUMBER_FIELDS:
        return NUMBER_FIELDS[key].stated(given)
    if key in INTERVAL_FIELDS:
        return read_interval_table(given, key).ms
    if key in ORDER_FIELDS:
        return _order(key, given)
    if key in CHOICE_FIELDS:
        return _choice(key, given)
    if key in SEVERAL_FIELDS:
        return _several(key, given)
    if key in ZONE_FIELDS:
        return _zone(key, given)
    if key in TEXT_FIELDS:
        return _READ_FURTHER.get(key, str)(_text(key, given))
    raise EntryError(f"{key}: got an unknown field")


def draft_of(required: Collection[str], answers: Answers) -> Draft:
    """The draft that answers make; `EntryError` names the first required field left empty."""
    for key in required:
        if key not in answers:
            raise EntryError(f"{key}: nothing was entered, expected an answer before the review")
    return Draft(
        order=_taken(answers, "order", "stop_order"),
        drawn_nl=_number(answers, "drawn_volume"),
        injected_nl=_number(answers, "injected_volume"),
        concentration_ug_per_ml=_number(answers, "concentration"),
        bridge_nl=_number(answers, "bridge_volume"),
        prime_nl=_number(answers, "prime_volume"),
        low_alarm_nl=_number(answers, "low_alarm"),
        zone_offset_ms=_number(answers, "zone"),
        old_report=_told(answers, "old_report"),
        bolus=_single(answers) or _on_request(answers),
        package=_package(answers),
        sound=_told(answers, SOUND),
        action=next((made for made in (make(answers) for make in _ACTIONS) if made), None),
    )


def _package(answers: Answers) -> Package | None:
    product, lot, expiry = (_told(answers, key) for key in ("product", "lot", "expiry"))
    if product is None or lot is None or expiry is None:
        return None
    return Package(product, lot, date.fromisoformat(expiry))


def _single(answers: Answers) -> SingleBolus | None:
    dose, over = (_number(answers, key) for key in ("bolus_dose", "bolus_duration"))
    return None if dose is None or over is None else _made(lambda: SingleBolus(dose, over))


def _on_request(answers: Answers) -> PatientBolus | None:
    keys = ("patient_dose", "patient_duration", "patient_lockout", "patient_most")
    dose, over, lockout, most = (_number(answers, key) for key in keys)
    if dose is None or over is None or lockout is None or most is None:
        return None
    return _made(lambda: PatientBolus(dose, over, lockout, most))


def _reduce(answers: Answers) -> Action | None:
    name, place, signs = (_told(answers, key) for key in ("attest_name", "attest_place", "attest_signs"))
    if name is None or place is None or signs is None:
        return None
    return Reduce(OverdoseAttestation(name, place, tuple(map(OverdoseSign, signs.split(SEPARATOR)))))


def _silence(answers: Answers) -> Action | None:
    lasts_ms = _number(answers, "silence_for")
    return None if lasts_ms is None else Silence(lasts_ms)


def _sound(answers: Answers) -> Action | None:
    tone = _told(answers, "tone")
    return None if tone is None else Sound(TONES[tone])


def _revoke(answers: Answers) -> Action | None:
    key = _told(answers, "key")
    return None if key is None else Revoke(bytes.fromhex(key))


def _use_library(answers: Answers) -> Action | None:
    text = _told(answers, LIBRARY_FILE)
    return None if text is None else read_signed_library(text)


def _allow_adjustment(answers: Answers) -> Action | None:
    step, low, high = (_number(answers, field.key) for field in ADJUSTMENT)
    return None if step is None or low is None or high is None else AllowAdjustment(step, low, high)


def _plain(key: str, action: Action) -> Callable[[Answers], Action | None]:
    return lambda answers: action if key in answers else None


_ACTIONS: tuple[Callable[[Answers], Action | None], ...] = (
    _reduce,
    _silence,
    _sound,
    _revoke,
    _use_library,
    _allow_adjustment,
    _plain(WITHDRAWN, ForbidBolus()),
    _plain(NO_ADJUSTMENT, ForbidAdjustment()),
    _plain(COMPARED, Confirm()),
)


def _made(make: Callable[[], Made]) -> Made:
    try:
        return make()
    except OrderError as error:
        raise EntryError(f"bolus.{error}") from None


def _order(key: str, given: object) -> Order:
    try:
        order = parse_order(given, key)
    except OrderError as error:
        raise EntryError(str(error)) from None
    if key == "stop_order" and not isinstance(order, Stopped | MinimumRate):
        raise EntryError(f"{key}: got an order that delivers, expected minimum rate or stopped")
    return order


def _zone(key: str, given: object) -> int:
    match = _ZONE.fullmatch(given) if isinstance(given, str) else None
    if match is None:
        raise EntryError(f"{key}: got {given!r}, expected hours and minutes ahead of UTC such as +01:00")
    size = int(match[2]) * units.MS_PER_H + int(match[3]) * units.MS_PER_MIN
    return -size if match[1] == "-" else size


def _choice(key: str, given: object) -> str:
    _, choices = CHOICE_FIELDS[key]
    if given not in choices:
        raise EntryError(f"{key}: got {given!r:.60}, expected one of {', '.join(choices)}")
    return str(given)


def _several(key: str, given: object) -> str:
    """Some of a closed list, written with commas or as a list."""
    _, choices = SEVERAL_FIELDS[key]
    parts = given.split(",") if isinstance(given, str) else given if isinstance(given, list) else []
    named = [str(part).strip() for part in parts]
    if not named or not set(named) <= set(choices):
        raise EntryError(f"{key}: got {given!r:.60}, expected some of {', '.join(choices)}")
    return SEPARATOR.join(dict.fromkeys(named))


def _text(key: str, given: object) -> str:
    if not isinstance(given, str) or not given.strip():
        raise EntryError(f"{key}: got {given!r}, expected words")
    if key not in FILE_FIELDS and (len(given) > _LONGEST_TEXT or not given.isprintable()):
        raise EntryError(f"{key}: got {len(given)} characters, expected one line of at most {_LONGEST_TEXT}")
    _CHECKS.get(key, str)(given)
    return given.strip()


def _require_key(text: str) -> None:
    if _KEY.fullmatch(text.strip()) is None:
        raise EntryError(f"key: got {text!r:.60}, expected 16 hexadecimal digits")


# Words that have to be something else besides: found out when they are entered, not at the review.
_CHECKS: Mapping[str, Callable[[str], object]] = {
    "key": _require_key,
    LIBRARY_FILE: read_signed_library,
    OLD_REPORT: unseal,
    BEFORE_REPORT: unseal,
}


def _taken(answers: Answers, *keys: str) -> Order | None:
    for key in keys:
        value = answers.get(key)
        if isinstance(value, Order):
            return value
    return None


def _number(answers: Answers, key: str) -> int | None:
    value = answers.get(key)
    return value if isinstance(value, int) else None


def _told(answers: Answers, key: str) -> str | None:
    value = answers.get(key)
    return value if isinstance(value, str) else None
