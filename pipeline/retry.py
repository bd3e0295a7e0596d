"""Trying a failed record again."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.clock import Clock
from pipeline.errors import ConfigurationError, Reject

FINAL = (Reject, MemoryError)
"""Another try would not help: a verdict, and an exception that says nothing about the record."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and when a stage tries a record again.

    ``attempts`` counts the first one too. The n-th wait is ``first * factor**(n-1)`` seconds, at most
    ``cap``, of which a random share of up to ``jitter`` is left out so that workers do not knock in step.
    ``on`` names the exceptions worth another try; ``Reject`` and ``MemoryError`` never are.
    """

    attempts: int = 3
    on: type[Exception] | tuple[type[Exception], ...] = Exception
    first: float = 0.1
    factor: float = 2.0
    cap: float = 10.0
    jitter: float = 0.5

    def __post_init__(self) -> None:
        if not isinstance(self.attempts, int):
            raise ConfigurationError(f"Retry(attempts={self.attempts!r}): must be a whole number")
        for argument in ("first", "factor", "cap", "jitter"):
            value = getattr(self, argument)
            if not isinstance(value, (int, float)):
                raise ConfigurationError(f"Retry({argument}={value!r}): must be a number")
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

    A wait ends at once when ``stop`` is set: the record then fails with its last exception.
    """

    def __init__(self, retry: Retry, clock: Clock, stop: threading.Event, seed: int) -> None:
        self._retry = retry
        self._clock = clock
        self._stop = stop
        self._chance = random.Random(seed)
        self._made = threading.local()

    @property
    def attempts_made(self) -> int:
        """How often this thread's last record was tried."""
        return getattr(self._made, "attempts", 1)

    def wrap(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The function, tried again on failure."""

        def attempt(value: Any) -> Any:
            attempts = 0
            while True:
                attempts += 1
                self._made.attempts = attempts
                try:
                    return function(value)
                except FINAL:
                    raise
                except self._retry.on:
                    if attempts >= self._retry.attempts:
                        raise
                    pause = self._retry.wait(attempts, self._chance)
                    if self._clock.sleep(self._stop, pause):
                        raise

        return attempt
