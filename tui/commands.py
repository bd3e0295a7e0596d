"""The command palette: every action of the table, by name."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.actions import ACTIONS, Action
from tui.desk import Desk


class ActionProvider(Provider):
    """Finds actions by their title."""

    @property
    def _actions(self) -> tuple[Action, ...]:
        app = self.app
        actions = app.actions if isinstance(app, Desk) else ACTIONS
        # Moving within a list of commands is not a command.
        return tuple(each for each in actions if each.id != "app.commands" and each.group != "moving")

    async def discover(self) -> Hits:
        for action in self._actions:
            yield DiscoveryHit(
                f"{action.title}  ({action.shown})", partial(self._do, action.action), help=action.help
            )

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for action in self._actions:
            score = matcher.match(action.title)
            if score > 0:
                yield Hit(
                    score, matcher.highlight(action.title), partial(self._do, action.action), help=action.help
                )

    async def _do(self, action: str) -> None:
        await self.app.run_action(action, self.app)
