"""How long and how much the link waits for; bounds every stranger's cost."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and counts; every wait of the link ends within one of them.

    `sessions` proved callers and `strangers` callers who have not proved anything yet are heard at
    once; of strangers, `strangers_per_s` are let in, after a first `strangers_burst`. A caller who
    proves a key is not counted among the strangers. `contact_s` is how long a caller who is
    turned away unheard keeps trying, `retry_s` the pause in between.
    """

    connect_s: float = 3.0
    handshake_s: float = 3.0
    answer_s: float = 10.0
    idle_s: float = 60.0
    sessions: int = 64
    strangers: int = 64
    strangers_per_s: float = 200.0
    strangers_burst: int = 256
    contact_s: float = 3.0
    retry_s: float = 0.05
