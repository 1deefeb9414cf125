"""How long and how much the link waits for; bounds every stranger's cost."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and counts; every wait of the link ends within one of them."""

    connect_s: float = 3.0
    handshake_s: float = 3.0
    answer_s: float = 10.0
    idle_s: float = 60.0
    sessions: int = 64
