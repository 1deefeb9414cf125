"""Which values of the catalogue a study rests on, so that its report can cite them."""

from collections.abc import Iterator

from openitb import catalogue
from openitb.catalogue import Fact
from openitb.cohort.people import CAUSES
from openitb.cohort.study.design import Arm, Study
from openitb.cohort.study.ward import ORIGINS

_ALWAYS = (
    "body:atlas", "body:computation", "body:typical-adult", "drugs:baclofen", "limits:every-patient",
    "practice:scores-before", "practice:rating", "practice:refill", "practice:volume-discrepancy",
    "practice:residual-inference", "practice:simulation-headline", "practice:clinic-process",
    "practice:score-watch", "practice:study",
)  # fmt: skip
_HAZARDS = {
    "catheter": "catheter", "pump": "pump", "infection": "infection", "csf_leak": "csf-leak", "drug": "drug",
    "overdose": "overdose",
}  # fmt: skip
_CHILD = "paediatric"


def used(study: Study) -> dict[str, list[str]]:
    """`catalogue`: entries as `kind:entry`, as `openitb sources --of` reads them."""
    entries = {*_ALWAYS, *_people(study)}
    for arm in study.arms:
        entries |= set(_arm(arm))
    return {"catalogue": sorted(entries), "own": []}


def facts(study: Study) -> Iterator[tuple[str, str, Fact]]:
    """Every value that is used: entry, name, fact."""
    cited = set(used(study)["catalogue"])
    for kind, entry, name, fact in catalogue.load().facts():
        if f"{kind}:{entry.entry_id}" in cited:
            yield entry.name, name, fact


def _people(study: Study) -> Iterator[str]:
    yield f"body:{study.population.dispersion.replace('_', '-')}"
    for cause in CAUSES[1:]:
        if study.population.shares.get(cause, 0) > 0:
            yield f"practice:cause-{cause.replace(' ', '-')}"
            yield f"limits:{ORIGINS[cause]}-adult"
    if study.population.shares.get(_CHILD, 0) > 0:
        yield from ("practice:growth", "practice:size", "limits:child")


def _arm(arm: Arm) -> Iterator[str]:
    yield f"pumps:{arm.system.pump.entry_id}"
    yield f"catheters:{arm.system.catheter_id}"
    yield from (f"faults:{planned.chosen.entry.entry_id}" for planned in arm.faults)
    if arm.pump_spread:
        yield "practice:delivery-accuracy"
    if arm.policy_kind == "clinic rule":
        yield "practice:clinic-rule"
    if arm.hazards is not None:
        yield from ("practice:hazard-shape", "practice:procedures")
        yield from (
            f"practice:hazard-{name}" for ours, name in _HAZARDS.items() if getattr(arm.hazards, ours)
        )
