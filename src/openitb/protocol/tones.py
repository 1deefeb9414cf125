"""Letting the implant sound on demand, so that a patient learns its tones and a silent sounder is found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SoundTone:
    """Sound once as an alarm does, the critical one or the other; changes no alarm and no delivery.

    Only so many in an hour. That it was asked for is in the log; whether it was heard only a person knows.
    """

    actor: str
    command_id: str
    critical: bool
