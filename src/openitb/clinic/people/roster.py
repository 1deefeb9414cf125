"""The administrator's pages: who works at the clinics, in which roles and since when; invitations."""

from typing import Any

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import messages
from django.contrib.auth.tokens import default_token_generator
from django.contrib.auth.views import PasswordResetConfirmView
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from openitb.clinic.people import access, footprints, identity
from openitb.clinic.people.access import Act
from openitb.clinic.people.accounts import join
from openitb.clinic.people.models import Clinic, Membership, User
from openitb.clinic.people.roles import Role
from openitb.clinic.record.models import Action

LAST_ADMINISTRATOR = "This clinic would be left without an administrator. Give somebody else the role first."
NAME_LETTERS = "Name: expected letters, digits and @ . + - _ only."
NOT_ALONE = "This person also works at a clinic you do not administer. Its administrator has to do this."


class InvitationForm(forms.Form):
    """A person who is to work here."""

    username = forms.RegexField(
        r"^[\w.@+-]+$", max_length=150, error_messages={"invalid": "Letters, digits and @ . + - _ only."}
    )
    full_name = forms.CharField(max_length=150, strip=True)
    clinic = forms.ModelChoiceField(Clinic.objects.none())
    roles = forms.MultipleChoiceField(choices=Role.choices)

    def __init__(self, clinics: "QuerySet[Clinic]", *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["clinic"].queryset = clinics  # type: ignore[attr-defined]

    def clean_username(self) -> str:
        """A name that is still free."""
        name: str = self.cleaned_data["username"]
        if User.objects.filter(username__iexact=name).exists():
            raise forms.ValidationError(f"Name: {name} is taken, expected another.")
        return name


@require_http_methods(["GET", "POST"])
def accounts(request: HttpRequest) -> HttpResponse:
    """Everybody with a role at one's clinics, and the form that invites somebody."""
    access.require_anywhere(request, Act.ADMINISTER)
    form = InvitationForm(_clinics(request), request.POST or None)
    if request.method == "POST" and form.is_valid():
        if problem := identity.confirm(request):
            form.add_error(None, problem)
        else:
            return _show_link(request, _invited(form.cleaned_data))
    context = {
        "form": form,
        "people": _people(request).prefetch_related("memberships__clinic"),
        "clinics": _clinics(request),
        "roles": Role.choices,
        "picked": request.POST.getlist("roles"),
    }
    return render(request, "people/accounts.html", context, status=422 if form.errors else 200)


@require_GET
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """One account: roles held and ended, factors, what can be done about it."""
    return _show(request, _one(request, pk))


@require_POST
def person_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Give or end a role, give a link for a new password, take away lost factors, end the account."""
    who = _one(request, pk)
    change = _CHANGES.get(request.POST.get("do", ""))
    if change is None:
        return _show(request, who, "do: got nothing known, expected one of the buttons")
    if problem := identity.confirm(request):
        return _show(request, who, problem)
    with transaction.atomic():
        answer = change(request, who)
    if isinstance(answer, HttpResponse):
        return answer
    return _show(request, who, answer) if answer else redirect("person", pk=pk)


class Welcome(PasswordResetConfirmView):
    """Set the password of an account with a link that holds once."""

    template_name = "people/welcome.html"
    success_url = reverse_lazy("sign-in")

    def form_valid(self, form: Any) -> HttpResponse:
        """Told on the trail, as every change of an account."""
        footprints.of_account(Action.CHANGED, form.user, "password set with a one-time link")
        messages.success(self.request, "The password is set. Sign in with it.")
        return super().form_valid(form)


def _invited(told: dict[str, Any]) -> User:
    first, _, last = told["full_name"].partition(" ")
    with transaction.atomic():
        user = User.objects.create_user(told["username"], first_name=first, last_name=last)
        join(user, told["clinic"], *(Role(role) for role in told["roles"]))
        footprints.of_account(Action.ADDED, user, "invited", username=user.username)
    return user


def _give_role(request: HttpRequest, who: User) -> str:
    clinic = _clinics(request).filter(pk=_number(request, "clinic")).first()
    role = request.POST.get("role", "")
    if clinic is None or role not in Role.values:
        return "role: got nothing known, expected a role at one of your clinics"
    if not Membership.held().filter(user=who, clinic=clinic, role=role).exists():
        join(who, clinic, Role(role))
    return ""


def _end_role(request: HttpRequest, who: User) -> str:
    places = Membership.held().filter(user=who, clinic__in=_clinics(request))
    place = get_object_or_404(places, pk=_number(request, "membership"))
    return _ended(place, request.POST.get("reason", "").strip())


def _end_account(request: HttpRequest, who: User) -> str:
    """Every role at one's clinics ends; what was written stays under the person's name."""
    reason = request.POST.get("reason", "").strip()
    for place in Membership.held().filter(user=who, clinic__in=_clinics(request)):
        if problem := _ended(place, reason):
            transaction.set_rollback(True)
            return problem
    return ""


def _ended(place: Membership, reason: str) -> str:
    others = Membership.held().filter(clinic=place.clinic, role=Role.ADMINISTRATOR).exclude(pk=place.pk)
    if place.role == Role.ADMINISTRATOR and not others.exists():
        return LAST_ADMINISTRATOR
    if not reason:
        return "reason: got nothing, expected why the role ends"
    place.end(reason)
    return ""


def _give_link(request: HttpRequest, who: User) -> HttpResponse | str:
    if not _answers_alone(request, who):
        return NOT_ALONE
    footprints.of_account(Action.CHANGED, who, "one-time link given")
    return _show_link(request, who)


def _take_factors(request: HttpRequest, who: User) -> str:
    if not _answers_alone(request, who):
        return NOT_ALONE
    kinds = sorted(Authenticator.objects.filter(user=who).values_list("type", flat=True))
    Authenticator.objects.filter(user=who).delete()
    footprints.of_account(Action.CHANGED, who, "second factors taken away", factors=kinds)
    return ""


_CHANGES = {
    "give role": _give_role,
    "end role": _end_role,
    "end account": _end_account,
    "give link": _give_link,
    "take factors": _take_factors,
}


def _show(request: HttpRequest, who: User, problem: str = "") -> HttpResponse:
    mine = _clinics(request)
    context = {
        "who": who,
        "problem": problem,
        "held": Membership.held().filter(user=who, clinic__in=mine).select_related("clinic"),
        "ended": who.memberships.filter(clinic__in=mine, until_at__isnull=False).select_related("clinic"),
        "factors": sorted(identity.factors(who)),
        "clinics": mine,
        "roles": Role.choices,
        "answers_alone": _answers_alone(request, who),
    }
    return render(request, "people/person.html", context, status=422 if problem else 200)


def _show_link(request: HttpRequest, who: User) -> HttpResponse:
    """The link itself, shown once to hand over; it holds until a password is set, three days at most."""
    uid = urlsafe_base64_encode(force_bytes(who.pk))
    path = reverse("welcome", kwargs={"uidb64": uid, "token": default_token_generator.make_token(who)})
    return render(request, "people/link.html", {"who": who, "link": request.build_absolute_uri(path)})


def _one(request: HttpRequest, pk: int) -> User:
    access.require_anywhere(request, Act.ADMINISTER)
    return get_object_or_404(_people(request), pk=pk)


def _people(request: HttpRequest) -> "QuerySet[User]":
    """Everybody who has or had a role at the clinics one administers."""
    theirs = Membership.objects.filter(clinic__in=_clinics(request)).values("user")
    return User.objects.filter(pk__in=theirs).order_by("last_name", "first_name", "username")


def _clinics(request: HttpRequest) -> "QuerySet[Clinic]":
    if not isinstance(request.user, User):
        raise PermissionDenied("Only a signed-in person does this.")
    rows: QuerySet[Clinic] = Clinic.objects.filter(pk__in=request.user.clinics_where(Act.ADMINISTER))
    return rows


def _answers_alone(request: HttpRequest, who: User) -> bool:
    """Whether a person works at no clinic but those one administers."""
    return not Membership.held().filter(user=who).exclude(clinic__in=_clinics(request)).exists()


def _number(request: HttpRequest, name: str) -> int:
    """A key that was sent; one that nothing has for what is no number."""
    text = request.POST.get(name, "")
    return int(text) if text.isdecimal() else 0
