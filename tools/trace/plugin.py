"""Pytest's side of the trace: refuses marks with unknown ids, keeps the results of marked tests."""

from collections import defaultdict
from collections.abc import Container
from datetime import UTC, datetime

import pytest

from tools.trace import results, tables

MARKS = ("requirement", "hazard")
PROPERTY = "trace"


def marked_ids(item: pytest.Item) -> set[str]:
    """Every id that the marks of a test name; `TraceError` for one that no table holds."""
    known: dict[str, Container[str]] = {"requirement": tables.requirements(), "hazard": tables.hazards()}
    ids = set[str]()
    for kind in MARKS:
        for mark in item.iter_markers(kind):
            unknown = [one for one in mark.args if one not in known[kind]]
            if unknown or not mark.args:
                raise tables.TraceError(f"{item.nodeid}: {kind} mark names {unknown or 'nothing'}")
            ids.update(mark.args)
    return ids


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A mark with an unknown id is an error of its test; a known one travels with the test's report."""
    if ids := marked_ids(item):
        item.user_properties.append((PROPERTY, " ".join(sorted(ids))))


class Collector:
    """Gathers the outcome of every marked test of this process, or of all workers where there are some."""

    def __init__(self) -> None:
        self.outcomes = defaultdict[str, list[str]](list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Every phase counts: a test whose setup fails has failed."""
        if any(name == PROPERTY for name, _ in report.user_properties):
            self.outcomes[report.nodeid.partition("[")[0]].append(report.outcome)

    def pytest_sessionfinish(self) -> None:
        """Write what was seen, dated."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        results.add({test: results.Outcome(results.worst(seen), now) for test, seen in self.outcomes.items()})


def pytest_configure(config: pytest.Config) -> None:
    """Collect in the one process that hears of every test."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Collector(), "trace-collector")
