"""Trying a failed record again."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.clock import Clock
from pipeline.control import Control
from pipeline.errors import ConfigurationError, Reject

FINAL = (Reject, MemoryError)
"""Another try would not help: a verdict, and an exception that says nothing about the record."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and when a stage tries a record again.

    ``attempts`` counts the first one too. The n-th wait is ``first * factor**(n-1)`` seconds, at most
    ``cap``, of which a random share of up to ``jitter`` is left out so that workers do not knock in step.
    ``on`` names the exceptions worth another try; ``Reject`` and ``MemoryError`` never are.

    A record that waits holds its batch, so that the function sees the records in order. With ``aside`` it
    steps aside: the others of its batch go on, and it is tried again behind them. Either way the
    batch goes on as a whole, and its records come out in the order in which they were read.
    """

    attempts: int = 3
    on: type[Exception] | tuple[type[Exception], ...] = Exception
    first: float = 0.1
    factor: float = 2.0
    cap: float = 10.0
    jitter: float = 0.5
    aside: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.attempts, int):
            raise ConfigurationError(f"Retry(attempts={self.attempts!r}): must be a whole number")
        for argument in ("first", "factor", "cap", "jitter"):
            value = getattr(self, argument)
            if not isinstance(value, (int, float)):
                raise ConfigurationError(f"Retry({argument}={value!r}): must be a number")
        if not isinstance(self.aside, bool):
            raise ConfigurationError(f"Retry(aside={self.aside!r}): must be True or False")
        kinds = self.on if isinstance(self.on, tuple) else (self.on,)
        if not kinds or not all(isinstance(kind, type) and issubclass(kind, Exception) for kind in kinds):
            raise ConfigurationError(f"Retry(on={self.on!r}): must be an exception class, or a tuple of them")
        if self.attempts < 1:
            raise ConfigurationError(f"Retry(attempts={self.attempts}): must be 1 or more")
        if self.first < 0 or self.cap < 0 or self.factor < 1:
            raise ConfigurationError(
                f"Retry(first={self.first}, factor={self.factor}, cap={self.cap}): "
                "waits must not be negative, and factor must be 1 or more"
            )
        if not 0 <= self.jitter <= 1:
            raise ConfigurationError(f"Retry(jitter={self.jitter}): must be between 0 and 1")

    def wait(self, failures: int, chance: random.Random) -> float:
        """Seconds to wait after so many failures (1 or more)."""
        full = min(self.cap, self.first * self.factor ** (failures - 1))
        return full * (1 - self.jitter * chance.random())


class Retrier:
    """Carries out a :class:`Retry`; one for each stage, used by all its workers.

    While the run is paused, a wait stands still. A drain ends it at once, and the next try is the
    last one; an abort or a failure ends it at once, and the record fails with its last exception.
    """

    def __init__(self, retry: Retry, clock: Clock, control: Control, seed: int) -> None:
        self.aside = retry.aside
        self._retry = retry
        self._clock = clock
        self._control = control
        self._chance = random.Random(seed)
        self._made = threading.local()

    @property
    def attempts_made(self) -> int:
        """How often this thread's last record was tried."""
        return getattr(self._made, "attempts", 1)

    def note(self, attempts: int) -> None:
        """This thread tries a record for the ``attempts``-th time."""
        self._made.attempts = attempts

    def now(self) -> float:
        """The time in seconds, on the clock of :meth:`rest`."""
        return self._clock.monotonic()

    def wait_after(self, error: Exception, attempts: int) -> float | None:
        """Seconds until the next try, after so many; None where there is to be none."""
        if isinstance(error, FINAL) or not isinstance(error, self._retry.on):
            return None
        return self._retry.wait(attempts, self._chance) if attempts < self._retry.attempts else None

    def rest(self, seconds: float) -> Literal["drain", "stop"] | None:
        """Wait so long; tells by what the wait was cut short."""
        return self._control.rest(self._clock, seconds)

    def wrap(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The function, tried again on failure."""

        def attempt(value: Any) -> Any:
            attempts = 0
            interrupted = None
            while True:
                attempts += 1
                self.note(attempts)
                try:
                    return function(value)
                except Exception as error:
                    wait = None if interrupted else self.wait_after(error, attempts)
                    if wait is None:
                        raise
                    interrupted = self.rest(wait)
                    if interrupted == "stop":
                        raise

        return attempt
