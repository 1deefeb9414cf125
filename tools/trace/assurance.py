"""The assurance case: each claim with its argument, and the evidence that the links give."""

from collections.abc import Iterator
from typing import Any

from tools.trace import tables
from tools.trace.pages import Trace

Case = dict[str, Any]


def cases(found: Trace) -> list[Case]:
    """Claims with hazards, requirements, code, tests and what is missing, as plain data."""
    return [_case(claim, found) for claim in tables.claims()]


def told(found: Trace) -> Iterator[str]:
    """The same as sections of a page."""
    for case in cases(found):
        missing = [one["id"] for one in case["evidence"] if not one["tests"]]
        partly = sum(bool(one["lacks"]) for one in case["evidence"])
        shown = len(case["evidence"]) - len(missing) - partly
        yield (
            f"### {case['id']}: {case['claim']}\n\n*Argument.* {case['argument']}\n\n"
            f"*Hazards answered.* {', '.join(case['hazards'])}.\n\n"
            f"*Evidence.* {shown} of {len(case['evidence'])} requirements are shown, {partly} "
            f"partly. {_missing(missing)}\n"
        )


def _case(claim: tables.Claim, found: Trace) -> Case:
    hazards = tables.hazards()
    needed = sorted({one for hazard in claim.hazards for one in hazards[hazard].requirements})
    return {
        "id": claim.claim_id,
        "claim": claim.claim,
        "argument": claim.argument,
        "hazards": list(claim.hazards),
        "evidence": [_evidence(one, found) for one in needed],
    }


def _evidence(requirement_id: str, found: Trace) -> Case:
    row = tables.requirements()[requirement_id]
    return {
        "id": requirement_id,
        "requirement": row.told(),
        "lacks": row.lacks,
        "code": [link.where for link in found.holding(requirement_id)],
        "tests": [link.where for link in found.showing(requirement_id, "requirement")],
    }


def _missing(ids: list[str]) -> str:
    return f"Not shown yet: {', '.join(ids)}." if ids else "None is missing."
