"""The system Chromium, and a clinic served to it."""

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Browser, Page, sync_playwright

from openitb.clinic.record.protection import PROTECTED

CHROMIUM = os.environ.get("OPENITB_CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-gpu",
    "--disable-quic",
]


def _helpers() -> None:
    """Make the scripted pump of the clinic's tests importable by the name the setting uses."""
    if "scripted_link" not in sys.modules:
        path = Path(__file__).parents[1] / "clinic" / "scripted_link.py"
        spec = importlib.util.spec_from_file_location("scripted_link", path)
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules["scripted_link"] = module
        spec.loader.exec_module(module)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's loop runs in the thread of the test
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(autouse=True)
def _emptied_afterwards(transactional_db: None) -> Iterator[None]:
    """Entries of the record resist deletion; their guard steps aside while the database is emptied.

    Emptying ends as a migration does, which puts the guard back.
    """
    yield
    with connection.cursor() as cursor:
        for table in PROTECTED:
            for deed in ("update", "delete"):
                on = f" ON {table}" if connection.vendor == "postgresql" else ""
                cursor.execute(f"DROP TRIGGER IF EXISTS {table}_no_{deed}{on}")


@pytest.fixture
def pump(settings: Any) -> Iterator[Any]:
    """The script of the pump behind every page."""
    _helpers()
    settings.CLINIC_LINK = "scripted_link.ScriptedLink"
    module = sys.modules["scripted_link"]
    module.reset()
    yield module.SCRIPT
    module.reset()


@pytest.fixture(
    params=[(1440, "light"), (390, "light"), (1440, "dark"), (390, "dark")], ids=lambda p: f"{p[0]}-{p[1]}"
)
def screen(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page at desk and phone width, in both themes, that collects what the console complains of."""
    yield from opened(chromium, *request.param)


@pytest.fixture
def desk_screen(chromium: Browser) -> Iterator[Page]:
    """A page at desk width."""
    yield from opened(chromium, 1440, "light")


def opened(chromium: Browser, width: int, scheme: str) -> Iterator[Page]:
    context = chromium.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda m: page.complaints.append(m.text) if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield page
    context.close()
