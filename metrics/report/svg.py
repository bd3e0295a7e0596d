"""Charts as SVG inside a page: text and lines only, with a title and a description for those who cannot see.

Curves are told apart by colour (the palette of Okabe and Ito, "Color Universal Design", 2008) and by dashes,
so that neither colour vision nor a colour printer is needed. Colours are the page's variables.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from metrics.format import seconds
from metrics.report.charts import Chart, Curve, Span

WIDTH, LEFT, RIGHT = 1000.0, 84.0, 12.0
TOP, HEIGHT, BOTTOM = 12.0, 150.0, 26.0
ROW = 26.0
DASHES = ("", "7 4", "2 4", "12 4 2 4", "4 2", "12 6")


def chart(found: Chart, number: int) -> str:
    """A chart with its axes and, where it has several curves, its legend. ``number`` tells its ids apart from
    those of the page's other charts."""
    top = found.full or nice(max(value for curve in found.curves for _, value in curve.points))
    total = TOP + HEIGHT + BOTTOM
    parts = [
        f'<figure><figcaption id="c{number}">{escape(found.title)}</figcaption>',
        f'<svg viewBox="0 0 {WIDTH:.0f} {total:.0f}" role="img" aria-labelledby="c{number} d{number}">',
        f'<desc id="d{number}">{escape(found.summary)}</desc>',
        *(_band(span, found.until) for span in found.spans),
        *_grid(found, top),
        *(_curve(curve, found.until, top) for curve in found.curves),
        "</svg>",
        _legend(found.curves) if len(found.curves) > 1 else f'<p class="soft">{escape(found.summary)}</p>',
        "</figure>",
    ]
    return "".join(parts)


def bars(spans: Sequence[Span], until: float) -> str:
    """Anomalies and faults, each a bar with its words below, on the axis of the charts."""
    total = TOP + ROW * len(spans) + BOTTOM
    words = "; ".join(
        f"{span.kind} from {seconds(span.begin)} to {seconds(span.end)}: {span.text}" for span in spans
    )
    parts = [
        '<figure><figcaption id="ct">Anomalies and faults</figcaption>',
        f'<svg viewBox="0 0 {WIDTH:.0f} {total:.0f}" role="img" aria-labelledby="ct dt">',
        f'<desc id="dt">{escape(words)}</desc>',
        *_times(until, TOP + ROW * len(spans)),
    ]
    for row, span in enumerate(spans):
        y = TOP + ROW * row
        begin, end = _x(span.begin, until), _x(min(span.end, until), until)
        width = max(3.0, end - begin)
        parts.append(
            f'<rect class="{span.kind}" x="{begin:.1f}" y="{y:.1f}" width="{width:.1f}" height="7"/>'
        )
        # Words that begin near the right end would run out of the picture.
        anchor, x = ("end", end) if begin > WIDTH * 0.55 else ("start", begin)
        text = f"{_sign(span)} {span.text}"
        cut = text if len(text) <= 90 else text[:89] + "…"
        parts.append(f'<text x="{x:.1f}" y="{y + 19:.1f}" text-anchor="{anchor}">{escape(cut)}</text>')
    return "".join([*parts, "</svg></figure>"])


def nice(value: float) -> float:
    """The next number of the form 1, 2 or 5 times a power of ten; 1 for nothing.

    >>> nice(37.0), nice(0.004), nice(0.0), nice(100.0)
    (50.0, 0.005, 1.0, 100.0)
    """
    if not math.isfinite(value) or value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next((times * power for times in (1.0, 2.0, 5.0) if value <= times * power * 1.0001), 10.0 * power)


def _sign(span: Span) -> str:
    return {"fault": "◆", "critical": "▲", "warning": "△"}.get(span.kind, "")


def _x(at: float, until: float) -> float:
    share = min(1.0, max(0.0, at / until)) if until > 0 else 0.0
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(value: float, top: float) -> float:
    share = value / top if math.isfinite(value) else 0.0
    return TOP + HEIGHT * (1.0 - min(1.0, max(0.0, share)))


def _band(span: Span, until: float) -> str:
    begin, end = _x(span.begin, until), _x(min(span.end, until), until)
    return (
        f'<rect class="band {span.kind}" x="{begin:.1f}" y="{TOP:.0f}" width="{max(2.0, end - begin):.1f}"'
        f' height="{HEIGHT:.0f}"><title>{escape(span.text)}</title></rect>'
    )


def _grid(found: Chart, top: float) -> Iterator[str]:
    for share in (0.0, 0.5, 1.0):
        y = _y(share * top, top)
        yield f'<line class="grid" x1="{LEFT:.0f}" x2="{WIDTH - RIGHT:.0f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        words = "0" if share == 0.0 else escape(found.say(share * top))
        yield f'<text x="{LEFT - 8:.0f}" y="{y + 4:.1f}" text-anchor="end">{words}</text>'
    yield from _times(found.until, TOP + HEIGHT)


def _times(until: float, y: float) -> Iterator[str]:
    step = _time_step(until)
    for number in range(int(until / step + 1e-9) + 1):
        x = _x(number * step, until)
        anchor = "start" if number == 0 else "end" if x > WIDTH - RIGHT - 20 else "middle"
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{y:.0f}" y2="{y + 5:.0f}"/>'
        words = "0" if number == 0 else seconds(number * step)
        yield f'<text x="{x:.1f}" y="{y + 19:.0f}" text-anchor="{anchor}">{words}</text>'


def _time_step(until: float) -> float:
    """Some six marks, at times that people count in."""
    for step in (
        0.01,
        0.05,
        0.1,
        0.5,
        1,
        2,
        5,
        10,
        20,
        30,
        60,
        120,
        300,
        600,
        1800,
        3600,
        7200,
        21600,
        86400,
    ):
        if until / step <= 8:
            return float(step)
    return until / 6


def _curve(curve: Curve, until: float, top: float) -> str:
    points = " ".join(f"{_x(second, until):.1f},{_y(value, top):.1f}" for second, value in curve.points)
    return f'<polyline {_look(curve)} points="{points}"/>'


def _look(curve: Curve) -> str:
    number = curve.look % len(DASHES)
    dashed = f' stroke-dasharray="{DASHES[number]}"' if DASHES[number] else ""
    return f'class="l{number}"{dashed}'


def _legend(curves: Sequence[Curve]) -> str:
    items = [
        f'<li><svg class="key" viewBox="0 0 36 8" aria-hidden="true"><line {_look(curve)}'
        f' x1="0" x2="36" y1="4" y2="4"/></svg>{escape(curve.name)}</li>'
        for curve in curves
    ]
    return f'<ul class="legend">{"".join(items)}</ul>'
