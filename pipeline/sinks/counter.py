"""Values that are only counted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipeline.ids import Id, Ids
from pipeline.sinks.base import Sink


class CountSink(Sink):
    """Counts and keeps nothing."""

    waits = False

    def __init__(self) -> None:
        self.name = "count"
        self.rows = 0
        """How many values came since the run began."""

    def open(self) -> None:
        self.rows = 0

    def write(self, ids: Ids, payloads: list[Any]) -> Iterable[Id]:  # noqa: ARG002
        self.rows += len(ids)
        return ids


def count() -> CountSink:
    """Write nothing, count only."""
    return CountSink()
