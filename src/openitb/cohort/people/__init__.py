"""Who the people of a cohort are."""

from openitb.cohort.people.arrays import CAUSES, People

__all__ = ["CAUSES", "People"]
