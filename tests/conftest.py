"""What every room's tests share."""

import pytest
from hypothesis import settings

pytest_plugins = ["tools.trace.plugin"]

# Machines are shared: how long an example took says nothing about the code.
settings.register_profile("openitb", deadline=None)
settings.load_profile("openitb")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the whole-system drills in `tests/system`."""
    group = parser.getgroup("system", "drills of the whole system")
    group.addoption("--system-runs", type=int, default=2000, help="how many seeds to run (default 2000)")
    group.addoption("--system-first", type=int, default=0, help="the first seed (default 0)")
    group.addoption("--system-steps", type=int, default=60, help="steps of each run (default 60)")
    group.addoption("--system-seed", type=int, default=None, help="the one seed that the replay test runs")
