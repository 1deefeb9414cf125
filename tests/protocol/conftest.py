"""Hypothesis without a deadline: the first example pays for caches, and the machine may be busy."""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
