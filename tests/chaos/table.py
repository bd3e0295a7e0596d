"""A line of the table of trials."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Trials:
    """What came out of many trials of one kind. ``wrong`` explains each that failed."""

    name: str
    must_hold: str
    count: int = 0
    wrong: list[str] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    """What happened how often, such as ``records lost`` or ``killed in committed``."""
    slowest_s: float = 0.0
    """The longest time from a restart to the first stored progress."""
    remark: str = ""

    def note(self, what: str, times: int = 1) -> None:
        self.notes[what] += times

    @property
    def holds(self) -> bool:
        return self.count > 0 and not self.wrong

    def row(self) -> str:
        """The line in Markdown."""
        found = "all held" if self.holds else f"**{len(self.wrong)} failed**: {self.wrong[0]:.120}"
        return f"| {self.name} | {self.count:,} | {self.must_hold} | {found}{self.remark} |"


HEAD = "| trial | count | must hold | measured |\n|---|---|---|---|"
