"""Generated records: the same everywhere, each by itself, and broken exactly where they say."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.generator import (
    BREAKS,
    BROKEN_ONE_IN,
    CURRENCIES,
    ORDER_STATUSES,
    SHAPES,
    break_of,
    broken_order,
    clicks,
    orders,
    sensors,
)

ROOT = Path(__file__).resolve().parents[2]

seeds = st.integers(min_value=-(1 << 70), max_value=1 << 70)
indexes = st.integers(min_value=0, max_value=1 << 40)

GOLDEN_ORDER = {
    "id": 1,
    "source": "web",
    "time": "2026-01-01T00:00:00Z",
    "user": "user-10263",
    "amount": 181.26,
    "currency": "SEK",
    "items": [
        {"sku": "SKU-7934", "quantity": 2, "price": 75.85},
        {"sku": "SKU-0259", "quantity": 2, "price": 14.78},
    ],
    "status": "shipped",
}
GOLDEN_SENSOR = {
    "station": "osaka-12",
    "sequence": 0,
    "ts": 1767225602,
    "reading": {"celsius": 20.6, "humidity": 0.217, "pressure_hpa": 998},
    "battery": 0.79,
    "firmware": "1.1.5",
}
GOLDEN_CLICK = {
    "session": "f702a10d",
    "ts_ms": 1767225600666,
    "page": "/product/5824",
    "referrer": "https://mail.example/",
    "duration_ms": 23234,
    "bytes": 85853,
    "agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 Version/18.5 Safari/605.1.15",
}
GOLDEN_LINES = "adfe66ec3187e551f17177d4ec077d20e73a3202e576bb216cedcb9e882ef825"


def test_first_records_never_change() -> None:
    assert orders(7, 0) == GOLDEN_ORDER
    assert sensors(7, 0) == GOLDEN_SENSOR
    assert clicks(7, 0) == GOLDEN_CLICK
    lines = b"\n".join(broken_order(7, index) for index in range(2_000))
    assert hashlib.sha256(lines).hexdigest() == GOLDEN_LINES


def test_another_process_with_another_hash_seed_makes_the_same_records() -> None:
    program = (
        "from data.generator import SHAPES, broken_order\n"
        "print([shape(3, i) for shape in SHAPES.values() for i in range(50)])\n"
        "print([broken_order(3, i) for i in range(500)])\n"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(printed) == 1


@pytest.mark.parametrize("shape", SHAPES)
@given(seed=seeds, index=indexes)
def test_a_record_needs_none_before_it(shape: str, seed: int, index: int) -> None:
    make = SHAPES[shape]
    alone = make(seed, index)
    make(seed, index + 1)
    make(seed + 1, index)
    assert make(seed, index) == alone
    assert json.loads(json.dumps(alone)) == alone


@pytest.mark.parametrize("shape", SHAPES)
def test_seeds_and_indexes_give_different_records(shape: str) -> None:
    make = SHAPES[shape]
    texts = [json.dumps(make(seed, index)) for seed in range(20) for index in range(100)]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_negative_index_is_refused(shape: str) -> None:
    with pytest.raises(ValueError, match="-1"):
        SHAPES[shape](0, -1)


@given(seed=seeds, index=indexes.map(lambda index: index % 100_000_000))
def test_orders_add_up(seed: int, index: int) -> None:
    order = orders(seed, index)
    items = order["items"]
    assert isinstance(items, list)
    cents = sum(item["quantity"] * round(item["price"] * 100) for item in items)
    assert order["amount"] == cents / 100
    assert order["id"] == index + 1
    assert order["currency"] in CURRENCIES
    assert order["status"] in ORDER_STATUSES
    assert datetime.fromisoformat(str(order["time"])).year >= 2026


def test_time_never_runs_backwards() -> None:
    for make, field in ((orders, "time"), (sensors, "ts"), (clicks, "ts_ms")):
        times = [make(11, index)[field] for index in range(2_000)]
        assert times == sorted(times, key=lambda time: time if isinstance(time, int) else str(time))


def test_one_line_in_a_hundred_is_broken_and_every_way_occurs() -> None:
    count = 40_000
    breaks = Counter(break_of(7, index) for index in range(count))
    broken = count - breaks.pop(None)
    assert broken == pytest.approx(count / BROKEN_ONE_IN, rel=0.15)
    assert set(breaks) == set(BREAKS)
    assert len(BREAKS) == 9
    assert min(breaks.values()) > broken / len(BREAKS) / 2


@pytest.mark.parametrize("how", BREAKS)
def test_each_break_is_what_its_name_says(how: str) -> None:
    index = next(index for index in range(100_000) if break_of(7, index) == how)
    line = broken_order(7, index)
    sound = orders(7, index)
    assert b"\n" not in line
    if how in {"truncated", "not_json"}:
        with pytest.raises(json.JSONDecodeError):
            json.loads(line)
        return
    if how == "bad_utf8":
        with pytest.raises(UnicodeDecodeError):
            line.decode()
        return
    value = json.loads(line)
    if how == "not_an_object":
        assert isinstance(value, list)
        return
    wrong = {
        "missing_field": {name: field for name, field in sound.items() if name != "amount"},
        "null_field": {**sound, "user": None},
        "wrong_type": {**sound, "amount": str(sound["amount"])},
        "negative_amount": {**sound, "amount": -0.01},
        "unknown_currency": {**sound, "currency": value["currency"]},
    }
    assert value == wrong[how]
    assert (value.get("currency") in CURRENCIES) == (how != "unknown_currency")


def test_a_sound_line_is_the_order() -> None:
    index = next(index for index in range(100) if break_of(7, index) is None)
    assert json.loads(broken_order(7, index)) == orders(7, index)
