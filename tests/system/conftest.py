"""How many seeds are run, and which."""

import pytest

PARTS = 20  # so that workers share them


@pytest.fixture
def steps(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--system-steps"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    option = metafunc.config.getoption
    if "seeds" in metafunc.fixturenames:
        first, runs = option("--system-first"), option("--system-runs")
        parts = [range(first + part, first + runs, PARTS) for part in range(min(PARTS, runs))]
        metafunc.parametrize("seeds", parts, ids=[f"from-{part.start}" for part in parts])
    if "replayed" in metafunc.fixturenames:
        seed = option("--system-seed")
        metafunc.parametrize("replayed", range(8) if seed is None else [seed])
