"""Pages that are the same for everyone."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from openitb import catalogue
from openitb.catalogue import Fact


def help_page(request: HttpRequest) -> HttpResponse:
    """What this is, what it is not, how the pages are used."""
    return render(request, "desk/help.html", {"example": _unsourced_example()})


def _unsourced_example() -> Fact | None:
    """Some value of the catalogue nobody can look up, to show how such values are marked."""
    return next((fact for *_, fact in catalogue.load().facts() if not fact.confidence.is_sourced), None)
