"""What the pipeline logs and prints."""

from __future__ import annotations

from metrics.snapshot import LogLine
from tui.format import elapsed
from tui.page import Page, Row, Scene, View, matches, note
from tui.text import Line, wrap

MOST_LINES = 400
_ORDER = {"critical": 0, "error": 1, "warning": 2, "print": 3, "info": 4, "debug": 5}


def log_page(scene: Scene) -> Page:
    """Newest first, or the gravest first."""
    look, ask = scene.look, scene.ask
    kept = [
        each for each in reversed(scene.snapshot.log) if not ask.filter or matches(_text(each), ask.filter)
    ]
    if ask.sort % 2:
        kept.sort(key=lambda each: _ORDER[each.level])
    if ask.reverse:
        kept.reverse()
    rows: list[Row] = []
    for position, each in enumerate(kept[:MOST_LINES]):
        rows += _rows(each, position, scene)
    if not kept:
        rows.append(note(look, "no line holds that text" if ask.filter else "nothing was logged or printed"))
    order = "gravest first" if ask.sort % 2 else "newest first"
    head = Line(look).put(
        f" {len(kept):,} of the last {len(scene.snapshot.log):,} lines, {order}", look.styles.muted
    )
    table = (
        ("at_s", "level", "logger", "text"),
        *((f"{each.at_s:.3f}", each.level, each.logger, each.text) for each in kept),
    )
    return Page((head.cut(scene.width),), tuple(rows), table)


def _rows(each: LogLine, position: int, scene: Scene) -> list[Row]:
    look, styles = scene.look, scene.look.styles
    tone = {
        "critical": styles.bad, "error": styles.bad, "warning": styles.warn, "info": styles.text,
        "debug": styles.muted, "print": styles.text,
    }[each.level]  # fmt: skip
    key = f"log:{position}"
    made = Line(look).cell(elapsed(each.at_s), 8, styles.muted, "right").gap(1)
    made.cell(each.level.upper(), 9, tone)
    if each.logger:
        made.put(f"{each.logger}: ", styles.muted)
    plain = Line(look).put(each.text).text
    if key not in scene.ask.opened:
        room = max(10, scene.width - made.width)
        return [Row(made.cell(plain, room, tone), key, _text(each))]
    first, *rest = wrap(plain, max(20, scene.width - made.width))
    lead = made.width
    rows = [Row(made.put(first, tone), key, _text(each))]
    return rows + [Row(Line(look).gap(lead).put(part, tone)) for part in rest]


def _text(each: LogLine) -> str:
    return f"{each.level} {each.logger} {each.text}"


LOG = View(
    "log",
    "LOG",
    log_page,
    ("level",),
    (("PRINT", "What stages wrote to stdout or stderr while the screen was up."),),
)
