"""Many patients: people sampled around one, and what the spread between them says about a course.

`forecast` predicts a patient's course with a band, `compare` sets two predictions side by side,
`sample` draws the people.
"""

from openitb.cohort.errors import CohortError
from openitb.cohort.people import sample
from openitb.cohort.prediction.bands import Band, Spread
from openitb.cohort.prediction.compare import Change, compare
from openitb.cohort.prediction.courses import Subject
from openitb.cohort.prediction.forecast import SERIES, Forecast, ForecastRequest, Sampling, forecast
from openitb.cohort.prediction.history import TipHistory, Window, daily_doses_ug, tip_history

__all__ = [
    "SERIES",
    "Band",
    "Change",
    "CohortError",
    "Forecast",
    "ForecastRequest",
    "Sampling",
    "Spread",
    "Subject",
    "TipHistory",
    "Window",
    "compare",
    "daily_doses_ug",
    "forecast",
    "sample",
    "tip_history",
]
