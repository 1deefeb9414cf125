"""Asking what became of a command whose answer was lost, without sending it again."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    """Read the answer kept for a command; the reply is that answer, or `NoAnswerKept`."""

    actor: str
    command_id: str


@dataclass(frozen=True, slots=True)
class NoAnswerKept:
    """No answer is kept under this id.

    The command never came, unless `may_be_forgotten`: then so many came since that its answer could
    have made room for later ones.
    """

    command_id: str
    may_be_forgotten: bool
