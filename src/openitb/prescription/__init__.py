"""What is ordered: infusion modes, guardrails, calculators; an order becomes a flow."""

from openitb.prescription.orders import (
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
    order_to_mapping,
    parse_order,
    peak_day_dose_pg,
)
from openitb.prescription.program import Program, WeekStep, compile_order

__all__ = [
    "Flex",
    "FlexPattern",
    "FlexStep",
    "MinimumRate",
    "Order",
    "OrderError",
    "Periodic",
    "Program",
    "SimpleContinuous",
    "Stopped",
    "WeekStep",
    "compile_order",
    "daily_dose_pg",
    "order_to_mapping",
    "parse_order",
    "peak_day_dose_pg",
]
