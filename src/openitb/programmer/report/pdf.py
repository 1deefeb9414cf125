"""The report on paper: the same lines as on screen, with page numbers, digest and time on every page."""

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import as_file, files
from itertools import repeat
from typing import Any

from fpdf import FPDF
from fpdf.enums import MethodReturnValue, XPos, YPos

from openitb import units
from openitb.programmer.report.text import DEMO, instant, sections

_FONT = "DejaVu"
_FACES = {"": "DejaVuSans.ttf", "B": "DejaVuSans-Bold.ttf"}
_MARGIN_MM, _LABEL_MM, _LINE_MM, _RULE_MM = 15, 54, 5, 0.1
_TITLE_PT, _HEAD_PT, _BODY_PT, _FOOT_PT = 16, 11, 8.5, 7  # a digest takes one line
_GREY = 110
_SHOWN = 24
_KEPT_TOGETHER = 12  # rows; a longer section may go over the page


class _Sheet(FPDF):
    """A4 pages whose foot names the report; inherits the drawing of the library."""

    def __init__(self, foot: str) -> None:
        super().__init__(format="A4")
        self._foot = foot

    def footer(self) -> None:
        """What every page says at its foot."""
        self.set_y(-_MARGIN_MM)
        self.set_font(_FONT, size=_FOOT_PT)
        self.set_text_color(_GREY)
        self.cell(0, _LINE_MM, f"{self._foot}   page {self.page_no()} of {{nb}}", align="C")
        self.set_text_color(0)


def to_pdf(report: Mapping[str, Any]) -> bytes:
    """The report as PDF, fonts inside; the same report gives the same bytes."""
    made = instant(report["visit"]["made_at_ms"])
    sheet = _Sheet(f"{report['patient']['id']}   {made}   digest {report['digest'][:_SHOWN]}")
    sheet.set_creation_date(datetime.fromtimestamp(report["visit"]["made_at_ms"] // units.MS_PER_S, UTC))
    sheet.set_title(report["visit"]["title"])
    sheet.set_margin(_MARGIN_MM)
    sheet.set_auto_page_break(auto=True, margin=2 * _MARGIN_MM)
    sheet.set_line_width(_RULE_MM)
    sheet.set_draw_color(_GREY)
    _add_fonts(sheet)
    sheet.add_page()
    _line(sheet, f"Session report: {report['visit']['title']}", _TITLE_PT)
    if report["demo"]:
        _line(sheet, DEMO, _HEAD_PT)
    for title, rows in sections(report):
        _section(sheet, title, rows)
    return bytes(sheet.output())


def _add_fonts(sheet: FPDF) -> None:
    """A face with µ and every letter of a name; the plotting library brings it."""
    folder = files("matplotlib") / "mpl-data" / "fonts" / "ttf"
    for style, name in _FACES.items():
        with as_file(folder / name) as path:
            sheet.add_font(_FONT, style, str(path))


def _line(sheet: FPDF, text: str, size: int) -> None:
    sheet.set_font(_FONT, "B", size)
    sheet.multi_cell(0, size / 2, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _section(sheet: FPDF, title: str, rows: list[tuple[str, str]]) -> None:
    if len(rows) <= _KEPT_TOGETHER and sheet.will_page_break(_height_mm(sheet, rows)):
        sheet.add_page()
    sheet.ln(_LINE_MM / 2)
    _line(sheet, title, _HEAD_PT)
    sheet.set_font(_FONT, size=_BODY_PT)
    with sheet.table(
        col_widths=(_LABEL_MM, sheet.epw - _LABEL_MM),
        first_row_as_headings=False,
        borders_layout="HORIZONTAL_LINES",
        line_height=_LINE_MM,
        text_align="LEFT",
        v_align="TOP",
    ) as table:
        for label, value in rows:
            row = table.row()
            row.cell(label)
            row.cell(value)


def _height_mm(sheet: FPDF, rows: list[tuple[str, str]]) -> float:
    """What a section with its heading takes."""
    sheet.set_font(_FONT, size=_BODY_PT)
    widths = (_LABEL_MM, sheet.epw - _LABEL_MM)
    lines = sum(max(map(_lines, repeat(sheet), row, widths)) for row in rows)
    return (lines + 2) * _LINE_MM


def _lines(sheet: FPDF, text: str, width_mm: float) -> int:
    height = sheet.multi_cell(width_mm, _LINE_MM, text, dry_run=True, output=MethodReturnValue.HEIGHT)
    return round(float(height) / _LINE_MM) if isinstance(height, float | int) else 1
