"""Dead letters sent again from a screen, when the run that has them is over and the screen is still up."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from pipeline.clock import Clock
from pipeline.engine import Options
from pipeline.errors import ConfigurationError
from pipeline.pipeline import Pipeline
from pipeline.threads import spawn
from run import loader
from run.dlq import sending
from run.live import Resent
from run.lock import exclusive, place
from run.narrator import say
from run.session import Session
from run.state import existing_store


class Resending:
    """Sends them in a thread of its own, one order at a time. Safe to use from any thread.

    As ``dlq replay`` does: the file is loaded anew, so that it is the mended code that they go through, and
    those that come through leave the list in one commit with their rows. If the process ends meanwhile,
    nothing has happened.
    """

    def __init__(
        self,
        target: str,
        pipeline: Pipeline,
        state: Path | None,
        options: Options,
        drain_timeout: float,
        clock: Clock | None = None,
    ) -> None:
        """``pipeline`` is that of the run: while the screen is up, this process has the lock for it."""
        self._target = target
        self._held = place(pipeline, state)
        self._state = state
        self._options = Options(batch_size=options.batch_size, workers=options.workers, seed=options.seed)
        self._drain_timeout = drain_timeout
        self._clock = clock
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._over.set()
        self._session: Session | None = None
        self.resent: Resent | None = None
        """How the last order stands; None before the first."""
        self.said: list[str] = []
        """What became of each order, for whoever reads it after the screen."""

    def begin(self, ids: Sequence[str]) -> None:
        """Send these again, without any all of them. Raises ConfigurationError while others are under way."""
        with self._lock:
            if not self._over.is_set():
                raise ConfigurationError("dead letters are being sent again already")
            self._over.clear()
            number = self.resent.number + 1 if self.resent is not None else 1
            self.resent = Resent(number, under_way=True, sound=True, text="Sending dead letters again.")
        spawn("dead letters", lambda: self._run(number, tuple(ids)))

    def finish(self) -> None:
        """The screen is gone: wait for what is under way, and say what became of everything."""
        if not self._over.is_set():
            say("Waiting for the dead letters that are sent again.")
            if not self._over.wait(self._drain_timeout) and self._session is not None:
                self._session.abort()
                self._over.wait(self._drain_timeout)
        for text in self.said:
            say(text)

    def wait(self, seconds: float) -> bool:
        """Wait for the order under way, so long at most; tell whether it is over."""
        return self._over.wait(seconds)

    def _run(self, number: int, ids: tuple[str, ...]) -> None:
        try:
            sound, text = self._send(ids)
        except ConfigurationError as error:
            sound, text = False, f"Nothing was sent: {error}"
        except Exception as error:  # noqa: BLE001 - the screen is not to suffer from it
            sound, text = False, f"Sending dead letters again failed: {type(error).__name__}: {error}"
        self.said.append(text)
        # A traceback has no room on a screen.
        self.resent = Resent(number, under_way=False, sound=sound, text=text.split("\n")[0])
        self._session = None
        self._over.set()

    def _send(self, ids: tuple[str, ...]) -> tuple[bool, str]:
        pipeline = loader.load(self._target)
        pipeline.validate()
        store = existing_store(pipeline, self._state)
        with self._exclusive(pipeline):
            replay = sending.prepared(pipeline, store, ids)
            if replay is None:
                return True, "There are no dead letters to replay."
            session = Session(
                pipeline,
                self._options,
                store=store,
                drain_timeout=self._drain_timeout,
                replay=replay,
                clock=self._clock,
            )
            self._session = session
            session.start()
            session.wait()
        last = session.report().snapshot
        if last.problem is not None:
            return False, f"The replay failed, and the dead letters are as they were: {last.problem}"
        told = " ".join(sending.told(replay))
        if last.status == "unhealthy":
            return False, f"{told} {'; '.join(last.reasons)}"
        return True, told

    def _exclusive(self, pipeline: Pipeline) -> AbstractContextManager[None]:
        # The mended file may write to another place, for which the run had no lock.
        if place(pipeline, self._state) == self._held:
            return nullcontext()
        return exclusive(pipeline, self._state)
