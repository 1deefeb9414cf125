"""Django settings. Everything a hospital must change is an environment variable, read once here.

OPENITB_HOME (data folder), DATABASE_URL (SQLite there by default, or PostgreSQL), OPENITB_HOSTS,
OPENITB_HTTPS, OPENITB_ZONE (clinic time zone), OPENITB_MICRO (µg or mcg), OPENITB_DEBUG.
"""

from pathlib import Path
from typing import Any

from openitb.clinic import environment

HERE = Path(__file__).parent
HOME = environment.home()

DEBUG = environment.switch("OPENITB_DEBUG", default=False)
ALLOWED_HOSTS = environment.listed("OPENITB_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "openitb.clinic.people",
    "openitb.clinic.record",
    "openitb.clinic.desk",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "openitb.clinic.headers.page_headers",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "openitb.clinic.people.middleware.fragments_ask_to_sign_in",
    "openitb.clinic.people.middleware.person_acts",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "openitb.clinic.people.lock.IdleLockMiddleware",
    "openitb.clinic.people.middleware.StaffOnlyMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "openitb.clinic.urls"
WSGI_APPLICATION = "openitb.clinic.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "openitb.clinic.desk.surroundings.clinic",
                "openitb.clinic.people.surroundings.person",
            ],
            "builtins": [
                "openitb.clinic.desk.templatetags.clinical",
                "openitb.clinic.people.templatetags.people",
            ],
        },
    }
]


def _database() -> dict[str, Any]:
    """One setting moves the clinic to PostgreSQL; SQLite is set up for one writer and many readers."""
    database = environment.database("DATABASE_URL", default=f"sqlite:///{HOME / 'clinic.sqlite3'}")
    if database["ENGINE"].endswith("sqlite3"):
        database["OPTIONS"] = {
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
        }
    return database


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "people.User"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "panel"
LOGOUT_REDIRECT_URL = "sign-in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]

# Signing in: by name, with a second factor where one is set; nobody signs up, nothing is sent by mail.
ACCOUNT_ADAPTER = "openitb.clinic.people.adapters.ClinicAccounts"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_RATE_LIMITS = {
    "login": "60/m/ip",
    "login_failed": "30/m/ip,5/5m/key",
    "reauthenticate": "10/m/user",
    "emergency": "10/h/user",
}
MFA_ADAPTER = "openitb.clinic.people.adapters.ClinicFactors"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "OpenITB"
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = environment.zone("OPENITB_ZONE", default="UTC")

STATIC_URL = "static/"
STATICFILES_DIRS = [HERE / "static"]
WHITENOISE_USE_FINDERS = True

HTTPS = environment.switch("OPENITB_HTTPS", default=False)
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_AGE = 8 * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"

CLINIC_MICRO = {"ug": "µg", "mcg": "mcg"}[environment.one_of("OPENITB_MICRO", ("ug", "mcg"))]
CLINIC_PATIENTS_PER_PAGE = environment.whole("OPENITB_PATIENTS_PER_PAGE", 50, at_least=1)
CLINIC_REFILL_DUE_SOON_DAYS = environment.whole("OPENITB_REFILL_DUE_SOON_DAYS", 14)
# How long, in minutes: our assumptions, for the clinic to change.
CLINIC_IDLE_SECONDS = 60 * environment.whole("OPENITB_IDLE_MINUTES", 15, at_least=1)
CLINIC_CONFIRM_SECONDS = 60 * environment.whole("OPENITB_CONFIRM_MINUTES", 5, at_least=1)
ACCOUNT_REAUTHENTICATION_TIMEOUT = CLINIC_CONFIRM_SECONDS
CLINIC_VIEW_MINUTES = environment.whole("OPENITB_VIEW_MINUTES", 10, at_least=1)
CLINIC_SECOND_FACTOR = environment.one_of("OPENITB_SECOND_FACTOR", ("encouraged", "signing", "required"))
CLINIC_LINK = "openitb.clinic.desk.wand.WandLink"
CLINIC_IMPLANTS = HOME / "implants"
CLINIC_SEALS = HOME / "seals"

# Last: whoever is refused above leaves no folder behind.
SECRET_KEY = environment.secret_key(environment.made(HOME))
