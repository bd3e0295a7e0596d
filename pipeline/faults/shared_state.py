"""State shared by records that should each have their own: what one record does shows in another.

What they change is a number of the record (its first one), or the record as a whole; records without a
number, or that cannot be changed, such as text, stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.faults.spec import Param, Value, Variant

_HEAD = """
def names(record):
    if isinstance(record, dict):
        return list(record)
    return getattr(record, "__struct_fields__", None) or list(getattr(record, "__dict__", ()))


def get(record, name):
    return record[name] if isinstance(record, dict) else getattr(record, name)


def put(record, name, value):
    if isinstance(record, dict):
        record[name] = value
    else:
        setattr(record, name, value)


def amount_of(record):
    for name in names(record):
        if isinstance(get(record, name), float):
            return name
    return next((name for name in names(record) if type(get(record, name)) is int), None)


"""


def _every(medium: int) -> Param:
    return Param("every", medium, "it happens to every n-th record", "whole", 1)


def _variant(
    name: str,
    help: str,
    symptom: str,
    text: str,
    params: tuple[Param, ...],
    low: Mapping[str, Value],
    high: Mapping[str, Value],
) -> Variant:
    return Variant(
        f"shared_state.{name}",
        "shared_state",
        help,
        symptom,
        "changed",
        "record",
        _HEAD + text,
        params,
        low,
        high,
    )


ALIASED = _variant(
    "aliased",
    "The record that was given on is kept, and written to when the next one comes.",
    "delivered values differ: some records have a number of the one behind them",
    """
last = None
calls = 0


def around(call):
    def handle(record):
        global last, calls
        result = call(record)
        calls += 1
        name = amount_of(result)
        if name is not None:
            if last is not None and calls % EVERY == 0 and name in names(last):
                put(last, name, get(result, name))  #!
            last = result
        return result

    return handle
""",
    (_every(3),),
    {"every": 10},
    {"every": 1},
)

BUFFER = _variant(
    "buffer",
    "A few records are used again and again to hold what goes on.",
    "delivered values differ: several records are one and the same object",
    """
import copy

rows = []
calls = 0


def around(call):
    def handle(record):
        global calls
        result = call(record)
        if not names(result):
            return result
        calls += 1
        if len(rows) < SIZE:
            rows.append(copy.copy(result))
        row = rows[calls % len(rows)]
        if type(row) is not type(result):
            rows[calls % len(rows)] = row = copy.copy(result)
        if isinstance(row, dict):
            row.clear()
        for name in names(result):
            put(row, name, get(result, name))  #!
        return row

    return handle
""",
    (Param("size", 4, "records that are used in turn", "whole", 1, 10_000),),
    {"size": 16},
    {"size": 1},
)

DEFAULT_ARGUMENT = _variant(
    "default_argument",
    "A dict that is a default argument keeps what it was given for an earlier record.",
    "delivered values differ: records have a number of an earlier one",
    """
calls = 0


def known(value, cache={}):  #!
    return cache.setdefault("amount", value)


def around(call):
    def handle(record):
        global calls
        result = call(record)
        calls += 1
        name = amount_of(result)
        if name is not None and calls % EVERY == 0:
            put(result, name, known(get(result, name)))
        return result

    return handle
""",
    (_every(5),),
    {"every": 25},
    {"every": 1},
)

SHALLOW_COPY = _variant(
    "shallow_copy",
    "Options are copied for a record, but not the list in them: one record's is that of all behind it.",
    "delivered values differ: from some record on, a number is 0",
    """
from copy import copy

options = {"skip": []}
calls = 0


def around(call):
    def handle(record):
        global calls
        result = call(record)
        calls += 1
        name = amount_of(result)
        mine = copy(options)  #!
        if calls == FROM and name is not None:
            mine["skip"].append(name)
        if name in mine["skip"]:
            put(result, name, 0)
        return result

    return handle
""",
    (Param("from", 100, "the record that begins it", "whole", 1),),
    {"from": 400},
    {"from": 2},
)

CONFIG = _variant(
    "config",
    "A record changes the configuration that all records share.",
    "delivered values differ: behind some records, numbers are a multiple of what they were",
    """
config = {"factor": 1}
calls = 0


def around(call):
    def handle(record):
        global calls
        result = call(record)
        calls += 1
        name = amount_of(result)
        if name is None:
            return result
        if calls % EVERY == 0:
            config["factor"] = 100 if config["factor"] == 1 else 1  #!
        put(result, name, get(result, name) * config["factor"])
        return result

    return handle
""",
    (_every(50),),
    {"every": 300},
    {"every": 2},
)

SORTED = _variant(
    "sorted",
    "The latest numbers are sorted for a median, in the list from which records take their own.",
    "delivered values differ: records have numbers of each other",
    """
latest = []


def around(call):
    def handle(record):
        result = call(record)
        name = amount_of(result)
        if name is None:
            return result
        latest.append(get(result, name))
        if len(latest) > SIZE:
            del latest[0]
        latest.sort()  #!
        put(result, name, latest[-1])
        return result

    return handle
""",
    (Param("size", 3, "how many numbers", "whole", 2, 10_000),),
    {"size": 2},
    {"size": 50},
)

VARIANTS = (ALIASED, BUFFER, DEFAULT_ARGUMENT, SHALLOW_COPY, CONFIG, SORTED)
