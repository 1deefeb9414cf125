"""Addresses of people: signing in, one's own account, accounts of the clinic, emergencies, the trail."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from allauth.usersessions import views as sessions
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LogoutView
from django.urls import path

from openitb.clinic.people import care_team, clinic_page, glass, lock, own_account, roster, trail_page
from openitb.clinic.people.lock import open_when_locked
from openitb.clinic.people.middleware import for_every_account

sign_out = open_when_locked(login_not_required(LogoutView.as_view()))  # also for who may see nothing else

welcome = login_not_required(roster.Welcome.as_view())
by_passkey = login_not_required(webauthn.login_webauthn)

# allauth looks for its pages by the names it gave them.
urlpatterns = [
    path("sign-in/", account.login, name="sign-in"),
    path("sign-in/", account.login, name="account_login"),
    path("sign-in/factor/", mfa.authenticate, name="mfa_authenticate"),
    path("sign-in/passkey/", by_passkey, name="mfa_login_webauthn"),
    path("sign-in/ended/", account.account_inactive, name="account_inactive"),
    path("sign-out/", sign_out, name="sign-out"),
    path("sign-out/", sign_out, name="account_logout"),
    path("lock/", lock.lock_now, name="lock"),
    path("lock/alive/", lock.alive, name="alive"),
    path("lock/unlock/", lock.unlock, name="unlock"),
    path("account/", own_account.own_account, name="account"),
    path("account/", own_account.own_account, name="mfa_index"),
    path("account/", own_account.own_account, name="mfa_list_webauthn"),
    path("account/confirm/", own_account.confirm, name="account_reauthenticate"),
    path("account/confirm/", own_account.confirm, name="mfa_reauthenticate"),
    path("account/confirm/", own_account.confirm, name="mfa_reauthenticate_webauthn"),
    path("account/passkey-options/", own_account.passkey_options, name="passkey-options"),
    path("account/password/", for_every_account(account.password_change), name="account_change_password"),
    path("account/sessions/", for_every_account(sessions.list_usersessions), name="usersessions_list"),
    path("account/codes/", for_every_account(totp.activate_totp), name="mfa_activate_totp"),
    path("account/codes/remove/", for_every_account(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("account/passkeys/add/", for_every_account(webauthn.add_webauthn), name="mfa_add_webauthn"),
    path(
        "account/passkeys/<int:pk>/remove/",
        for_every_account(webauthn.remove_webauthn),
        name="mfa_remove_webauthn",
    ),
    path("account/recovery/", for_every_account(codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path(
        "account/recovery/new/",
        for_every_account(codes.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path("welcome/<uidb64>/<token>/", welcome, name="welcome"),
    path("emergency/", glass.emergency, name="emergency"),
    path("reviews/", glass.reviews, name="reviews"),
    path("reviews/<int:pk>/", glass.review, name="review"),
    path("accounts/", roster.accounts, name="accounts"),
    path("accounts/<int:pk>/", roster.person, name="person"),
    path("accounts/<int:pk>/change/", roster.person_change, name="person-change"),
    path("trail/", trail_page.trail_page, name="trail"),
    path("trail/head/", trail_page.export_head, name="trail-head"),
    path("seal/", own_account.seal_key, name="seal-key"),
    path("clinics/<int:pk>/", clinic_page.clinic_page, name="clinic"),
    path("patients/<uuid:key>/access/", care_team.care_team, name="care-team"),
]
