"""A report as one HTML file: nothing is loaded from elsewhere; light and dark, phone and paper."""

import re
from collections.abc import Iterator
from html import escape

from openitb.cohort.study.report import NOTICE, Grid, Picture, Report, Section

_STYLE = """
:root{color-scheme:light dark;--ink:#1f2937;--soft:#4b5563;--grid:#e5e7eb;--paper:#fff;--line:#d1d5db;
--mark:#0f62fe}
@media(prefers-color-scheme:dark){:root{--ink:#e5e7eb;--soft:#9ca3af;--grid:#374151;--paper:#111827;--line:#374151;
--mark:#78a9ff}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:52rem;padding:1.5rem 1rem 3rem;background:var(--paper);color:var(--ink);
font:1rem/1.55 system-ui,sans-serif}
h1{font-size:1.6rem;line-height:1.2;margin:0 0 .3rem}h2{font-size:1.15rem;margin:2.2rem 0 .6rem}
.question{font-size:1.15rem;color:var(--soft);margin:0 0 1rem}
.answer{border-left:.25rem solid var(--mark);padding:.1rem 0 .1rem 1rem;font-size:1.05rem}
figure{margin:1rem 0 1.6rem}figcaption{font-weight:600;margin-bottom:.3rem}
svg{display:block;height:auto;max-width:40rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;min-width:60%}
th,td{text-align:left;vertical-align:top;padding:.35rem .9rem .35rem 0;border-bottom:1px solid var(--line)}
td{font-variant-numeric:tabular-nums}th{color:var(--soft);font-weight:600}td{min-width:5.5rem}td:first-child{min-width:7rem}
li{margin:.25rem 0;overflow-wrap:anywhere}code{font-size:.9em}
footer{margin-top:2.5rem;color:var(--soft);font-size:.85rem}
@media print{:root{--ink:#000;--soft:#333;--grid:#ddd;--paper:#fff;--line:#bbb;--mark:#000}
body{max-width:none;padding:0}
figure,tr{break-inside:avoid}h2{break-after:avoid}.scroll{overflow:visible}}
"""


def page(report: Report) -> str:
    """The whole file."""
    title = escape(report.title)
    return "\n".join(
        (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>",
            f'<h1>{title}</h1>\n<p class="question">{escape(report.question)}</p>',
            *(_section(turn, section) for turn, section in enumerate(report.sections)),
            f"</main>\n<footer>{escape(NOTICE)}</footer>\n</body>\n</html>\n",
        )
    )


def _section(turn: int, section: Section) -> str:
    head = f"<section>\n<h2>{escape(section.title)}</h2>"
    style = ' class="answer"' if not turn else ""
    return "\n".join((head, *_parts(section, style), "</section>"))


def _parts(section: Section, style: str) -> Iterator[str]:
    for turn, part in enumerate(section.parts):
        match part:
            case str():
                yield f"<p{style}>{_text(part)}</p>"
            case Grid():
                yield _grid(part)
            case Picture():
                yield _picture(part, f"{section.title}-{turn}".lower())
            case _:
                yield "<ul>" + "".join(f"<li>{_text(line)}</li>" for line in part) + "</ul>"


def _grid(grid: Grid) -> str:
    heads = "".join(f'<th scope="col">{_text(head)}</th>' for head in grid.heads)
    rows = "".join(
        "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>\n" for row in grid.rows
    )
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>\n{rows}</tbody></table>"
    return f'<div class="scroll" tabindex="0">{table}</div>'


def _picture(picture: Picture, name: str) -> str:
    """The ids inside a picture get its name, so that two pictures on a page do not share any."""
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\1{name}-", picture.svg)
    title = escape(picture.title)
    svg = svg.replace("<svg", f'<svg aria-label="{title}"', 1)
    return f"<figure><figcaption>{title}</figcaption>{svg}</figure>"


def _text(text: str) -> str:
    """Text with code between backquotes and addresses that can be followed."""
    safe = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    return re.sub(r"(https?://[^\s<]+)", r'<a href="\1">\1</a>', safe)
