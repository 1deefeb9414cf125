"""Addresses of sheets."""

from django.urls import path

from openitb.clinic.sheets import views

urlpatterns = [
    path("patients/<uuid:key>/sheets/", views.listed, name="sheets"),
    path("patients/<uuid:key>/sheets/new/<str:kind_id>/", views.fill, name="sheet-new"),
    path("patients/<uuid:key>/sheets/<uuid:sheet_key>/", views.show, name="sheet"),
    path("patients/<uuid:key>/sheets/<uuid:sheet_key>/correct/", views.correct, name="sheet-correct"),
    path("patients/<uuid:key>/sheets/<uuid:sheet_key>/sign/", views.sign, name="sheet-sign"),
    path("patients/<uuid:key>/sheets/<uuid:sheet_key>/withdraw/", views.withdraw, name="sheet-withdraw"),
]
