"""The command palette: every action of the table, by name."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.actions import ACTIONS


class ActionProvider(Provider):
    """Finds actions by their title."""

    async def discover(self) -> Hits:
        for action in ACTIONS:
            if action.id != "app.commands":
                yield DiscoveryHit(
                    f"{action.title}  ({action.shown})", partial(self._do, action.action), help=action.help
                )

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for action in ACTIONS:
            score = matcher.match(action.title)
            if score > 0 and action.id != "app.commands":
                yield Hit(
                    score, matcher.highlight(action.title), partial(self._do, action.action), help=action.help
                )

    async def _do(self, action: str) -> None:
        await self.app.run_action(action, self.app)
