"""Who gets which room on the screen: pure arithmetic, so that every size can be tested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tui.views.summary import SMALLEST

FULL = (80, 20)
"""From this size on, panels; below it the summary in one column."""

Mode = Literal["full", "summary", "card"]


@dataclass(frozen=True, slots=True)
class Plan:
    """Outer heights of the panels in lines; 0 is not shown. Each panel's first line is its title.

    ``gap`` is the number of blank lines above each panel, beyond its height.
    """

    mode: Mode
    verdict: int = 0
    board: int = 0
    figures: int = 0
    events: int = 0
    rate_chart: bool = False
    gap: int = 0
    above: int = 0
    view: str = "home"
    maximised: str | None = None


def plan(
    width: int,
    height: int,
    stages: int,
    verdict: int,
    above: int = 0,
    view: str = "home",
    maximised: str | None = None,
) -> Plan:
    """The room of each panel. ``verdict`` is how many lines the final verdict would like, 0 before it;
    ``above`` is the number of banners. ``maximised`` is the panel that has all the room, if one has.

    Two lines are the header's, one the tabs' and one the footer's. The board shows every stage if it can;
    the figures keep all five lines; events get what is left, or nothing where that is too little.
    """
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return Plan("card", above=above, view=view)
    if width < FULL[0] or height < FULL[1]:
        return Plan("summary", above=above, view=view)
    room = max(9, height - 4 - above)
    if maximised is not None:
        of = "figures" if maximised in ("metrics", "rates", "memory") else maximised
        heights = {"board": 0, "figures": 0, "events": 0, of: room}
        return Plan(
            "full",
            0,
            heights["board"],
            heights["figures"],
            heights["events"],
            True,
            0,
            above,
            view,
            maximised,
        )
    # A title and five figures; more where the screen is tall, for an open tree and a better chart.
    figures = 6 if height < 24 else min(max(7, room * 3 // 10), 12)
    board = 2 + max(1, stages)
    verdict = min(verdict, max(2, room - figures - min(board, 6)))
    board = min(board, max(3, room - figures - verdict))
    left = room - figures - board - verdict
    if left < 3:
        return Plan("full", verdict, board, figures + left, 0, width >= 110, 0, above, view)
    gap = int(left >= 13)
    return Plan("full", verdict, board, figures, left - 3 * gap, width >= 110, gap, above, view)
