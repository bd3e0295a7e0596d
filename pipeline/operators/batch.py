"""A stage that is a function of many values at once: a list, an Arrow table or a Polars frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from pipeline.batch import Originals, Rejection
from pipeline.errors import Reject, StageError
from pipeline.frames import is_frame, to_frame, to_rows
from pipeline.ids import Id, Ids
from pipeline.operators.base import FATAL, Bad, Outcome, children, describe, letter, rejections

Container = Literal["list", "arrow", "polars"]


class WrongCount(Exception):  # noqa: N818 - a verdict about a stage, kept out of the public tree
    """The function returned another number of values than it was given."""


class BatchOperator:
    """Applies a user's function to all values of a batch.

    The function returns as many outcomes as it was given, in order: values, None (filtered),
    ``Reject("why")``, or a list (children). Where it raises, the batch is halved until the records at
    fault are alone.
    """

    def __init__(
        self,
        name: str,
        function: Callable[[Any], Any],
        container: Container = "list",
        on_error: str = "reject",
    ) -> None:
        self.name = name
        self.function = function
        self.container = container
        self.on_error = on_error

    def calling(self, function: Callable[[Any], Any]) -> BatchOperator:
        """The same stage with another function."""
        return BatchOperator(self.name, function, self.container, self.on_error)

    def apply(self, ids: Ids, values: list[Any], originals: Originals | None) -> Outcome:
        """One outcome for each value, like :meth:`FunctionOperator.apply`."""
        outcomes = self._outcomes(values)
        kept: list[Id] = []
        kept_values: list[Any] = []
        filtered: list[Id] = []
        bad: list[Bad] = []
        families: list[tuple[Id, int]] = []
        unwanted: list[Rejection] = []
        created = 0
        for position, (id, result) in enumerate(zip(ids, outcomes, strict=True)):
            if isinstance(result, Bad):
                bad.append(Bad(position, result.reason, result.traceback))
            elif isinstance(result, Reject):
                bad.append(Bad(position, result.reason))
            elif result is None or (type(result) is list and not result):
                filtered.append(id)
            elif type(result) is list:
                families.append((id, len(result)))
                created += len(result) - 1
                for child, one in children(id, result):
                    if one is None:
                        filtered.append(child)
                    elif isinstance(one, Reject):
                        unwanted.append(
                            letter(self.name, child, values[position], Bad(0, one.reason), originals)
                        )
                    else:
                        kept.append(child)
                        kept_values.append(one)
            else:
                kept.append(id)
                kept_values.append(result)
        letters = [*rejections(self.name, ids, values, bad, originals), *unwanted]
        kept_ids = ids if len(kept) == ids.size and not families else Ids.named(kept)
        return Outcome(kept_ids, kept_values, Ids.named(filtered), letters, families, created)

    def _outcomes(self, values: list[Any]) -> Sequence[Any]:
        if not values:
            return []
        try:
            return self._call(values)
        except FATAL:
            raise
        except Exception as error:
            if self.on_error == "fail":
                raise StageError(f"stage {self.name!r} failed: {describe(error)[0]}") from error
            if isinstance(error, WrongCount):
                return [Bad(0, str(error))] * len(values)
            if len(values) == 1:
                if isinstance(error, Reject):
                    return [error]
                return [Bad(0, *describe(error))]
        middle = len(values) // 2
        return [*self._outcomes(values[:middle]), *self._outcomes(values[middle:])]

    def _call(self, values: list[Any]) -> Sequence[Any]:
        # A copy, for the function may do with its list what it likes.
        given = list(values) if self.container == "list" else to_frame(values, self.container)
        returned = self.function(given)
        if is_frame(returned):
            outcomes: Sequence[Any] = to_rows(returned)
        elif isinstance(returned, (list, tuple)):
            outcomes = returned
        elif hasattr(returned, "__iter__") and not isinstance(returned, (str, bytes, dict)):
            outcomes = list(returned)
        else:
            raise WrongCount(
                f"batch stage {self.name!r} returned {type(returned).__name__} "
                f"for {len(values)} values; return one outcome for each, in a list"
            )
        if len(outcomes) != len(values):
            raise WrongCount(
                f"batch stage {self.name!r} returned {len(outcomes)} outcomes for {len(values)} values; "
                "return one for each, in order (None to filter, Reject('why') to reject)"
            )
        return outcomes
