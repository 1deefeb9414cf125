"""Addresses of the worklist."""

from django.urls import path

from openitb.clinic.work import views

urlpatterns = [
    path("work/", views.worklist, name="worklist"),
    path("work/<int:work_id>/", views.act, name="work-act"),
]
