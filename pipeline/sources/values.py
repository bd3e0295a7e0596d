"""Records out of Python itself: a generator, or anything else that can be iterated."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar, cast

from pipeline.batch import Chunk, Decode
from pipeline.errors import ConfigurationError, InputError
from pipeline.ids import Ids
from pipeline.schema import dict_decoder, json_decoder, shorten
from pipeline.sources.base import PartitionSpec, Source

Pairs = Iterable[tuple[int, Any]]
Factory = Callable[..., Pairs]

_AT_ONCE = 1000


def values(pairs: Pairs | Factory, *, name: str | None = None) -> Values:
    """Records that Python code makes, as one partition named ``values``.

    ``pairs`` gives ``(offset, value)``: offsets are whole numbers from 0 that rise, gaps are allowed.
    It is either a function that gives them (a generator function: it can be run again) or
    something to iterate. A function with a parameter ``start`` is called with the first offset that is
    wanted, so that it need not make what is passed over; any other is passed over here.

    With a schema, a value that is an instance of it stays as it is, text is read as JSON, and a dict is
    converted.
    """
    if not callable(pairs) and not isinstance(pairs, Iterable):
        raise ConfigurationError(
            f"values({shorten(repr(pairs))}): give a generator function or an iterable of (offset, value) "
            f"pairs, not {type(pairs).__name__}"
        )
    return Values(pairs, name or _name_of(pairs))


class Values(Source):
    """Made by :func:`values`."""

    blocking: ClassVar[bool] = True

    def __init__(self, pairs: Pairs | Factory, name: str) -> None:
        self.name = name
        self._pairs = pairs
        self._used = False

    @property
    def repeats(self) -> bool:
        """Only a function that can be told where to start says that it gives the same again."""
        try:
            return callable(self._pairs) and "start" in inspect.signature(self._pairs).parameters
        except (TypeError, ValueError):
            return False

    def check(self) -> None:
        if not callable(self._pairs):
            return
        try:
            parameters = inspect.signature(self._pairs).parameters
        except (TypeError, ValueError):
            return
        needed = [
            p.name
            for p in parameters.values()
            if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and p.name != "start"
        ]
        if needed:
            raise ConfigurationError(
                f"values({self.name}): the function needs {', '.join(needed)}, but is called with nothing "
                f"or with start alone; use functools.partial to give it the rest"
            )

    def partitions(self) -> Sequence[PartitionSpec]:
        total = len(self._pairs) if isinstance(self._pairs, Sequence) else None
        return [PartitionSpec("values", total)]

    def decoder(self, partition: str, schema: type | None) -> Decode:  # noqa: ARG002 - there is only one
        return iter if schema is None else partial(map, _converter(schema))

    def read(
        self,
        partition: str,
        start: int,
        schema: type | None,
    ) -> Iterator[Chunk]:
        decode = self.decoder(partition, schema)
        source = self._iterate(start)
        at_once = (
            _AT_ONCE if isinstance(self._pairs, Sequence) else 1
        )  # a generator may wait for its next value
        last: int | None = None
        offsets: list[int] = []
        items: list[Any] = []
        try:
            while True:
                try:
                    pair = next(source)
                except StopIteration:
                    break
                except Exception as exc:
                    raise InputError(f"{self._after(last)}: it raised {type(exc).__name__}: {exc}") from exc
                offset, value = self._unpack(pair, last)
                last = offset
                if offset < start:
                    continue
                offsets.append(offset)
                items.append(value)
                if len(items) >= at_once:
                    yield _chunk(offsets, items, decode)
                    offsets, items = [], []
        except InputError:
            if items:
                yield _chunk(offsets, items, decode)
            raise
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()
        if items:
            yield _chunk(offsets, items, decode)

    def _iterate(self, start: int) -> Iterator[object]:
        pairs = self._pairs
        if not callable(pairs):
            source = iter(pairs)
            if source is pairs and self._used:
                raise ConfigurationError(
                    f"values({self.name}) was read before and cannot be read again; give the function, not "
                    f"the generator that it returned"
                )
            self._used = True
            return source
        try:
            made = pairs(start=start) if _takes_start(pairs) else pairs()
        except Exception as exc:
            raise InputError(f"values({self.name}): it raised {type(exc).__name__}: {exc}") from exc
        if not isinstance(made, Iterable):
            raise InputError(
                f"values({self.name}): the function returned {shorten(repr(made))} ({type(made).__name__}), "
                f"not something to iterate; yield (offset, value) pairs"
            )
        return iter(made)

    def _unpack(self, pair: object, last: int | None) -> tuple[int, object]:
        if not isinstance(pair, tuple) or len(pair) != 2:
            what = f"a tuple of {len(pair)}" if isinstance(pair, tuple) else type(pair).__name__
            raise InputError(
                f"{self._after(last)}: expected an (offset, value) pair, got {shorten(repr(pair))} ({what}); "
                f"yield pairs, as enumerate(...) does"
            )
        offset, value = pair
        if not isinstance(offset, int) or isinstance(offset, bool) or offset < 0:
            raise InputError(
                f"{self._after(last)}: an offset is a whole number from 0, got {shorten(repr(offset))} "
                f"({type(offset).__name__})"
            )
        if last is not None and offset <= last:
            raise InputError(f"{self._after(last)}: offsets must rise, got {offset} after {last}")
        return offset, value

    def _after(self, last: int | None) -> str:
        return f"values({self.name}), " + ("at the first record" if last is None else f"after offset {last}")


def _chunk(offsets: list[int], items: list[Any], decode: Decode) -> Chunk:
    return Chunk(Ids.of(offsets), items, sum(map(_size, items)), decode)


def _size(value: object) -> int:
    return len(value) if isinstance(value, (str, bytes)) else sys.getsizeof(value)


def _converter(schema: type) -> Callable[[Any], Any]:
    from_json, from_dict = json_decoder(schema), dict_decoder(schema)

    def convert(value: Any) -> Any:
        if isinstance(schema, type) and isinstance(value, schema):
            return value
        return from_json(value) if isinstance(value, (bytes, str)) else from_dict(value)

    return convert


def _takes_start(function: Factory) -> bool:
    try:
        return "start" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def _name_of(pairs: object) -> str:
    target = pairs.func if isinstance(pairs, partial) else pairs
    name = getattr(target, "__name__", "values")
    return "values" if "<" in name else cast("str", name)
