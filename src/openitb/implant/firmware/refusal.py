"""How the firmware says no, inside; to the outside it is a `Refused` reply."""


class RefusalError(ValueError):
    """A command cannot be carried out: the field at fault and the reason, one line."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def require(holds: bool, field: str, reason: str) -> None:
    """Nothing if it holds, `RefusalError` otherwise."""
    if not holds:
        raise RefusalError(field, reason)
