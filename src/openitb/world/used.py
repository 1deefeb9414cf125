"""Which values of the catalogue a case rests on, so that a result can be cited."""

from collections.abc import Iterator

from openitb.body import BodyParameters, typical_adult
from openitb.body.parameters import known_by_field
from openitb.prescription.gate_case import step_limits
from openitb.world.actions import LayFault
from openitb.world.case import Case

PRESETS = {"well-mixed": typical_adult("well_mixed"), "poorly-mixed": typical_adult("poorly_mixed")}


def used(case: Case) -> dict[str, list[str]]:
    """`catalogue`: entries as `kind:entry`, single values as `kind:entry.name`; `own`: body parameters the
    case sets itself, by their catalogue names.
    """
    body, own = _body(case.patient.parameters)
    return {"catalogue": [*_entries(case), *body], "own": own}


def _entries(case: Case) -> Iterator[str]:
    yield from ("body:atlas", "body:computation", "drugs:baclofen", "limits:every-patient")
    limits = case.patient.limits
    yield f"limits:{step_limits(limits.origin, limits.age_years).entry_id}"
    if case.system:
        yield f"pumps:{case.system.pump.entry_id}"
        yield f"catheters:{case.system.catheter.entry_id}"
    faults = (event.truth for event in case.events)
    yield from sorted(
        {f"faults:{fault.chosen.entry.entry_id}" for fault in faults if isinstance(fault, LayFault)}
    )
    yield "practice:simulation-headline"


def _body(params: BodyParameters) -> tuple[list[str], list[str]]:
    """Values of the body as the catalogue holds them, and names of those that are not."""
    cited, own = list[str](), list[str]()
    for field, known in known_by_field():
        value = getattr(params, field)
        entry = next((name for name, preset in PRESETS.items() if getattr(preset, field) == value), None)
        if entry is None:
            own.append(known.name)
        else:
            cited.append(f"body:{entry if known.name == 'dispersion' else 'typical-adult'}.{known.name}")
    return cited, own
