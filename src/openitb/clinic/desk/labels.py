"""Names a person reads for the catalogue's ids; an id it no longer holds is shown as it is."""

from openitb import catalogue


def pump_name(pump_id: str) -> str:
    """`SynchroMed II 20 mL` for `synchromed-ii-20`."""
    pump = catalogue.load().pumps.get(pump_id)
    return pump.name if pump else pump_id


def catheter_name(catheter_id: str) -> str:
    """`Ascenda 8780` for `ascenda-8780`."""
    catheter = catalogue.load().catheters.get(catheter_id)
    return catheter.name if catheter else catheter_id


def scale_name(scale_id: str) -> str:
    """`Modified Ashworth scale` for its id."""
    scale = catalogue.load().scales.get(scale_id)
    return scale.name if scale else scale_id
