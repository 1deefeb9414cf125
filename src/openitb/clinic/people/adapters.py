"""What allauth asks of us: nobody signs up, a shared secret is not kept in clear."""

import base64

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.http import HttpRequest

KEY_BYTES = 32
PURPOSE = b"openitb second factors"


class ClinicAccounts(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is not typed
    """Accounts are made by an administrator, never by whoever comes by."""

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        """No."""
        return False


class ClinicFactors(DefaultMFAAdapter):  # type: ignore[misc]  # allauth is not typed
    """Secrets of second factors, encrypted with a key that is not in the database."""

    def encrypt(self, text: str) -> str:
        """The secret as it is kept."""
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """The secret itself; raises `cryptography.fernet.InvalidToken` under another key."""
        return _cipher().decrypt(encrypted_text.encode()).decode()


def _cipher() -> Fernet:
    key = HKDF(SHA256(), KEY_BYTES, None, PURPOSE).derive(settings.SECRET_KEY.encode())
    return Fernet(base64.urlsafe_b64encode(key))
