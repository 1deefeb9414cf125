"""Pages of sheets: fill, show, correct, withdraw, compare; the same few for every kind.

A sheet is kept once whatever the network does: the page carries the key it will have. A caution has to be
seen before the sheet is kept; a correction of what somebody else corrected meanwhile is refused and shown
beside theirs.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods

from openitb.clinic.people import identity
from openitb.clinic.people.access import Act, patient_or_404, require_role
from openitb.clinic.people.models import User
from openitb.clinic.record import signatures
from openitb.clinic.record.models import Meaning, Patient, Sheet, StaleEditError
from openitb.clinic.record.plain import digest
from openitb.clinic.record.queries import active_system
from openitb.clinic.record.signatures import Signing
from openitb.clinic.sheets import checks, form, kinds, store, values
from openitb.clinic.sheets.kinds import Kind, KindError
from openitb.clinic.sheets.shown import as_text, compared, lines

AHEAD = timedelta(minutes=15)  # a watch may be fast; what is later has not happened yet


@dataclass(frozen=True, slots=True)
class Page:
    """What a page of a sheet is about."""

    patient: Patient
    kind: Kind
    old: Sheet | None = None


@require_http_methods(["GET", "POST"])
def fill(request: HttpRequest, key: UUID, kind_id: str) -> HttpResponse:
    """An empty sheet of a kind, or what was typed into it."""
    page = Page(patient_or_404(request, key, Act.WRITE), _kind(kind_id))
    require_role(request, *page.kind.writers)
    if request.method == "POST":
        return _kept(request, page)
    offered = checks.offered(kind_id, page.patient)
    return _form(request, page, form.blank(page.kind, offered, _zone()))


@require_http_methods(["GET", "POST"])
def correct(request: HttpRequest, key: UUID, sheet_key: UUID) -> HttpResponse:
    """A sheet again, to be superseded by what is typed now; needs a reason."""
    old = _sheet(request, key, sheet_key, Act.WRITE)
    page = Page(old.patient, _kind(old.kind), old)
    require_role(request, *page.kind.writers)
    newest = store.in_chain(old)[-1]
    if newest != old and str(newest.key) != request.POST.get("sheet_key", ""):
        return _stale(request, page, newest)
    if request.method == "POST":
        return _kept(request, page)
    return _form(request, page, form.blank(page.kind, old.content, _zone()))


@require_http_methods(["POST"])
def withdraw(request: HttpRequest, key: UUID, sheet_key: UUID) -> HttpResponse:
    """Say that a sheet never held: written for the wrong person, or twice."""
    old, reason = _sheet(request, key, sheet_key, Act.WRITE), request.POST.get("reason", "").strip()
    require_role(request, *_kind(old.kind).writers)
    if not reason:
        return _show(request, old, "reason: got nothing, expected why this sheet never held", status=422)
    draft = store.Draft(uuid4(), old.patient, old.kind, old.at, request.user, old.content, old.findings)
    try:
        store.correct(draft, old, reason, withdraw=True)
    except StaleEditError:
        return _show(request, old, "This sheet was corrected meanwhile: look at the newer one.", status=409)
    return redirect("sheet", key=key, sheet_key=draft.key)


@require_http_methods(["POST"])
def sign(request: HttpRequest, key: UUID, sheet_key: UUID) -> HttpResponse:
    """Put one's name to a sheet as it is shown here, once it is sure that it is still this person."""
    sheet = _sheet(request, key, sheet_key)
    if reason := identity.confirm(request):
        return _show(request, sheet, reason, status=403)
    try:
        meaning = Meaning(request.POST.get("meaning", ""))
        shown = as_text(_kind(sheet.kind), sheet.content, _zone())
        signatures.sign(Signing(sheet, shown, meaning, identity.method(request)), _person(request))
    except ValueError as refused:
        return _show(request, sheet, str(refused), status=422)
    return redirect("sheet", key=key, sheet_key=sheet_key)


@require_GET
def show(request: HttpRequest, key: UUID, sheet_key: UUID) -> HttpResponse:
    """A kept sheet as it was written, with what became of it."""
    return _show(request, _sheet(request, key, sheet_key))


@require_GET
def listed(request: HttpRequest, key: UUID) -> HttpResponse:
    """All sheets of a person by time, and the kinds one may fill."""
    patient = patient_or_404(request, key)
    sheets = [(sheet, kinds.kinds().get(sheet.kind)) for sheet in store.in_force(patient)[:200]]
    context = _header(patient) | {"sheets": sheets, "kinds": _by_stage()}
    return render(request, "sheets/list.html", context)


def _kept(request: HttpRequest, page: Page) -> HttpResponse:
    """Keep what was typed, or show what stands against it."""
    filled = form.filled(page.kind, request.POST, _zone())
    errors = dict(filled.errors)
    at = _when(request, errors)
    reason = request.POST.get("reason", "").strip()
    if page.old and not reason:
        errors["reason"] = "got nothing, expected why the sheet is corrected"
    found = () if errors else checks.findings(page.kind.id, page.patient, filled.content)
    found = (*found, *(checks.Finding("caution", odd, "limits of the sheet") for odd in filled.odd))
    if errors or _must_be_seen(request, found, filled.content) or at is None:
        return _refused(request, page, errors, found, filled.content)
    told = [finding.to_json() for finding in found]
    draft = store.Draft(_key(request), page.patient, page.kind.id, at, request.user, filled.content, told)
    return _written(request, page, draft, reason)


def _written(request: HttpRequest, page: Page, draft: store.Draft, reason: str) -> HttpResponse:
    try:
        sheet = store.correct(draft, page.old, reason) if page.old else store.write(draft)
    except StaleEditError as stale:
        newest = stale.now if isinstance(stale.now, Sheet) else page.old
        return _stale(request, page, newest or draft)
    after = request.GET.get("next", "")
    if after and url_has_allowed_host_and_scheme(after, {request.get_host()}, request.is_secure()):
        return redirect(after)
    return redirect("sheet", key=page.patient.key, sheet_key=sheet.key)


def _must_be_seen(request: HttpRequest, found: tuple[checks.Finding, ...], content: dict[str, Any]) -> bool:
    """Is there a stop, or a caution that was not on the page when it was sent?"""
    if any(finding.level == "stop" for finding in found):
        return True
    cautious = any(finding.level == "caution" for finding in found)
    return cautious and request.POST.get("seen") != _seen(found, content)


def _seen(found: tuple[checks.Finding, ...], content: dict[str, Any]) -> str:
    return digest([json.loads(json.dumps(content)), [finding.text for finding in found]])


def _refused(
    request: HttpRequest,
    page: Page,
    errors: dict[str, str],
    found: tuple[checks.Finding, ...],
    content: dict[str, Any],
) -> HttpResponse:
    sections = form.again(page.kind, request.POST, errors)
    more = {"errors": errors, "findings": found, "seen": _seen(found, content)}
    return _form(request, page, sections, status=422, **more)


def _form(
    request: HttpRequest, page: Page, sections: tuple[form.BoxedSection, ...], status: int = 200, **more: Any
) -> HttpResponse:
    now = timezone.localtime(timezone=_zone())
    at = page.old.at.astimezone(_zone()) if page.old else now
    context = _header(page.patient) | {
        "kind": page.kind,
        "old": page.old,
        "sections": sections,
        "sheet_key": request.POST.get("sheet_key") or uuid4(),
        "at": request.POST.get("at") or at.strftime("%Y-%m-%dT%H:%M"),
        "reason": request.POST.get("reason", ""),
        "blocked": any(finding.level == "stop" for finding in more.get("findings", ())),
    }
    return render(request, "sheets/form.html", context | more, status=status)


def _show(request: HttpRequest, sheet: Sheet, problem: str = "", status: int = 200) -> HttpResponse:
    chain = store.in_chain(sheet)
    context = _header(sheet.patient) | {
        "sheet": sheet,
        "kind": _kind(sheet.kind),
        "sections": lines(_kind(sheet.kind), sheet.content, _zone()),
        "chain": chain,
        "newest": chain[-1],
        "changes": compared(_kind(sheet.kind), sheet.supersedes, sheet, _zone()) if sheet.supersedes else (),
        "signatures": [(one, signatures.verify(one)) for one in sheet.signatures.all()],
        "to_sign": _to_sign(request, sheet),
        "problem": problem,
    }
    return render(request, "sheets/sheet.html", context, status=status)


def _to_sign(request: HttpRequest, sheet: Sheet) -> list[Meaning]:
    """What this person's name on the sheet could mean now."""
    kind, user = _kind(sheet.kind), _person(request)
    asked = [Meaning(one) for one in (kind.signed, kind.verified) if one]
    return [one for one in asked if not signatures.obstacle(sheet, one, user)]


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied("Only a signed-in person writes into the record.")
    return request.user


def _stale(request: HttpRequest, page: Page, newest: Any) -> HttpResponse:
    """Somebody else corrected it: theirs beside what was typed here, and nothing is kept."""
    typed = form.filled(page.kind, request.POST, _zone()).content
    mine = Sheet(content=typed if request.method == "POST" else newest.content)
    context = _header(page.patient) | {
        "kind": page.kind,
        "newest": newest,
        "changes": compared(page.kind, newest, mine, _zone()),
    }
    return render(request, "sheets/stale.html", context, status=409)


def _header(patient: Patient) -> dict[str, Any]:
    return {"patient": patient, "system": active_system(patient), "tab": "sheets"}


def _by_stage() -> dict[str, list[Kind]]:
    stages: dict[str, list[Kind]] = {}
    for kind in kinds.kinds().values():
        stages.setdefault(kind.stage, []).append(kind)
    return stages


def _when(request: HttpRequest, errors: dict[str, str]) -> datetime | None:
    """When it happened, in the clinic's zone; not in the future."""
    try:
        moment = values.moment(request.POST.get("at", ""), _zone())
    except values.ValueRefused as refused:
        errors["at"] = str(refused)
        return None
    if moment > timezone.now() + AHEAD:
        errors["at"] = f"got {request.POST['at']}, expected a time that has come"
    return moment


def _key(request: HttpRequest) -> UUID:
    try:
        return UUID(request.POST.get("sheet_key", ""))
    except ValueError:
        return uuid4()


def _sheet(request: HttpRequest, key: UUID, sheet_key: UUID, act: Act = Act.SEE) -> Sheet:
    patient = patient_or_404(request, key, act)
    sheets = Sheet.objects.select_related("patient", "by", "supersedes")
    found: Sheet = get_object_or_404(sheets, key=sheet_key, patient=patient)
    return found


def _kind(kind_id: str) -> Kind:
    try:
        return kinds.kind(kind_id)
    except KindError as fault:
        raise Http404(str(fault)) from fault


def _zone() -> ZoneInfo:
    return ZoneInfo(str(timezone.get_current_timezone()))
