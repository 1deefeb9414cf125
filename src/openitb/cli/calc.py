"""`openitb calc`: bedside calculations, each with shown work and sources."""

from typing import Annotated, Literal

import typer

from openitb import catalogue, units
from openitb.catalogue import Pump
from openitb.cli.options import (
    AsJson,
    MicroSign,
    OptionError,
    pump_or_none,
    read_age,
    read_date,
    read_length_cm,
    read_volume_per_length,
)
from openitb.cli.show import print_answer
from openitb.guidance import Phase, start_dose, titration_step
from openitb.prescription import calculators
from openitb.prescription.calculators import (
    FluidPath,
    PrimeQuestion,
    Tubing,
    path_through,
    tubing_of_pump,
    tubing_stated,
)

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Bedside calculations with shown work. Every quantity carries its unit, as one argument: '18 mL'.",
)

QUANTITY = "QUANTITY"
DEFAULT_PUMP = "synchromed-ii-20"
LARGER_PUMP = "synchromed-ii-40"

Volume = Annotated[
    str, typer.Option("--volume", metavar=QUANTITY, help="fluid in the reservoir in all, such as '20 mL'")
]
Dose = Annotated[str, typer.Option("--dose", metavar=QUANTITY, help="a daily dose such as '200 ug/day'")]
Strength = Annotated[
    str, typer.Option("--concentration", metavar=QUANTITY, help="a label concentration such as '500 ug/mL'")
]
OldStrength = Annotated[
    str,
    typer.Option("--old-concentration", metavar=QUANTITY, help="what is in there now, such as '500 ug/mL'"),
]
NewStrength = Annotated[
    str, typer.Option("--new-concentration", metavar=QUANTITY, help="what goes in, such as '2000 ug/mL'")
]
PumpId = Annotated[str | None, typer.Option("--pump", metavar="MODEL", help="a pump model of the catalogue")]
CatheterId = Annotated[
    str | None, typer.Option("--catheter", metavar="MODEL", help="a catheter model of the catalogue")
]
TubingVolume = Annotated[
    str | None,
    typer.Option(
        "--tubing",
        metavar=QUANTITY,
        help="the pump's tubing, such as '0.140 mL'; left out: the catalogue's for --pump",
    ),
]
Length = Annotated[
    str, typer.Option("--catheter-length", metavar=QUANTITY, help="the implanted length such as '80 cm'")
]
VolumePerLength = Annotated[
    str | None,
    typer.Option(
        "--catheter-volume-per-length",
        metavar=QUANTITY,
        help="such as '0.0022 mL/cm'; left out: the catalogue's for --catheter",
    ),
]


def _example(text: str) -> str:
    """An epilog that keeps its lines, so that the example can be copied."""
    return f"\b\nExample:\n{text}"


@app.command(
    epilog=_example(
        'openitb calc refill --volume "20 mL" --alarm-volume "2 mL" \\\n'
        '  --concentration "500 ug/mL" --dose "200 ug/day" --from 2026-01-05'
    )
)
def refill(
    volume: Volume,
    alarm_volume: Annotated[
        str, typer.Option(metavar=QUANTITY, help="the low-reservoir alarm, such as '2 mL'")
    ],
    concentration: Strength,
    dose: Dose,
    start: Annotated[
        str, typer.Option("--from", metavar="DATE", help="the date of the fill, such as 2026-01-05")
    ],
    pump: PumpId = None,
    as_json: AsJson = False,
    micro: MicroSign = "ug",
) -> None:
    """Days until the low-reservoir alarm, and the date by which to refill."""
    volume_nl = units.volume_nl(volume, "--volume")
    answer = calculators.refill(
        volume_nl,
        units.volume_nl(alarm_volume, "--alarm-volume"),
        units.concentration_ug_per_ml(concentration, "--concentration"),
        units.dose_pg_per_day(dose, "--dose"),
        read_date(start, "--from"),
        pump_or_none(pump) or _pump_that_holds(volume_nl),
    )
    print_answer("Refill", answer, as_json=as_json, micro=micro)


@app.command(
    epilog=_example(
        'openitb calc bridge --tubing "0.199 mL" --catheter-length "80 cm" \\\n'
        '  --catheter-volume-per-length "0.0022 mL/cm" --dose "200 ug/day" \\\n'
        '  --old-concentration "500 ug/mL" --new-concentration "2000 ug/mL"'
    )
)
def bridge(
    catheter_length: Length,
    old_concentration: OldStrength,
    new_concentration: NewStrength,
    dose: Dose,
    tubing: TubingVolume = None,
    catheter_volume_per_length: VolumePerLength = None,
    pump: PumpId = None,
    catheter: CatheterId = None,
    as_json: AsJson = False,
    micro: MicroSign = "ug",
) -> None:
    """The bridge bolus when the concentration changes and the dose stays."""
    model = pump_or_none(pump)
    answer = calculators.bridge(
        _path(_tubing(tubing, model), catheter_length, catheter_volume_per_length, catheter),
        units.concentration_ug_per_ml(old_concentration, "--old-concentration"),
        units.concentration_ug_per_ml(new_concentration, "--new-concentration"),
        units.dose_pg_per_day(dose, "--dose"),
        model,
    )
    print_answer("Bridge bolus", answer, as_json=as_json, micro=micro)


@app.command(
    epilog=_example(
        'openitb calc prime --pump synchromed-ii-20 --catheter-length "80 cm" \\\n'
        '  --catheter ascenda-8780 --concentration "500 ug/mL" --dose "200 ug/day" \\\n'
        "  --tubing-holds drug --catheter-holds csf"
    )
)
def prime(
    catheter_length: Length,
    concentration: Strength,
    tubing_holds: Annotated[
        str, typer.Option(metavar="CONTENT", help="drug, csf or empty; find out, do not guess")
    ],
    catheter_holds: Annotated[
        str, typer.Option(metavar="CONTENT", help="drug, csf or empty; find out, do not guess")
    ],
    tubing: TubingVolume = None,
    catheter_volume_per_length: VolumePerLength = None,
    pump: PumpId = None,
    catheter: CatheterId = None,
    dose: Annotated[
        str | None, typer.Option(metavar=QUANTITY, help="the daily dose, to show a gap in hours")
    ] = None,
    as_json: AsJson = False,
    micro: MicroSign = "ug",
) -> None:
    """The priming bolus for what tubing and catheter hold now, and what a wrong answer would do."""
    model = pump_or_none(pump)
    question = PrimeQuestion(
        _path(_tubing(tubing, model), catheter_length, catheter_volume_per_length, catheter),
        units.concentration_ug_per_ml(concentration, "--concentration"),
        tubing_holds,
        catheter_holds,
        model or catalogue.load().pump(DEFAULT_PUMP),
        None if dose is None else units.dose_pg_per_day(dose, "--dose"),
    )
    print_answer("Priming bolus", calculators.prime(question), as_json=as_json, micro=micro)


@app.command(
    epilog=_example(
        'openitb calc mix --residual "1.4 mL" --old-concentration "500 ug/mL" \\\n'
        '  --volume "18.6 mL" --new-concentration "2000 ug/mL"'
    )
)
def mix(
    residual: Annotated[
        str, typer.Option(metavar=QUANTITY, help="what stays in the emptied reservoir, such as '1.4 mL'")
    ],
    old_concentration: OldStrength,
    volume: Annotated[str, typer.Option(metavar=QUANTITY, help="what is added, such as '18.6 mL'")],
    new_concentration: NewStrength,
    as_json: AsJson = False,
    micro: MicroSign = "ug",
) -> None:
    """The true concentration after new drug joins the residual of the old."""
    answer = calculators.mix(
        units.volume_nl(residual, "--residual"),
        units.concentration_ug_per_ml(old_concentration, "--old-concentration"),
        units.volume_nl(volume, "--volume"),
        units.concentration_ug_per_ml(new_concentration, "--new-concentration"),
    )
    print_answer("Mixture in the reservoir", answer, as_json=as_json, micro=micro)


@app.command(
    "start-dose",
    epilog=_example('openitb calc start-dose --effective-bolus "50 ug" --effect-duration "6 h"'),
)
def start(
    effective_bolus: Annotated[
        str, typer.Option(metavar=QUANTITY, help="the bolus that worked, such as '50 ug'")
    ],
    effect_duration: Annotated[str, typer.Option(metavar=QUANTITY, help="how long it worked, such as '6 h'")],
    adverse_reaction: Annotated[
        bool, typer.Option("--adverse-reaction", help="the bolus was not tolerated well")
    ] = False,
    as_json: AsJson = False,
    micro: MicroSign = "ug",
) -> None:
    """The first daily dose after a screening trial."""
    answer = start_dose(
        units.mass_pg(effective_bolus, "--effective-bolus"),
        units.duration_ms(effect_duration, "--effect-duration"),
        adverse_reaction=adverse_reaction,
    )
    print_answer("First daily dose", answer, as_json=as_json, micro=micro)


@app.command(
    epilog=_example(
        'openitb calc titrate --dose "200 ug/day" --origin spinal --age "45 years" \\\n  --phase titration'
    )
)
def titrate(
    dose: Dose,
    origin: Annotated[Literal["spinal", "cerebral"], typer.Option(help="spinal or cerebral")],
    age: Annotated[str, typer.Option(metavar=QUANTITY, help="such as '45 years'; a bare number is years")],
    phase: Annotated[Phase, typer.Option(help="first-24h, titration, maintenance or decrease")],
    as_json: AsJson = False,
    micro: MicroSign = "ug",
) -> None:
    """The range in which the next daily dose should lie."""
    answer = titration_step(units.dose_pg_per_day(dose, "--dose"), origin, read_age(age, "--age"), phase)
    print_answer("Next daily dose", answer, as_json=as_json, micro=micro)


def _pump_that_holds(volume_nl: int) -> Pump:
    """The smaller common pump, or the larger where only that holds the volume."""
    known = catalogue.load()
    smaller = known.pump(DEFAULT_PUMP)
    return smaller if volume_nl <= smaller.reservoir_capacity_nl else known.pump(LARGER_PUMP)


def _tubing(text: str | None, pump: Pump | None) -> Tubing:
    if text is not None:
        return tubing_stated(units.volume_nl(text, "--tubing"), pump)
    if pump is None:
        raise OptionError("--tubing: missing, expected a volume such as '0.140 mL', or --pump for its own")
    return tubing_of_pump(pump)


def _path(tubing: Tubing, length: str, per_length: str | None, catheter_id: str | None) -> FluidPath:
    length_cm = read_length_cm(length, "--catheter-length")
    field = "--catheter-volume-per-length"
    stated = None if per_length is None else read_volume_per_length(per_length, field)
    if catheter_id is not None:
        catheter = catalogue.load().catheter(catheter_id, "--catheter")
        return path_through(tubing, catheter, length_cm, stated)
    if stated is None:
        raise OptionError(f"{field}: missing, expected such as '0.0022 mL/cm', or --catheter for its own")
    return FluidPath(tubing, length_cm, stated)
