"""A stage that is a function of one record: the hot loop of the product.

One ``map`` over the values runs in C but for the function itself. A record that raises is
noted by its position, and the same iterator goes on with the next one, so that errors
cost only the records that have them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import GeneratorType, NoneType
from typing import Any

from pipeline.batch import Originals
from pipeline.errors import Reject, StageError
from pipeline.ids import Id, Ids
from pipeline.operators.base import FATAL, Bad, Outcome, describe, rejections
from pipeline.retry import Retrier

_SPECIAL = frozenset({NoneType, list, Reject, GeneratorType})


class FunctionOperator:
    """Applies a user's function to each record."""

    def __init__(
        self,
        name: str,
        function: Callable[[Any], Any],
        on_error: str = "reject",
        retrier: Retrier | None = None,
    ) -> None:
        self.name = name
        self.call = function if retrier is None else retrier.wrap(function)
        self._retrier = retrier
        self._on_error = on_error

    def apply(self, ids: Ids, values: list[Any], originals: Originals | None) -> Outcome:
        """One outcome for each value: a value, None (filtered), a list (children) or a failure."""
        results, bad = run_each(map(self.call, values), len(values), self.failure)
        if bad:
            kept_ids = ids.without([item.position for item in bad])
            letters = rejections(self.name, ids, values, bad, originals)
        else:
            kept_ids, letters = ids, []
        if _SPECIAL.isdisjoint(set(map(type, results))):
            return Outcome(kept_ids, results, rejected=letters)
        return self.sort_out(kept_ids, results, letters, values, ids, originals)

    def failure(self, position: int, error: Exception) -> Bad:
        """A record's failure in words; raises where this stage must not fail."""
        if isinstance(error, Reject):
            return Bad(position, error.reason, None, self._attempts())
        if self._on_error == "fail":
            raise StageError(f"stage {self.name!r} failed: {describe(error)[0]}") from error
        return Bad(position, *describe(error), self._attempts())

    def _attempts(self) -> int:
        return self._retrier.attempts_made if self._retrier is not None else 1

    def sort_out(
        self,
        ids: Ids,
        results: list[Any],
        letters: list[Any],
        values: list[Any],
        given: Ids,
        originals: Originals | None,
    ) -> Outcome:
        """The rare slices in which something was filtered, rejected by value, or has children."""
        kept: list[Id] = []
        kept_values: list[Any] = []
        filtered: list[Id] = []
        families: list[tuple[Id, int]] = []
        outcome = Outcome(ids, kept_values, rejected=letters)
        late: list[Bad] = []
        inputs = dict(zip(given, values, strict=True)) if GeneratorType in set(map(type, results)) else {}
        for position, (id, result) in enumerate(zip(ids, results, strict=True)):
            if isinstance(result, GeneratorType):
                try:
                    result = list(result)  # noqa: PLW2901
                except FATAL:
                    raise
                except Exception as error:
                    late.append(self.failure(position, error))
                    late_value = inputs.get(id)
                    outcome.rejected.extend(
                        rejections(self.name, Ids.named([id]), [late_value], [_first(late[-1])], originals)
                    )
                    continue
            if result is None or (isinstance(result, list) and not result):
                filtered.append(id)
            elif isinstance(result, list):
                families.append((id, len(result)))
                outcome.created += len(result) - 1
                for index, child in enumerate(result):
                    path = f"{id.path}.{index}" if id.path else str(index)
                    kept.append(Id(id.offset, path))
                    kept_values.append(child)
            elif isinstance(result, Reject):
                bad = [Bad(0, result.reason)]
                outcome.rejected.extend(rejections(self.name, Ids.named([id]), None, bad, originals))
            else:
                kept.append(id)
                kept_values.append(result)
        outcome.ids = Ids.named(kept)
        outcome.filtered = Ids.named(filtered)
        outcome.families = families
        return outcome


def _first(bad: Bad) -> Bad:
    return Bad(0, bad.reason, bad.traceback, bad.attempts)


def run_each(
    results: Iterator[Any], expected: int, failure: Callable[[int, Exception], Bad]
) -> tuple[list[Any], list[Bad]]:
    """Exhaust an iterator that may raise for single items and be continued.

    Returns the good results in order and the bad positions among ``expected`` items.
    """
    good: list[Any] = []
    bad: list[Bad] = []
    while True:
        try:
            # On an exception, what came before it stays in the list.
            good.extend(results)
        except FATAL:
            raise
        except Exception as error:
            bad.append(failure(len(good) + len(bad), error))
            continue
        position = len(good) + len(bad)
        if position >= expected:
            return good, bad
        # A function that raises StopIteration ends the iterator: that is this record's failure.
        bad.append(failure(position, RuntimeError("raised StopIteration")))
