"""Signing in and out."""

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

sign_in = LoginView.as_view(template_name="people/sign_in.html", redirect_authenticated_user=True)
sign_out = login_not_required(LogoutView.as_view())  # also for an account that may see nothing else

urlpatterns = [
    path("sign-in/", sign_in, name="sign-in"),
    path("sign-out/", sign_out, name="sign-out"),
]
