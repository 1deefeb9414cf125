"""Addresses of the path."""

from django.urls import path

from openitb.clinic.path import views

urlpatterns = [
    path("patients/<uuid:key>/path/", views.path, name="path"),
    path("patients/<uuid:key>/path/<slug:stage_id>/", views.stage, name="stage"),
]
