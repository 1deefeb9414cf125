"""The errors of a study."""

from openitb.cohort.errors import CohortError


class StudyError(CohortError):
    """A study that cannot be run, or a folder that cannot hold it; one line that names the place."""


class PolicyError(StudyError):
    """A policy that raised or returned nonsense; one line that names the patient and the day."""
