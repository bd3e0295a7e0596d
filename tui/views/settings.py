"""The settings of the screen, and how it was started."""

from __future__ import annotations

from tui.page import Page, Row, Scene, View, note
from tui.text import Line


def settings_page(scene: Scene) -> Page:
    """A line each; those with a sign can be changed."""
    look, styles = scene.look, scene.look.styles
    rows: list[Row] = []
    for each in scene.settings:
        glyph = look.glyphs.closed if each.changes else " "
        made = Line(look).put(f" {glyph} ", styles.accent).cell(each.title, 22, styles.text)
        made.cell(each.value, 22, styles.strong if each.changes else styles.muted).gap(1)
        made.put(each.help, styles.muted)
        rows.append(Row(made.cut(scene.width), f"setting:{each.id}", f"{each.title}\t{each.value}"))
    rows.append(note(look, ""))
    rows.append(
        note(look, "Kept for good in pipeline-monitor.toml, table [display]; `config init` writes one.")
    )
    table = (("setting", "value"), *((each.title, each.value) for each in scene.settings))
    head = Line(look).put(" enter changes the setting with the cursor", styles.muted)
    return Page((head,), tuple(rows), table)


SETTINGS = View("settings", "SETTINGS", settings_page, filters=False)
