"""Orders at one address: the infusion modes, their textual form and the doses that follow."""

from openitb.prescription.modes import (
    DAY_NAMES,
    Flex,
    FlexPattern,
    FlexStep,
    MinimumRate,
    Order,
    OrderError,
    Periodic,
    SimpleContinuous,
    Stopped,
    daily_dose_pg,
    format_days,
    format_duration,
    format_time_of_day,
    peak_day_dose_pg,
)
from openitb.prescription.order_text import describe_order, order_to_mapping, parse_order

__all__ = [
    "DAY_NAMES",
    "Flex",
    "FlexPattern",
    "FlexStep",
    "MinimumRate",
    "Order",
    "OrderError",
    "Periodic",
    "SimpleContinuous",
    "Stopped",
    "daily_dose_pg",
    "describe_order",
    "format_days",
    "format_duration",
    "format_time_of_day",
    "order_to_mapping",
    "parse_order",
    "peak_day_dose_pg",
]
