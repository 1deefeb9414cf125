"""Who may speak to an implant."""

from enum import StrEnum


class Role(StrEnum):
    """What the holder of a key may do; the implant decides, by the key alone."""

    CLINICIAN = "clinician"
    PATIENT = "patient"
    READ_ONLY = "read-only"
    BREAK_GLASS = "break-glass"
