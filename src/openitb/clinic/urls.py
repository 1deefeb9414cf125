"""Addresses of the clinic."""

from django.urls import include, path

urlpatterns = [
    path("", include("openitb.clinic.people.urls")),
    path("", include("openitb.clinic.desk.urls")),
    path("", include("openitb.clinic.sheets.urls")),
    path("", include("openitb.clinic.path.urls")),
    path("", include("openitb.clinic.work.urls")),
]
