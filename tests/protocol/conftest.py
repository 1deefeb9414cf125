"""Hypothesis without a deadline: the first example pays for caches, and the machine may be busy."""

import pytest
from hypothesis import settings

from openitb.protocol import schema, writing

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def as_in_a_new_process() -> None:
    """Readers and writers are found out anew, so that a test sees how they are made as well."""
    for known in (schema._reader, schema._order_of, schema._problem_of_keys, writing.encoder_without):
        known.cache_clear()
    writing._WRITERS.clear()
    writing._KEPT.young.clear()
    writing._KEPT._old.clear()
    writing._GROWING._last.clear()
