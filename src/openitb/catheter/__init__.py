"""The catheter: fluid from the pump outlet pushes what is inside out of the tip, first in first out.

A change of rate acts at the tip at once; a change of concentration arrives when the dead volume has
been pushed through. Volumes are whole nL and drug whole pg, and nothing is gained or lost.
"""

from openitb.catheter.column import CatheterError, Column, Slug
from openitb.catheter.dispersion import Bore, spread
from openitb.catheter.leaks import Leak
from openitb.catheter.route import Route, Travelled, travel
from openitb.catheter.transport import outflow_timeline, transport

__all__ = [
    "Bore",
    "CatheterError",
    "Column",
    "Leak",
    "Route",
    "Slug",
    "Travelled",
    "outflow_timeline",
    "spread",
    "transport",
    "travel",
]
