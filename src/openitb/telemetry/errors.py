"""What can go wrong on the link; each message is one line for a person."""


class TelemetryError(ValueError):
    """Anything the link refuses or fails at."""


class FrameError(TelemetryError):
    """Bytes that are not a frame of this link: cut short, too long, replayed, altered."""


class HandshakeError(TelemetryError):
    """The other side could not prove that it holds the pinned key for this serial."""


class LinkDown(TelemetryError):  # noqa: N818 - an outcome, named as one
    """No channel to the implant; the request was not sent and cannot have been acted on."""


class NoAnswer(TelemetryError):  # noqa: N818 - an outcome, named as one
    """The request was sent and no valid answer came: it may or may not have been acted on."""
