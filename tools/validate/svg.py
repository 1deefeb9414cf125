"""Small line drawings as SVG that follow the reader's light or dark page."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import log10

WIDTH, HEIGHT = 340, 240
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 26, 36
STYLE = """<style>
text{font:11px system-ui,sans-serif;fill:#1f2937}.title{font-weight:600;font-size:12px}
.axis{stroke:#6b7280;fill:none}.grid{stroke:#d1d5db;stroke-width:.6}
.a{stroke:#0f62fe;fill:none;stroke-width:1.8}
.b{stroke:#b3541e;fill:none;stroke-width:1.8;stroke-dasharray:5 3}
.fa{fill:#0f62fe;fill-opacity:.16}.fb{fill:#b3541e;fill-opacity:.14}.seen{fill:#111827;stroke:#fff}
.ba{fill:#0f62fe}.bb{fill:#b3541e}
@media(prefers-color-scheme:dark){text{fill:#e5e7eb}.axis{stroke:#9ca3af}.grid{stroke:#374151}
.a{stroke:#78a9ff}.b{stroke:#f0a36b}.fa{fill:#78a9ff;fill-opacity:.22}.fb{fill:#f0a36b;fill-opacity:.2}
.ba{fill:#78a9ff}.bb{fill:#f0a36b}.seen{fill:#f9fafb;stroke:#111827}}
</style>"""

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Axis:
    """From, to, the marked values, what it says, and whether it is logarithmic."""

    low: float
    high: float
    ticks: tuple[float, ...]
    name: str
    log: bool = False

    def place(self, value: float) -> float:
        """0 at the low end, 1 at the high end; outside it the nearer end."""
        low, high, at = (log10(v) if self.log else v for v in (self.low, self.high, max(value, 1e-12)))
        return min(max((at - low) / (high - low), 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class Panel:
    """One plot: its title, axes, and what is drawn in it, as SVG made by `line`, `band` and `dots`."""

    title: str
    across: Axis
    up: Axis
    drawn: tuple[Callable[["Panel"], str], ...]

    def xy(self, point: tuple[float, float]) -> str:
        """A point of the plot in the drawing."""
        x = LEFT + self.across.place(point[0]) * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - self.up.place(point[1]) * (HEIGHT - TOP - BOTTOM)
        return f"{x:.1f},{y:.1f}"


def line(points: Points, kind: str) -> Callable[[Panel], str]:
    """A curve of a class of `STYLE`."""
    return lambda panel: f'<polyline class="{kind}" points="{" ".join(map(panel.xy, points))}"/>'


def band(
    across: Sequence[float], ends: tuple[Sequence[float], Sequence[float]], kind: str
) -> Callable[[Panel], str]:
    """The area between two curves."""
    low, high = (list(zip(across, end, strict=True)) for end in ends)
    outline = [*low, *reversed(high)]
    return lambda panel: f'<polygon class="{kind}" points="{" ".join(map(panel.xy, outline))}"/>'


def dots(points: Points) -> Callable[[Panel], str]:
    """What was published."""

    def draw(panel: Panel) -> str:
        places = (panel.xy(point).split(",") for point in points)
        return "".join(f'<circle class="seen" cx="{x}" cy="{y}" r="4"/>' for x, y in places)

    return draw


def sheet(panels: Sequence[Panel], columns: int = 2) -> str:
    """Panels side by side as one drawing."""
    rows = -(-len(panels) // columns)
    placed = (
        f'<g transform="translate({k % columns * WIDTH},{k // columns * HEIGHT})">{_panel(panel)}</g>'
        for k, panel in enumerate(panels)
    )
    return page(columns * WIDTH, rows * HEIGHT, placed)


def page(width: int, height: int, parts: Iterable[str]) -> str:
    """A whole drawing."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">'
    return "\n".join([head, STYLE, *parts, "</svg>\n"])


def words(text: str, x: float, y: float, anchor: str = "start", kind: str = "") -> str:
    """Text at a place."""
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _panel(panel: Panel) -> str:
    return "\n".join(
        [
            words(panel.title, LEFT, 14, kind="title"),
            *(_tick_across(panel, tick) for tick in panel.across.ticks),
            *(_tick_up(panel, tick) for tick in panel.up.ticks),
            f'<path class="axis" d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>',
            words(panel.across.name, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, "middle"),
            words(panel.up.name, LEFT + 4, TOP + 8),
            *(draw(panel) for draw in panel.drawn),
        ]
    )


def _tick_across(panel: Panel, tick: float) -> str:
    x = float(panel.xy((tick, panel.up.low)).split(",")[0])
    return words(f"{tick:g}", x, HEIGHT - BOTTOM + 14, "middle")


def _tick_up(panel: Panel, tick: float) -> str:
    y = float(panel.xy((panel.across.low, tick)).split(",")[1])
    rule = f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
    return rule + words(f"{tick:g}", LEFT - 5, y + 4, "end")
