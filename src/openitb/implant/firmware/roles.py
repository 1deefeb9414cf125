"""Which role may ask what: one table, checked at the pump, whatever a programmer believes.

What is not in a role's row is refused. A clinician may ask everything the wire offers; there is no
request that reads or writes memory, so nobody may.

Holds: TEL-01, TEL-07, TEL-10, PAT-01.
"""

from collections.abc import Mapping
from typing import get_args

from openitb.implant.firmware.refusal import require
from openitb.protocol import Request, Role

EVERYTHING = frozenset(kind.__name__ for kind in get_args(Request))

# By name, so that the table reads as one; a name the wire does not offer permits nothing.
PERMITTED: Mapping[Role, frozenset[str]] = {
    Role.CLINICIAN: EVERYTHING,
    Role.PATIENT: frozenset({"Interrogate", "ReadAnswer", "RequestPatientBolus", "RequestPatientAdjustment"}),
    Role.READ_ONLY: frozenset({"Interrogate", "ReadStaged", "ReadAccess", "ReadAnswer"}),
    Role.BREAK_GLASS: frozenset(
        {"Interrogate", "ReadStaged", "ReadAccess", "ReadAnswer", "ReduceToMinimum", "SilenceAlarm"}
    ),
}

# May be told the log; a patient's handheld gets states and alarms, not who did what when.
READS_LOG = frozenset({Role.CLINICIAN, Role.READ_ONLY, Role.BREAK_GLASS})


def may(role: Role, kind: str) -> bool:
    """True if a holder of `role` may send a request of this kind."""
    return kind in PERMITTED[role]


def require_permitted(role: Role, request: Request) -> None:
    """`RefusalError` if the role may not send this request."""
    kind = type(request).__name__
    allowed = ", ".join(each.value for each in Role if may(each, kind))
    require(may(role, kind), "role", f"got {role.value}, expected {allowed}")
