"""The air between wand and implant: frames in flight, and an adversary that decides what becomes of them.

Frames are carried as the bytes the real stream carries, length and all, and read back by the real
reader, so a frame cut short or lengthened is met as it would be on a socket.
"""

import io
import random
from dataclasses import dataclass, field
from typing import NamedTuple

from openitb.telemetry import encode_frame
from openitb.telemetry.frames import read_frame

REMEMBERED = 64


class Fate(NamedTuple):
    """What may happen to a frame, and how often among the others."""

    name: str
    weight: int


FATES = (
    Fate("passes", 500),
    Fate("is dropped", 5),
    Fate("is doubled", 4),
    Fate("is overtaken", 4),
    Fate("is cut", 2),
    Fate("is altered", 3),
    Fate("is replaced by an old one", 3),
)
_WEIGHTS = [fate.weight for fate in FATES]


@dataclass
class Air:
    """One line's frames, each way; `old` is all the adversary has heard lately, on any line.

    Where it `is_calm` every frame passes.
    """

    old: list[bytes]
    is_calm: bool = False
    to_implant: list[bytes] = field(default_factory=list)
    to_wand: list[bytes] = field(default_factory=list)

    def send(self, frame: bytes, to_implant: bool) -> None:
        """Put a frame in flight."""
        data = encode_frame(frame)
        (self.to_implant if to_implant else self.to_wand).append(data)
        self.old.append(data)
        del self.old[:-REMEMBERED]

    @property
    def is_busy(self) -> bool:
        """True while a frame is in flight."""
        return bool(self.to_implant or self.to_wand)

    def next_to_implant(self, draw: random.Random) -> bool:
        """Whether the next frame to move goes to the implant."""
        if self.to_implant and self.to_wand:
            return draw.random() < 0.5
        return bool(self.to_implant)

    def move(self, to_implant: bool, draw: random.Random) -> tuple[str, bytes]:
        """Take the next frame, decide its fate: the word for it, and the bytes that arrive, if any."""
        queue = self.to_implant if to_implant else self.to_wand
        fate = "passes" if self.is_calm else draw.choices(FATES, _WEIGHTS)[0].name
        data = queue.pop(draw.randrange(len(queue)) if fate == "is overtaken" else 0)
        match fate:
            case "is dropped":
                return fate, b""
            case "is doubled":
                queue.insert(0, data)
            case "is cut":
                return fate, data[: draw.randrange(len(data))]
            case "is altered":
                return fate, _altered(data, draw)
            case "is replaced by an old one":
                return fate, draw.choice(self.old)
        return fate, data


def arrived(data: bytes) -> bytes:
    """The frame in bytes from a line that then ends; `FrameError` unless it is one whole frame."""
    return read_frame(io.BytesIO(data).read)


def _altered(data: bytes, draw: random.Random) -> bytes:
    spoilt = bytearray(data)
    spoilt[draw.randrange(len(spoilt))] ^= 1 << draw.randrange(8)
    return bytes(spoilt)
