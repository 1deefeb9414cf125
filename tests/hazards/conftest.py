"""A desk with a programmer at a live pump, for hazards that people bring."""

from tests.programmer.conftest import bench as desk
from tests.programmer.conftest import staff

__all__ = ["desk", "staff"]
