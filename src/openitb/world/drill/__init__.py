"""The whole system under one seed: implants, programmers, an adversary, power loss, and the invariants.

A drill runs the real implants, service, store and secure channel in one thread on a virtual clock. Its
history follows from its seed alone, so whatever it finds is found again. See `docs/drill.md`.
"""

from openitb.world.drill.actions import ACTIONS, run
from openitb.world.drill.invariants import INVARIANTS
from openitb.world.drill.outcome import Broken, Report
from openitb.world.drill.run import Plan

__all__ = ["ACTIONS", "INVARIANTS", "Broken", "Plan", "Report", "run"]
