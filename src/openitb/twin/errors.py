"""The one kind of error of this room."""


class TwinError(ValueError):
    """A record that cannot be; one line that names the field, what came and what was expected."""
