"""Who the people of a cohort are.

`draw` gives people by cause, `around` people about one body; both as arrays, reproducible per person.
"""

from openitb.cohort.people.around import around, sample
from openitb.cohort.people.arrays import CAUSES, People
from openitb.cohort.people.causes import Population, draw

__all__ = ["CAUSES", "People", "Population", "around", "draw", "sample"]
