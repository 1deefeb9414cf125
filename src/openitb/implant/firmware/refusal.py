"""How the firmware says no, inside; to the outside it is a `Refused` reply."""

from openitb.protocol import Refused


class RefusalError(ValueError):
    """A command cannot be carried out: the field at fault and the reason, one line.

    `wait_ms` is how long it is until asking again can help; None where time alone does not.
    """

    def __init__(self, field: str, reason: str, wait_ms: int | None = None) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason
        self.wait_ms = wait_ms

    @property
    def reply(self) -> Refused:
        """What is said to the outside."""
        return Refused(self.field, self.reason, self.wait_ms)


def require(holds: bool, field: str, reason: str, wait_ms: int | None = None) -> None:
    """Nothing if it holds, `RefusalError` otherwise."""
    if not holds:
        raise RefusalError(field, reason, wait_ms)
