"""What a view is: a scene in, a page out. A page is lines, some of which the cursor can stand on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from metrics.snapshot import Snapshot
from run.live import LetterLine, Playhead, Power
from tui.look import Look
from tui.text import Line


@dataclass(frozen=True, slots=True)
class Ask:
    """What the user wants to see of a view. ``sort`` is the number of a column, 0 the view's own order;
    ``opened`` are keys of rows whose insides are shown; ``stage`` is the stage that was chosen."""

    filter: str = ""
    sort: int = 0
    reverse: bool = False
    cursor: str | None = None
    opened: frozenset[str] = frozenset()
    stage: str | None = None
    follow: str | None = None


@dataclass(frozen=True, slots=True)
class Letters:
    """Dead letters as far as they were asked for; ``problem`` says why there are none."""

    lines: tuple[LetterLine, ...] = ()
    more: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """A line of the settings; ``changes`` tells whether enter does anything."""

    id: str
    title: str
    value: str
    help: str
    changes: bool = True


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that a view draws from. ``width`` and ``height`` are in cells."""

    snapshot: Snapshot
    width: int
    height: int
    look: Look
    ask: Ask = field(default_factory=Ask)
    powers: frozenset[Power] = frozenset()
    letters: Letters = field(default_factory=Letters)
    playhead: Playhead | None = None
    settings: tuple[Setting, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a page. The cursor stands on rows with a ``key``; ``text`` is what is copied and filtered."""

    line: Line
    key: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """``head`` stays when ``rows`` scroll. ``table`` is the page as CSV: a heading, then the lines."""

    head: tuple[Line, ...]
    rows: tuple[Row, ...]
    table: tuple[tuple[str, ...], ...] = ()

    @property
    def keys(self) -> list[str]:
        """The rows that the cursor can stand on, in their order."""
        return [row.key for row in self.rows if row.key is not None]


@dataclass(frozen=True, slots=True)
class View:
    """One of the screen's views. ``columns`` names what it can be sorted by. ``reading`` explains it to
    who asks for help: pairs of a word and its meaning."""

    id: str
    title: str
    draw: Callable[[Scene], Page]
    columns: tuple[str, ...] = ()
    reading: tuple[tuple[str, str], ...] = ()
    filters: bool = True


def matches(text: str, wanted: str) -> bool:
    """Whether a text holds what a filter asks for, without regard to case; words may stand apart."""
    low = text.casefold()
    return all(word in low for word in wanted.casefold().split())


def line(look: Look, text: str = "", tone: str = "text") -> Line:
    """A line of one text; ``tone`` is the name of a style."""
    return Line(look).put(text, getattr(look.styles, tone))


def note(look: Look, text: str, tone: str = "muted") -> Row:
    """A row that says something."""
    return Row(line(look, f" {text}", tone))


def heading(look: Look, text: str, more: str = "") -> Row:
    """A row that begins a part of the page."""
    made = Line(look).put(f" {text}", look.styles.title)
    return Row(made.put(f"  {more}", look.styles.muted) if more else made)


def blank(look: Look) -> Row:
    """An empty row."""
    return Row(Line(look))


def beside(left: Sequence[Row], right: Sequence[Row], split: int, look: Look) -> list[Row]:
    """Two columns of rows, the second from cell ``split`` on; what is longer is cut."""
    rows = []
    for number in range(max(len(left), len(right))):
        made = Line(look)
        key = None
        if number < len(left):
            made.join(left[number].line.cut(split - 1))
            key = left[number].key
        made.gap(split - made.width)
        if number < len(right):
            made.join(right[number].line)
            key = key or right[number].key
        rows.append(Row(made, key))
    return rows
