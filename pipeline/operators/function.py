"""A stage that is a function of one record: the hot loop of the product.

One ``map`` over the values runs in C but for the function itself. A record that raises is
noted by its position, and the same iterator goes on with the next one, so that errors
cost only the records that have them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import GeneratorType
from typing import Any

from pipeline.batch import Originals, Rejection
from pipeline.errors import Reject, StageError
from pipeline.ids import Id, Ids
from pipeline.operators.aside import run_aside
from pipeline.operators.base import (
    FATAL,
    Bad,
    Outcome,
    children,
    describe,
    is_special,
    letter,
    rejections,
)
from pipeline.retry import Retrier


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
        self.aside = retrier is not None and retrier.aside
        """Whether a record that is to be tried again lets the others of its batch go on."""
        self.function = function
        self.call = function if retrier is None or self.aside else retrier.wrap(function)
        self._retrier = retrier
        self.on_error = on_error

    def calling(self, function: Callable[[Any], Any]) -> FunctionOperator:
        """The same stage with another function."""
        return FunctionOperator(self.name, function, self.on_error, self._retrier)

    def apply(self, ids: Ids, values: list[Any], originals: Originals | None) -> Outcome:
        """One outcome for each value: a value, None (filtered), a list (children) or a failure."""
        given = ids

        def failure(position: int, error: Exception) -> Bad:
            return self.failure(position, error, given)

        if self._retrier is not None and self.aside:
            results, bad = run_aside(self.call, values, self._retrier, failure)
        else:
            results, bad = run_each(map(self.call, values), len(values), failure)
        letters: list[Rejection] = []
        if bad:
            letters = rejections(self.name, ids, values, bad, originals)
            gone = {item.position for item in bad}
            ids = ids.without(sorted(gone))
            values = [value for position, value in enumerate(values) if position not in gone]
        if not any(map(is_special, set(map(type, results)))):
            return Outcome(ids, results, rejected=letters)
        outcome = self.sort_out(ids, results, values, originals)
        outcome.rejected = letters + outcome.rejected
        return outcome

    def failure(self, position: int, error: Exception, ids: Ids) -> Bad:
        """The failure of the record at a position of ``ids``, in words; raises where none is allowed."""
        attempts = self._retrier.attempts_made if self._retrier is not None else 1
        if isinstance(error, Reject):
            return Bad(position, error.reason, None, attempts)
        if self.on_error == "fail":
            where = f"stage {self.name!r} failed on the record at offset {ids[position]}"
            raise StageError(f"{where}: {describe(error)[0]}") from error
        return Bad(position, *describe(error), attempts)

    def sort_out(
        self, ids: Ids, results: list[Any], values: list[Any], originals: Originals | None
    ) -> Outcome:
        """Results of which some are filtered, rejected by value, or have children.

        ``results`` and ``values``, which the function was given, are as many as ``ids``.
        """
        kept: list[Id] = []
        filtered: list[Id] = []
        outcome = Outcome(ids, [])
        for position, (id, given) in enumerate(zip(ids, results, strict=True)):
            result = self._unrolled(position, given, ids)
            if isinstance(result, Reject):
                result = Bad(position, result.reason)
            if isinstance(result, Bad):
                outcome.rejected.append(letter(self.name, id, values[position], result, originals))
            elif result is None or (type(result) is list and not result):
                filtered.append(id)
            elif type(result) is list:
                outcome.families.append((id, len(result)))
                outcome.created += len(result) - 1
                for child, one in children(id, result):
                    if one is None:
                        filtered.append(child)
                    elif isinstance(one, Reject):
                        bad = Bad(position, one.reason)
                        outcome.rejected.append(letter(self.name, child, values[position], bad, originals))
                    else:
                        kept.append(child)
                        outcome.values.append(one)
            else:
                kept.append(id)
                outcome.values.append(result)
        outcome.ids = Ids.named(kept)
        outcome.filtered = Ids.named(filtered)
        return outcome

    def _unrolled(self, position: int, result: Any, ids: Ids) -> Any:
        """A generator's values as a list; its failure is the record's."""
        if not isinstance(result, GeneratorType):
            return result
        try:
            return list(result)
        except FATAL:
            raise
        except Exception as error:  # noqa: BLE001 - a record's failure is the record's
            return self.failure(position, error, ids)


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
        except Exception as error:  # noqa: BLE001 - a record's failure is the record's
            bad.append(failure(len(good) + len(bad), error))
            continue
        position = len(good) + len(bad)
        if position >= expected:
            return good, bad
        # A function that raises StopIteration ends the iterator: that is this record's failure.
        bad.append(failure(position, RuntimeError("raised StopIteration")))
