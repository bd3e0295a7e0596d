"""A tap on records: what each stage was given and what it made of it, as a difference."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

from rich.style import Style

from metrics.snapshot import TapSample
from tui.format import elapsed
from tui.look import Look
from tui.page import Page, Row, Scene, View, blank, heading, matches, note
from tui.text import Line

MOST_RECORDS = 60
"""So many of the sampled records are listed."""
LONGEST = 600
"""Of longer texts, only so many characters are compared."""
_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")


def records_page(scene: Scene) -> Page:
    """The record that is followed, whole; below it the sampled ones, newest first, the opened ones whole."""
    look, ask = scene.look, scene.ask
    taps = scene.snapshot.taps
    rows: list[Row] = []
    # In a recording, and on another screen of the same run, somebody else may have asked to follow it.
    follow = ask.follow or next((tap.id for tap in taps if tap.followed), None)
    if follow is not None:
        rows += _followed(follow, [tap for tap in taps if tap.followed], scene)
        rows.append(blank(look))
    rows.append(heading(look, "SAMPLED", "a few records a second of each stage"))
    groups = _by_record(tap for tap in taps if not tap.followed)
    kept = [(id, group) for id, group in groups if not ask.filter or matches(_text(id, group), ask.filter)]
    for position, (id, group) in enumerate(kept[:MOST_RECORDS]):
        key = f"record:{id}"
        # While the run is stepped, the record that moved last is of interest.
        opened = key in ask.opened or (position == 0 and scene.snapshot.phase == "paused")
        rows.append(_summary(id, group, key, scene, opened=opened))
        if opened:
            for tap in group:
                rows += _step(tap, scene)
    if not groups:
        rows.append(note(look, _nothing(scene)))
    table = (
        ("at_s", "id", "stage", "outcome", "before", "after"),
        *((f"{tap.at_s:.3f}", tap.id, tap.stage, tap.outcome, tap.before, tap.after) for tap in taps),
    )
    return Page((_head(scene),), tuple(rows), table)


def _head(scene: Scene) -> Line:
    look = scene.look
    made = Line(look).put(" before and after each stage", look.styles.muted)
    return made.put("   enter: open, follow   /: find, or follow an id", look.styles.muted).cut(scene.width)


def _nothing(scene: Scene) -> str:
    if "tap" not in scene.powers:
        return (
            "this run shows no records" if scene.playhead is None else "no record was sampled at this moment"
        )
    return "no record has come by yet"


def _by_record(taps: Iterable[TapSample]) -> list[tuple[str, list[TapSample]]]:
    """Records with their looks in the order of time; the record seen last comes first."""
    groups: dict[str, list[TapSample]] = {}
    for tap in taps:
        groups.setdefault(tap.id, []).append(tap)
    ordered = sorted(groups.items(), key=lambda item: item[1][-1].at_s, reverse=True)
    return [(id, sorted(group, key=lambda tap: tap.at_s)) for id, group in ordered]


def _text(id: str, group: Iterable[TapSample]) -> str:
    return " ".join([id, *(f"{tap.stage} {tap.outcome} {tap.before} {tap.after}" for tap in group)])


def _followed(id: str, taps: list[TapSample], scene: Scene) -> list[Row]:
    look = scene.look
    where = f"at {taps[-1].stage}, {taps[-1].outcome}" if taps else "it has come to no stage since"
    rows = [heading(look, f"FOLLOWING {id}", f"{where}   esc: follow none")]
    for tap in sorted(taps, key=lambda tap: tap.at_s):
        rows += _step(tap, scene)
    return rows


def _summary(id: str, group: list[TapSample], key: str, scene: Scene, *, opened: bool) -> Row:
    look, styles, last = scene.look, scene.look.styles, group[-1]
    glyph = look.glyphs.open if opened else look.glyphs.closed
    made = (
        Line(look).put(f" {glyph} ", styles.accent).cell(elapsed(last.at_s), 6, styles.muted, "right").gap(1)
    )
    made.cell(id, 30 if scene.width >= 100 else 22, styles.text).gap(1)
    made.cell(" ".join((last.stage, _outcome(last))), 20, _tone(last, look)).gap(1)
    # Behind the last stage only the sink's receipt is left; what it got says more.
    told = last.before if last.outcome == "given" else last.after or last.before
    made.cell(told, max(8, scene.width - made.width - 1), styles.muted)
    return Row(made, key, f"{id}\t{last.stage}\t{last.outcome}\t{last.before}\t{last.after}")


def _outcome(tap: TapSample) -> str:
    return "" if tap.outcome == "given" else tap.outcome


def _tone(tap: TapSample, look: Look) -> Style:
    styles = look.styles
    return {"given": styles.text, "filtered": styles.muted, "rejected": styles.warn, "held": styles.accent}[
        tap.outcome
    ]


def _step(tap: TapSample, scene: Scene) -> list[Row]:
    """A stage's line, and below it what it was given and what it made of it."""
    look, styles = scene.look, scene.look.styles
    title = Line(look).gap(4).put(look.glyphs.arrow, styles.accent).gap(1).put(tap.stage, styles.strong)
    title.put(f"  {tap.id}  {elapsed(tap.at_s)}  ", styles.muted).put(tap.outcome, _tone(tap, look))
    rows = [Row(title)]
    if tap.outcome == "given" and tap.before == tap.after:
        title.put("  unchanged", styles.muted)
        return [*rows, *_wrapped([("", tap.before)], "  ", scene)]
    if tap.outcome == "rejected":
        rows += _wrapped([("", tap.before)], "  ", scene)
        return [*rows, *_wrapped([("+", f"rejected: {tap.after}")], look.glyphs.warning + " ", scene)]
    if tap.outcome != "given":
        rows += _wrapped([("", tap.before)], "  ", scene)
        return [*rows, *(_wrapped([("", tap.after)], "  ", scene) if tap.after else [])]
    before, after = difference(tap.before, tap.after)
    return [*rows, *_wrapped(before, "- ", scene), *_wrapped(after, "+ ", scene)]


Part = tuple[str, str]
"""``-`` what only the text before has, ``+`` only that after, "" both; and the text."""


def difference(before: str, after: str) -> tuple[list[Part], list[Part]]:
    """Both texts in parts, each with a mark: what was taken away, what was added, what stayed."""
    one, other = _TOKEN.findall(before[:LONGEST]), _TOKEN.findall(after[:LONGEST])
    left: list[Part] = []
    right: list[Part] = []
    for kind, i, j, k, end in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        gone, come = "".join(one[i:j]), "".join(other[k:end])
        if gone:
            left.append(("" if kind == "equal" else "-", gone))
        if come:
            right.append(("" if kind == "equal" else "+", come))
    if len(before) > LONGEST:
        left.append(("", before[LONGEST:]))
    if len(after) > LONGEST:
        right.append(("", after[LONGEST:]))
    return left, right


def _wrapped(parts: Iterable[Part], lead: str, scene: Scene) -> list[Row]:
    """Parts as lines of the page's width, each with its style; broken anywhere, as data is."""
    look, styles = scene.look, scene.look.styles
    tones = {"": styles.muted, "-": styles.bad, "+": styles.good}
    room = max(10, scene.width - 9)
    head = {"- ": styles.bad, "+ ": styles.good}.get(lead, styles.muted)
    lines = [Line(look).gap(6).put(lead, head)]
    for mark, text in parts:
        for piece in _pieces(Line(look).put(text).text):
            if lines[-1].width + len(piece) > room + 8:
                lines.append(Line(look).gap(8))
            lines[-1].put(piece, tones[mark])
    return [Row(line.cut(scene.width)) for line in lines]


def _pieces(text: str) -> list[str]:
    return re.findall(r"\S{1,40}\s?|\s", text)


RECORDS = View(
    "records",
    "RECORDS",
    records_page,
    (),
    (
        ("- and +", "What the stage was given, and what it made of it; what differs stands out."),
        (
            "Enter",
            "Opens a record, and follows it: every stage that it comes to from then on is shown on top.",
        ),
        ("n", "Pauses, and moves the record that is furthest along one hop on."),
    ),
)
