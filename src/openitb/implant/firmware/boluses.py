"""Boluses: what each command about one would change, checked completely before it is done.

One at a time, whoever asked for it. Holds: BOL-05.
"""

from openitb.implant.build import Build
from openitb.implant.firmware.bolus import Bolus, new_bolus
from openitb.implant.firmware.change import Change, require_current
from openitb.implant.firmware.conditions import ALWAYS, FOR_PATIENTS, Wish, require_all
from openitb.implant.firmware.limits import require_duration, require_volume
from openitb.implant.firmware.refusal import RefusalError
from openitb.implant.firmware.state import Firmware
from openitb.prescription.boluses import PatientBolus, bolus_volume_nl
from openitb.protocol import BolusKind, CancelBolus, DeliverBolus, LogKind, RequestPatientBolus
from openitb.protocol.chain import Detail
from openitb.records import replace

BolusRequest = DeliverBolus | CancelBolus | RequestPatientBolus


def plan(firmware: Firmware, build: Build, command: BolusRequest) -> Change:
    """The change a command asks for; raises `RefusalError` if it cannot be made."""
    match command:
        case DeliverBolus():
            return _deliver(firmware, build, command)
        case RequestPatientBolus():
            return _request(firmware, build)
        case CancelBolus():
            return Change(LogKind.BOLUS_INTENDED, (("asked", "cancel"),), (), without_bolus)


def without_bolus(firmware: Firmware) -> Firmware:
    """The firmware with no bolus under way."""
    return replace(firmware, controller=replace(firmware.controller, bolus=None))


def _deliver(firmware: Firmware, build: Build, command: DeliverBolus) -> Change:
    require_current(firmware, command.expected_digest)
    volume_nl = command.volume_nl // build.stroke_nl * build.stroke_nl
    require_volume(command.volume_nl, build)
    require_duration(command.duration_ms, volume_nl, build)
    bolus = new_bolus(BolusKind.CLINICIAN, volume_nl, command.duration_ms)
    require_all(ALWAYS, Wish(firmware, build, bolus))
    return _started(firmware, bolus, command.duration_ms)


def _request(firmware: Firmware, build: Build) -> Change:
    permission = firmware.patient.bolus
    if permission is None:
        raise RefusalError("permission", "no bolus on request is enabled; a clinician can do that")
    bolus = _metered(firmware, build, permission)
    require_all((*FOR_PATIENTS, *ALWAYS), Wish(firmware, build, bolus))
    return _started(firmware, bolus, permission.duration_ms, build)


def _metered(firmware: Firmware, build: Build, permission: PatientBolus) -> Bolus:
    """The permitted dose as a bolus of the drug that leaves the outlet now."""
    volume_nl = bolus_volume_nl(permission.dose_pg, _outlet_ug_per_ml(firmware), build.stroke_nl)
    require_volume(volume_nl, build)
    require_duration(permission.duration_ms, volume_nl, build)
    return new_bolus(BolusKind.PATIENT, volume_nl, permission.duration_ms)


def _started(firmware: Firmware, bolus: Bolus, duration_ms: int, patient: Build | None = None) -> Change:
    drug = _outlet_ug_per_ml(firmware)
    asked: Detail = (
        ("kind", bolus.kind.value),
        ("volume_nl", bolus.volume_nl),
        ("dose_pg", bolus.volume_nl * drug),
        ("concentration_ug_per_ml", drug),
        ("duration_ms", duration_ms),
    )

    def effect(now: Firmware) -> Firmware:
        given = now.patient.begun(now.counter.tick_ms, patient.modes) if patient else now.patient
        return replace(now, controller=replace(now.controller, bolus=bolus), patient=given)

    return Change(LogKind.BOLUS_INTENDED, asked, (LogKind.BOLUS_STARTED,), effect)


def _outlet_ug_per_ml(firmware: Firmware) -> int:
    """The drug that leaves the outlet now: the old one while it is bridged."""
    controller = firmware.controller
    return (controller.running or controller.program).concentration_ug_per_ml
