"""What the screen is drawn with: colours and glyphs, each named after what it means.

Every text colour keeps a contrast of at least 4.5:1 against the grounds it is shown on. No
meaning rests on colour alone: a word, a number or a glyph says the same, so that the screen
reads as well without colours and, with :data:`ASCII`, without Unicode.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rich.style import Style
from textual.theme import Theme

from metrics.snapshot import MemoryVerdict, Status

GROUND: Final = "#0f141b"
RAISED: Final = "#1a222d"
RULE: Final = "#33404f"
TEXT: Final = "#e6edf3"
MUTED: Final = "#93a1b3"
ACCENT: Final = "#5cb3ff"
GOOD: Final = "#5fd38d"
WARN: Final = "#f0c75e"
BAD: Final = "#ff8178"
BLOCKED: Final = "#f0a35e"
SELECTED: Final = "#22354a"
TINTS: Final = {GOOD: "#12301f", WARN: "#352b10", BAD: "#3d1719"}

THEME: Final = Theme(
    name="monitor",
    primary=ACCENT,
    secondary=MUTED,
    accent=ACCENT,
    warning=WARN,
    error=BAD,
    success=GOOD,
    foreground=TEXT,
    background=GROUND,
    surface=RAISED,
    panel=RAISED,
    dark=True,
    variables={
        "border": RULE,
        "border-blurred": RULE,
        "block-cursor-background": SELECTED,
        "block-cursor-foreground": TEXT,
        "scrollbar": RULE,
        "scrollbar-background": GROUND,
        "scrollbar-corner-color": GROUND,
    },
)

Tone = str
"""A name of a style in :class:`Palette`."""


@dataclass(frozen=True, slots=True)
class Palette:
    """The styles of texts and bars."""

    text: Style
    strong: Style
    muted: Style
    accent: Style
    title: Style
    good: Style
    warn: Style
    bad: Style
    blocked: Style
    rule: Style
    selected: Style
    selected_plain: Style
    good_banner: Style
    warn_banner: Style
    bad_banner: Style


STYLES: Final = Palette(
    text=Style.parse(TEXT),
    strong=Style.parse(f"bold {TEXT}"),
    muted=Style.parse(MUTED),
    accent=Style.parse(ACCENT),
    title=Style.parse(f"bold {ACCENT}"),
    good=Style.parse(GOOD),
    warn=Style.parse(WARN),
    bad=Style.parse(BAD),
    blocked=Style.parse(BLOCKED),
    rule=Style.parse(RULE),
    # Bold and reverse stay visible where colours are switched off.
    selected=Style.parse(f"bold {TEXT} on {SELECTED}"),
    selected_plain=Style.parse("bold reverse"),
    good_banner=Style.parse(f"{GOOD} on {TINTS[GOOD]}"),
    warn_banner=Style.parse(f"{WARN} on {TINTS[WARN]}"),
    bad_banner=Style.parse(f"{BAD} on {TINTS[BAD]}"),
)


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The signs; each is one cell wide."""

    healthy: str
    degraded: str
    failed: str
    interrupted: str
    bar: str
    bar_tip: str
    bar_rest: str
    fill: str
    fill_rest: str
    busy: str
    blocked: str
    idle: str
    mark: str
    open: str
    closed: str
    leaf: str
    branch: str
    last: str
    stem: str
    dot: str
    more: str
    times: str
    spark: str
    info: str
    warning: str
    error: str


UNICODE: Final = Glyphs(
    healthy="●",
    degraded="▲",
    failed="✖",
    interrupted="■",
    bar="━",
    bar_tip="╸",
    bar_rest="─",
    fill="▆",
    fill_rest="▁",
    busy="▆",
    blocked="▃",
    idle="▁",
    mark="▶",
    open="▾",
    closed="▸",
    leaf="─",
    branch="├",
    last="└",
    stem="│",
    dot="·",
    more="…",
    times="×",
    spark=" ▁▂▃▄▅▆▇█",
    info="·",
    warning="▲",
    error="✖",
)

ASCII: Final = Glyphs(
    healthy="*",
    degraded="!",
    failed="X",
    interrupted="#",
    bar="=",
    bar_tip=">",
    bar_rest="-",
    fill="#",
    fill_rest=".",
    busy="#",
    blocked="=",
    idle=".",
    mark=">",
    open="v",
    closed=">",
    leaf="-",
    branch="|",
    last="`",
    stem="|",
    dot="-",
    more="~",
    times="x",
    spark=" .:-=+*%@",
    info="-",
    warning="!",
    error="X",
)


@dataclass(frozen=True, slots=True)
class Look:
    """Everything a view needs besides the snapshot and its room. ``read_only`` and ``ascii`` as started."""

    glyphs: Glyphs = UNICODE
    styles: Palette = STYLES
    ascii: bool = False
    colour: bool = True
    read_only: bool = False

    @classmethod
    def of(cls, *, ascii: bool, colour: bool, read_only: bool) -> Look:
        """The look for a terminal that shows only ASCII, or no colours."""
        return cls(ASCII if ascii else UNICODE, STYLES, ascii, colour, read_only)

    @property
    def selected(self) -> Style:
        """The style of the line that the cursor is on."""
        return self.styles.selected if self.colour else self.styles.selected_plain

    def status(self, status: Status) -> tuple[str, Style]:
        """The glyph and the style of a status."""
        glyphs, styles = self.glyphs, self.styles
        return {
            "healthy": (glyphs.healthy, styles.good),
            "degraded": (glyphs.degraded, styles.warn),
            "unhealthy": (glyphs.failed, styles.bad),
            "failed": (glyphs.failed, styles.bad),
            "interrupted": (glyphs.interrupted, styles.warn),
        }[status]

    def banner(self, status: Status) -> Style:
        """The style of the final verdict's lines."""
        styles = self.styles
        return {
            "healthy": styles.good_banner,
            "degraded": styles.warn_banner,
            "interrupted": styles.warn_banner,
            "unhealthy": styles.bad_banner,
            "failed": styles.bad_banner,
        }[status]

    def memory(self, verdict: MemoryVerdict) -> Style:
        """The style of a verdict on memory."""
        styles = self.styles
        return {
            "stable": styles.good,
            "shrinking": styles.good,
            "warming": styles.text,
            "unknown": styles.muted,
            "growing": styles.bad,
        }[verdict]
