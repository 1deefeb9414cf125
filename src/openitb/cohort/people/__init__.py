"""Who the people of a cohort are."""

from openitb.cohort.people.around import around, sample
from openitb.cohort.people.arrays import CAUSES, People

__all__ = ["CAUSES", "People", "around", "sample"]
