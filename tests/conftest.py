"""What every room's tests share."""

from hypothesis import settings

pytest_plugins = ["tools.trace.plugin"]

# Machines are shared: how long an example took says nothing about the code.
settings.register_profile("openitb", deadline=None)
settings.load_profile("openitb")
