"""Cases as dictionaries, and a run of them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from openitb.world import casefile
from openitb.world.case import build
from openitb.world.simulation import Simulation, simulate

START = datetime(2026, 1, 5, 8, tzinfo=UTC)  # a Monday

Tables = dict[str, Any]


def tables(*events: Tables, until: str = "20 day", every: str = "10 min", **changed: Any) -> Tables:
    """A case of 500 µg/mL through 0.316 mL, with some tables or values changed."""
    system = {
        "pump": "synchromed-ii-20",
        "catheter": "ascenda-8780",
        "implanted_length": "80 cm",
        "tip": "T12",
        "concentration": "500 ug/mL",
        "fill": "18 mL",
    }
    patient = {
        "preset": "typical-adult",
        "baseline_leg_ashworth": 4.0,
        "baseline_arm_ashworth": 3.0,
        "baseline_spasm_score": 3.0,
        "origin": "spinal",
        "age": "42 year",
    }
    made: Tables = {
        "version": 1,
        "patient": patient | changed.pop("patient", {}),
        "start": {"at": START} | changed.pop("start", {}),
        "event": list(events),
        "output": {"until": until, "every": every},
    }
    if "chance" in changed:
        made["chance"] = changed.pop("chance")
    if changed.get("system", {}) is not None:
        made["system"] = system | changed.pop("system", {})
    return made


def run(case: Tables) -> Simulation:
    """Build and simulate."""
    return simulate(build(casefile.validated(case)))


@pytest.fixture(scope="session")
def case_of() -> Callable[..., Tables]:
    """`tables`, for tests in this folder."""
    return tables


@pytest.fixture(scope="session")
def ran() -> Callable[..., Simulation]:
    """`run(tables(...))` in one word."""
    return lambda *events, **changed: run(tables(*events, **changed))


@pytest.fixture(scope="session")
def ran_as_written() -> Callable[[Tables], Simulation]:
    """`run`, for a case changed further."""
    return run
