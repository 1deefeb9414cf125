"""The look stays whole: vendored files as declared, both themes complete, nothing inline or from outside."""

import hashlib
import re
from pathlib import Path

import openitb.clinic

CLINIC = Path(openitb.clinic.__file__).parent
STATIC = CLINIC / "static"
TEMPLATES = sorted((CLINIC / "templates").rglob("*.html"))


def test_vendored_files_are_the_declared_ones() -> None:
    listed = re.findall(
        r"^\| `([^`]+)` .* `([0-9a-f]{64})` \|$", (STATIC / "vendor/VENDOR.md").read_text(), re.M
    )
    assert len(listed) == 4
    for name, digest in listed:
        assert hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() == digest, name


def test_every_vendored_folder_carries_its_licence() -> None:
    folders = [folder for folder in (STATIC / "vendor").iterdir() if folder.is_dir()]
    assert {folder.name for folder in folders} == {"carbon", "echarts", "htmx"}
    assert all((folder / "LICENSE.txt").stat().st_size > 500 for folder in folders)


def test_no_borrowed_font_and_nothing_fetched_from_elsewhere() -> None:
    for file in (STATIC / "vendor/carbon/carbon.css", *STATIC.glob("clinic/*.css")):
        text = file.read_text()
        assert not re.search(r"@font-face|url\(\s*['\"]?https?:|@import|IBM Plex", text), file.name


def test_every_colour_of_the_light_theme_has_one_in_the_dark_theme() -> None:
    light, dark = (
        (STATIC / "clinic/tokens.css").read_text().split("@media screen and (prefers-color-scheme: dark)")
    )
    coloured = re.compile(r"(--[a-z0-9-]+):\s*#")
    assert set(coloured.findall(light)) <= set(coloured.findall(dark))


def test_every_token_that_is_used_is_set() -> None:
    known = set(re.findall(r"(--[a-z0-9-]+):", (STATIC / "clinic/tokens.css").read_text()))
    carbon = set(re.findall(r"(--cds-[a-z0-9-]+):", (STATIC / "vendor/carbon/carbon.css").read_text()))
    for file in STATIC.glob("clinic/*.css"):
        used = set(re.findall(r"var\((--[a-z0-9-]+)", file.read_text()))
        assert used <= known | carbon, file.name


def test_templates_hold_no_inline_script_style_or_handler() -> None:
    for template in TEMPLATES:
        text = template.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", text), (
            template.name
        )


def test_every_icon_asked_for_is_in_the_sprite() -> None:
    sprite = set(re.findall(r'symbol id="([^"]+)"', (STATIC / "vendor/carbon/icons.svg").read_text()))
    sources = [*TEMPLATES, CLINIC / "desk/panel.py"]
    asked = {name for file in sources for name in re.findall(r'{% icon "([^"]+)"', file.read_text())}
    assert asked
    assert asked <= sprite
