"""Containers of the user's that are watched while the pipeline runs: caches, above all."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class WatchedCache:
    """A container that somebody asked to be watched; ``stage`` is whose it is, None for nobody's.

    ``ref()`` gives the container, or None once it is gone. What Python cannot refer to weakly (a plain dict,
    a list) is kept alive as long as its pipeline.
    """

    name: str
    stage: str | None
    ref: Callable[[], Any]

    def length(self) -> int | None:
        """How many items it holds (a function with ``lru_cache``: results); None once it is gone."""
        held = self.ref()
        if held is None:
            return None
        info = getattr(held, "cache_info", None)
        return int(info().currsize) if info is not None else len(held)


def watched(held: object, name: str, stage: str | None) -> WatchedCache:
    """Raises :class:`~pipeline.errors.ConfigurationError` for what has no length."""
    where = f"watch_cache({name!r})"
    if not isinstance(name, str) or not name.strip():
        raise ConfigurationError(f"watch_cache(name={name!r}): give it a name")
    if held is None or not (hasattr(type(held), "__len__") or callable(getattr(held, "cache_info", None))):
        raise ConfigurationError(
            f"{where}: a {type(held).__name__} has no length; give a container, or a function with lru_cache"
        )
    try:
        return WatchedCache(name, stage, weakref.ref(held))
    except TypeError:
        return WatchedCache(name, stage, lambda: held)
