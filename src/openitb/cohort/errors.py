"""The one kind of error of this room."""


class CohortError(ValueError):
    """People, a forecast or a run of a cohort that cannot be; one line that names the field."""
