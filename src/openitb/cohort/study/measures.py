"""The names of what is counted of each person beside the hours beyond thresholds."""

COUNTS = (
    "visits", "missed_visits", "refills", "orders", "refused_orders", "investigations", "repairs",
)  # fmt: skip
BEFALLEN = {
    "catheter_faults": "catheter fault",
    "pump_faults": "pump fault",
    "infections": "infection",
    "csf_leaks": "csf leak",
    "side_effects": "drug side effect",
    "overdoses": "overdose",
}
SIGNS = ("residual", "residual_twice", "score")
DAYS = (
    "found_day",
    "found_delay_days",
    *(f"{sign}_{when}" for sign in SIGNS for when in ("day", "delay_days")),
)
OTHERS = ("start_dose_ug", "end_dose_ug", "dry_hours", "delivered_ug")


def measures(series: tuple[str, ...]) -> tuple[str, ...]:
    """What an outcome may name as a measure."""
    summaries = (f"{part}_{name}" for part in ("mean", "least", "most") for name in series)
    return (*COUNTS, *BEFALLEN, *DAYS, *OTHERS, *summaries)
