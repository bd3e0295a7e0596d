"""Keys that move a recording's time."""

from __future__ import annotations

from collections.abc import Callable

from tui.actions import find
from tui.desk import Desk
from tui.format import elapsed, when


class ReplayActions(Desk):
    """Time goes on, stops, and is gone to."""

    def _move(self, id: str, step: Callable[[], object]) -> None:
        if self.able(find(id)) and self.asked(step):
            self.tick()

    def action_frame(self, by: int) -> None:
        self._move("replay.forward" if by > 0 else "replay.back", lambda: self.live.step_frame(by))

    def action_speed(self, times: float) -> None:
        def change() -> None:
            head = self.live.playhead
            if head is not None:
                self.live.set_speed(head.speed * times)

        self._move("replay.faster" if times > 1 else "replay.slower", change)

    def action_mark(self, by: int) -> None:
        found = []
        id = "replay.next" if by > 0 else "replay.previous"
        if not self.able(find(id)) or not self.asked(lambda: found.append(self.live.seek_mark(by))):
            return
        mark = found[0]
        if mark is None:
            self.tell(f"No anomaly or fault {'after' if by > 0 else 'before'} this moment.")
        else:
            self.tell(f"{elapsed(mark.at_s)}: {mark.text}")
        self.tick()

    def toggle_playing(self) -> None:
        """Play, or stop."""
        head = self.live.playhead
        if head is not None:
            self._move("replay.forward", lambda: self.live.play(not head.playing))

    def go_to(self, text: str) -> None:
        """Go to a time as a user wrote it."""
        at = when(text)
        if at is None:
            self.tell(f"{text!r} is no time; write 90, 1:30 or 1:02:03.")
        else:
            self.seek_to(at)

    def seek_to(self, at_s: float) -> None:
        """Go to this second of the run."""
        self._move("replay.goto", lambda: self.live.seek(at_s))
