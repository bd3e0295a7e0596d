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

from metrics.memory_state import MemoryVerdict
from metrics.snapshot import Status


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


@dataclass(frozen=True, slots=True)
class Skin:
    """The colours of a theme, as ``#rrggbb``. ``tints`` are the grounds of banners: good, warn, bad."""

    name: str
    help: str
    dark: bool
    ground: str
    raised: str
    rule: str
    text: str
    muted: str
    accent: str
    good: str
    warn: str
    bad: str
    blocked: str
    selected: str
    tints: tuple[str, str, str]

    @property
    def theme(self) -> Theme:
        """The colours of everything that is not drawn by a view."""
        return Theme(
            name=f"monitor-{self.name}",
            primary=self.accent,
            secondary=self.muted,
            accent=self.accent,
            warning=self.warn,
            error=self.bad,
            success=self.good,
            foreground=self.text,
            background=self.ground,
            surface=self.raised,
            panel=self.raised,
            dark=self.dark,
            variables={
                "border": self.rule,
                "border-blurred": self.rule,
                "block-cursor-background": self.selected,
                "block-cursor-foreground": self.text,
                "input-selection-background": self.selected,
                "scrollbar": self.rule,
                "scrollbar-background": self.ground,
                "scrollbar-corner-color": self.ground,
            },
        )

    @property
    def palette(self) -> Palette:
        """The styles of the views."""
        good, warn, bad = self.tints
        return Palette(
            text=Style.parse(self.text),
            strong=Style.parse(f"bold {self.text}"),
            muted=Style.parse(self.muted),
            accent=Style.parse(self.accent),
            title=Style.parse(f"bold {self.accent}"),
            good=Style.parse(self.good),
            warn=Style.parse(self.warn),
            bad=Style.parse(self.bad),
            blocked=Style.parse(self.blocked),
            rule=Style.parse(self.rule),
            # Bold and reverse stay visible where colours are switched off.
            selected=Style.parse(f"bold {self.text} on {self.selected}"),
            selected_plain=Style.parse("bold reverse"),
            good_banner=Style.parse(f"{self.good} on {good}"),
            warn_banner=Style.parse(f"{self.warn} on {warn}"),
            bad_banner=Style.parse(f"{self.bad} on {bad}"),
        )


DARK: Final = Skin(
    "dark", "light on dark", True,
    ground="#0f141b", raised="#1a222d", rule="#33404f", text="#e6edf3", muted="#93a1b3", accent="#5cb3ff",
    good="#5fd38d", warn="#f0c75e", bad="#ff8178", blocked="#f0a35e", selected="#22354a",
    tints=("#12301f", "#352b10", "#3d1719"),
)  # fmt: skip
LIGHT: Final = Skin(
    "light", "dark on light", False,
    ground="#ffffff", raised="#eef1f5", rule="#c3ccd6", text="#1b2430", muted="#515c6b", accent="#0a56b4",
    good="#12642f", warn="#735000", bad="#ad1f18", blocked="#8a3f00", selected="#d4e5fa",
    tints=("#def3e6", "#fbefd0", "#fde3e1"),
)  # fmt: skip
# Blue, yellow and orange with unlike lightness: told apart with any kind of colour vision.
SAFE: Final = Skin(
    "safe", "for every kind of colour vision", True,
    ground="#0f141b", raised="#1a222d", rule="#33404f", text="#e6edf3", muted="#93a1b3", accent="#b9c6ff",
    good="#56b4e9", warn="#f0e442", bad="#f58a4b", blocked="#d7a6d9", selected="#22354a",
    tints=("#0f2a3a", "#33300c", "#3b2010"),
)  # fmt: skip

SKINS: Final = {skin.name: skin for skin in (DARK, LIGHT, SAFE)}
"""The themes; the first one is taken where none is asked for."""

PALETTES: Final = {name: skin.palette for name, skin in SKINS.items()}
STYLES: Final = PALETTES["dark"]


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
    yes: str
    no: str
    arrow: str
    play: str
    stop: str
    span: str
    tick: str
    up: str
    down: str
    flat: str


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
    yes="✓",
    no="✗",
    arrow="→",
    play="▶",
    stop="‖",
    span="█",
    tick="┴",
    up="↑",
    down="↓",
    flat="→",
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
    yes="y",
    no="N",
    arrow=">",
    play=">",
    stop="=",
    span="#",
    tick="+",
    up="^",
    down="v",
    flat="-",
)


@dataclass(frozen=True, slots=True)
class Look:
    """Everything a view needs besides the snapshot and its room. ``read_only`` as started. Without
    ``motion`` nothing moves that is not a figure."""

    glyphs: Glyphs = UNICODE
    styles: Palette = STYLES
    ascii: bool = False
    colour: bool = True
    read_only: bool = False
    motion: bool = True

    @classmethod
    def of(
        cls, *, ascii: bool, colour: bool, read_only: bool, theme: str = "dark", motion: bool = True
    ) -> Look:
        """The look for a terminal that shows only ASCII, or no colours."""
        return cls(ASCII if ascii else UNICODE, PALETTES[theme], ascii, colour, read_only, motion)

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
