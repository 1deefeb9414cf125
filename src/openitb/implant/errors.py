"""What this room refuses."""


class ImplantError(ValueError):
    """Something was done to an implant that cannot be done; the message is one line with the unit."""
