"""How many rejected records a pipeline puts up with before it stops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pipeline.batch import Rejection
from pipeline.errors import ConfigurationError, StageError
from pipeline.ledger_books import Counts

JUDGED_FROM = 100
"""A share says nothing before so many records are settled."""

_REASONS_KEPT = 1_000
"""Reasons may quote the record, so that there is no end to them: the first so many are counted."""


class RejectionLimit:
    """Counts what is rejected, with the reasons, and ends the run when it is too much."""

    def __init__(self, limit: float) -> None:
        """A whole number is a count; a float from 0.0 to 1.0 is a share of the settled records."""
        self._limit = limit
        self._reasons: Counter[tuple[str, str]] = Counter()

    def count(self, letters: Iterable[Rejection]) -> None:
        """Take note of rejected records."""
        for letter in letters:
            reason = (letter.stage, letter.reason)
            if reason in self._reasons or len(self._reasons) < _REASONS_KEPT:
                self._reasons[reason] += 1

    def check(self, counts: Counts, resumed: int) -> None:
        """Raise :class:`~pipeline.errors.StageError` where it is too much.

        ``resumed`` are of earlier runs.
        """
        settled = counts.delivered + counts.filtered + counts.rejected
        if isinstance(self._limit, int):
            exceeded = counts.rejected > self._limit
            allowed = f"max_rejected={self._limit:,}"
        else:
            exceeded = settled >= JUDGED_FROM and counts.rejected > self._limit * settled
            allowed = f"max_rejected={self._limit:g} ({self._limit:.2%})"
        if not exceeded:
            return
        earlier = f" ({resumed:,} of them in earlier runs)" if resumed else ""
        most = ""
        if self._reasons:
            (stage, reason), times = self._reasons.most_common(1)[0]
            most = f"; most often, {times:,} times, by {stage!r}: {reason}"
        raise StageError(
            f"{counts.rejected:,} of {settled:,} settled records were rejected{earlier}, "
            f"more than {allowed} allows{most}. Mend it and replay the dead letters, or allow more"
        )


def check_limit(where: str, limit: object) -> None:
    """Raise :class:`~pipeline.errors.ConfigurationError` where this is no limit."""
    if limit is None:
        return
    valid = (isinstance(limit, int) and not isinstance(limit, bool) and limit >= 0) or (
        isinstance(limit, float) and 0 <= limit <= 1
    )
    if not valid:
        raise ConfigurationError(
            f"{where}: max_rejected={limit!r}; it must be a count (a whole number, 0 or more) "
            "or a share (a float from 0.0 to 1.0)"
        )
