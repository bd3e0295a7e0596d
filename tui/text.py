"""Lines of text that fit: cells, not characters; and nothing a record says reaches the terminal raw.

Names and messages come from the watched pipeline, so they may hold control characters,
escape sequences, markup and wide characters. Markup is never interpreted, because lines are
made of segments; everything unprintable is shown as its escape, such as ``\\x1b``.
"""

from __future__ import annotations

from functools import cache
from typing import Final, Literal

from rich.cells import cell_len, set_cell_size, split_graphemes
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from metrics.format import printable
from tui.look import Look

Align = Literal["left", "right", "centre"]

_PLAIN: Final = Style()


def shorten(text: str, width: int, more: str) -> str:
    """The text in at most ``width`` cells, with ``more`` (one cell) at the end where it was cut."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    # Cutting a wide character in half leaves a blank; it must not stand between the text and the sign.
    return set_cell_size(text, width - 1).rstrip(" ") + more


def wrap(text: str, width: int) -> list[str]:
    """The text in lines of at most ``width`` cells, broken between words where that is possible."""
    width = max(width, 2)
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if cell_len(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        *full, line = _chop(word, width)
        lines.extend(full)
    return [*lines, line]


def _chop(word: str, width: int) -> list[str]:
    spans, _ = split_graphemes(word)
    pieces = [""]
    room = width
    for start, end, cells in spans:
        if cells > room:
            pieces.append("")
            room = width
        pieces[-1] += word[start:end]
        room -= cells
    return pieces


@cache
def _is_unseen_in_blanks(style: Style) -> bool:
    return style.bgcolor is None and not (style.reverse or style.underline or style.strike or style.meta)


class Line:
    """One line under construction: ``put`` appends, ``cell`` appends to a width, ``strip`` ends it."""

    __slots__ = ("_look", "_segments", "width")

    def __init__(self, look: Look) -> None:
        self._look = look
        self._segments: list[Segment] = []
        self.width = 0

    def put(self, text: str, style: Style = _PLAIN) -> Line:
        """Append a text as it is, but for what is not printable."""
        if text:
            text = printable(text, ascii=self._look.ascii)
            segments = self._segments
            if segments and segments[-1].style is style:
                segments[-1] = Segment(segments[-1].text + text, style)
            else:
                segments.append(Segment(text, style))
            self.width += cell_len(text)
        return self

    def cell(self, text: str, width: int, style: Style = _PLAIN, align: Align = "left") -> Line:
        """Append a text in exactly ``width`` cells."""
        text = shorten(printable(text, ascii=self._look.ascii), width, self._look.glyphs.more)
        space = width - cell_len(text)
        before = {"left": 0, "right": space, "centre": space // 2}[align]
        return self.gap(before).put(text, style).gap(space - before)

    def gap(self, width: int) -> Line:
        """Append blanks."""
        if width > 0:
            # Each segment costs time on every draw; blanks look the same in the style before them.
            last = self._segments[-1] if self._segments else None
            if last is not None and last.style is not None and _is_unseen_in_blanks(last.style):
                self._segments[-1] = Segment(last.text + " " * width, last.style)
            else:
                self._segments.append(Segment(" " * width, _PLAIN))
            self.width += width
        return self

    def cut(self, width: int) -> Line:
        """The line in at most ``width`` cells, with the sign for more where it was cut."""
        if self.width <= width:
            return self
        made = Line(self._look)
        for segment in self._segments:
            room = width - made.width - 1
            if cell_len(segment.text) > room:
                made.put(set_cell_size(segment.text, room) if room > 0 else "", segment.style or _PLAIN)
                break
            made.put(segment.text, segment.style or _PLAIN)
        return made.put(self._look.glyphs.more, self._look.styles.muted) if width > 0 else made

    def under(self, style: Style) -> Line:
        """The same line with a style laid over it."""
        made = Line(self._look)
        made._segments = [Segment(each.text, (each.style or _PLAIN) + style) for each in self._segments]
        made.width = self.width
        return made

    @property
    def text(self) -> str:
        """What it says."""
        return "".join(segment.text for segment in self._segments)

    def join(self, other: Line) -> Line:
        """Append another line."""
        self._segments.extend(other._segments)
        self.width += other.width
        return self

    def strip(self, width: int, base: Style | None = None) -> Strip:
        """The line in exactly ``width`` cells; ``base`` is laid under its whole width."""
        strip = Strip(self._segments, self.width).adjust_cell_length(width)
        return strip.apply_style(base) if base is not None else strip
