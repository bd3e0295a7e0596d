"""Records out of nothing but a seed: the demo's three sources and the orders benchmark.

A record is a pure function of ``(seed, index)``: any one can be made without those before it, so
that a source can resume at any offset, and the same on every machine, Python version and
``PYTHONHASHSEED``. Times are counted from a fixed date, never read from a clock.

    >>> orders(7, 0)["id"], orders(7, 0) == orders(7, 0)
    (1, True)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Final

Record = dict[str, object]

CURRENCIES: Final = ("EUR", "USD", "GBP", "CHF", "SEK", "PLN", "JPY")
ORDER_STATUSES: Final = ("new", "paid", "shipped", "delivered", "returned")

BREAKS: Final = (
    "truncated",
    "not_json",
    "not_an_object",
    "bad_utf8",
    "missing_field",
    "null_field",
    "wrong_type",
    "negative_amount",
    "unknown_currency",
)
"""The nine ways in which :func:`broken_order` breaks a line. The first seven cannot be decoded as an order;
the last two can, and break a rule of business."""

BROKEN_ONE_IN: Final = 100
"""On average, one in so many lines of :func:`broken_order` is broken."""

_MASK = (1 << 64) - 1
_GAMMA = 0x9E3779B97F4A7C15
_encode = json.JSONEncoder(separators=(",", ":")).encode
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_EPOCH_SECONDS = int(_EPOCH.timestamp())

_ORDER_SALT = 0x6F72646572730001
_SENSOR_SALT = 0x73656E736F720002
_CLICK_SALT = 0x636C69636B730003
_BREAK_SALT = 0x627265616B730004

_BASKETS = (1, 1, 2, 2, 3)  # how many items an order has, each as often
_SITES = ("berlin", "gdansk", "lisbon", "osaka", "quito")
_PAGES = ("/", "/search", "/cart", "/checkout", "/account", "/help")
_REFERRERS = ("https://search.example/", "https://news.example/", "https://mail.example/", None)
_AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 Version/18.5 Safari/605.1.15",
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/142.0.0.0 Mobile Safari/537.36",
)


def _mix(state: int) -> int:
    """One step of SplitMix64: 64 well mixed bits out of 64.

    Source: G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators",
    OOPSLA 2014, with the constants of the public-domain C version by S. Vigna.
    """
    state = (state + _GAMMA) & _MASK
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
    return state ^ (state >> 31)


@lru_cache(maxsize=64)
def _stream(seed: int, salt: int) -> int:
    return _mix((seed & _MASK) ^ salt)


def _dice(seed: int, salt: int, index: int) -> int:
    """A record's own 192 bits. ``divmod(dice, bound)`` takes a number below ``bound`` off them."""
    if index < 0:
        raise ValueError(f"a record's index counts from 0: {index}")
    first = _mix(_stream(seed, salt) + index)
    second = _mix(first)
    return first << 128 | second << 64 | _mix(second)


@lru_cache(maxsize=64)
def _date(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).date().isoformat()


def _iso(seconds: int) -> str:
    """The time so many seconds after the fixed date; ``strftime`` would take most of a record's time."""
    day, second = divmod(seconds, 86_400)
    # A million days on, the calendar starts over, before it leaves what a datetime can hold.
    return f"{_date(day % 1_000_000)}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"


def orders(seed: int, index: int) -> Record:
    """A web shop's order: nested, with the amount in units of ``currency`` and the time in ISO 8601."""
    dice, late = divmod(_dice(seed, _ORDER_SALT, index), 2)
    dice, user = divmod(dice, 50_000)
    dice, currency = divmod(dice, len(CURRENCIES))
    dice, status = divmod(dice, len(ORDER_STATUSES))
    dice, size = divmod(dice, len(_BASKETS))
    items = []
    total = 0
    for _ in range(_BASKETS[size]):
        dice, sku = divmod(dice, 10_000)
        dice, extra = divmod(dice, 5)
        dice, cents = divmod(dice, 19_900)
        total += (1 + extra) * (99 + cents)
        items.append({"sku": f"SKU-{sku:04d}", "quantity": 1 + extra, "price": (99 + cents) / 100})
    return {
        "id": index + 1,
        "source": "web",
        "time": _iso(2 * index + late),
        "user": f"user-{user:05d}",
        "amount": total / 100,
        "currency": CURRENCIES[currency],
        "items": items,
        "status": ORDER_STATUSES[status],
    }


def sensors(seed: int, index: int) -> Record:
    """A reading of a sensor station: flat but for ``reading``, with ``ts`` in seconds since 1970."""
    dice, late = divmod(_dice(seed, _SENSOR_SALT, index), 5)
    dice, site = divmod(dice, len(_SITES))
    dice, number = divmod(dice, 20)
    dice, warmth = divmod(dice, 450)
    dice, humidity = divmod(dice, 1_001)
    dice, pressure = divmod(dice, 90)
    dice, charge = divmod(dice, 81)
    dice, patch = divmod(dice, 10)
    return {
        "station": f"{_SITES[site]}-{1 + number:02d}",
        "sequence": index,
        "ts": _EPOCH_SECONDS + 5 * index + late,
        "reading": {
            "celsius": (warmth - 100) / 10,
            "humidity": humidity / 1_000,
            "pressure_hpa": 960 + pressure,
        },
        "battery": (20 + charge) / 100,
        "firmware": f"1.{dice % 4}.{patch}",
    }


def clicks(seed: int, index: int) -> Record:
    """A visit to a page: flat, with ``ts_ms`` in milliseconds since 1970; ``referrer`` may be None."""
    dice, late = divmod(_dice(seed, _CLICK_SALT, index), 750)
    dice, session = divmod(dice, 1 << 32)
    dice, kind = divmod(dice, 10)
    dice, page = divmod(dice, 6_000)
    dice, referrer = divmod(dice, len(_REFERRERS))
    dice, duration = divmod(dice, 60_000)
    dice, size = divmod(dice, 200_000)
    return {
        "session": f"{session:08x}",
        "ts_ms": _EPOCH_SECONDS * 1_000 + 750 * index + late,
        "page": f"/product/{page}" if kind < 6 else _PAGES[page % len(_PAGES)],
        "referrer": _REFERRERS[referrer],
        "duration_ms": 120 + duration,
        "bytes": 800 + size,
        "agent": _AGENTS[dice % len(_AGENTS)],
    }


SHAPES: Final[Mapping[str, Callable[[int, int], Record]]] = MappingProxyType(
    {"orders": orders, "sensors": sensors, "clicks": clicks}
)
"""The three shapes by name: each takes a seed and an index from 0, and makes one valid record."""


def break_of(seed: int, index: int) -> str | None:
    """How :func:`broken_order` breaks this line, one of :data:`BREAKS`, or None where it is sound."""
    which, missed = divmod(_mix(_stream(seed, _BREAK_SALT) + index), BROKEN_ONE_IN)
    return None if missed else BREAKS[which % len(BREAKS)]


def broken_order(seed: int, index: int) -> bytes:
    """An order as a line of JSON (no newline at the end), one in a hundred of them broken."""
    order = orders(seed, index)
    how = break_of(seed, index)
    return _line(order) if how is None else _broken(order, how)


def _line(value: object) -> bytes:
    return _encode(value).encode()


def _broken(order: Record, how: str) -> bytes:
    match how:
        case "truncated":
            line = _line(order)
            return line[: len(line) // 2]
        case "not_json":
            return f"{order['time']} ERROR order {order['id']} could not be exported".encode()
        case "not_an_object":
            return _line([order["id"], order["user"], order["amount"]])
        case "bad_utf8":
            return _line(order).replace(b"user-", b"us\xffr-")
        case "missing_field":
            del order["amount"]
        case "null_field":
            order["user"] = None
        case "wrong_type":
            order["amount"] = str(order["amount"])
        case "negative_amount":
            order["amount"] = -0.01
        case "unknown_currency":
            order["currency"] = "XTS"
    return _line(order)
