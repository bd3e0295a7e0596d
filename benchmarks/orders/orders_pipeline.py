"""The same job as a pipeline of the product, written as a user would write it.

ORDERS_INPUT=FOLDER ORDERS_OUTPUT=FOLDER python monitor.py run benchmarks/orders/orders_pipeline.py --headless
"""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.orders.job import EUR_CENTS_PER, Order, Priced, price
from pipeline import Pipeline, Reject, files, jsonl

SOURCE = Path(os.environ["ORDERS_INPUT"])
TARGET = Path(os.environ["ORDERS_OUTPUT"])

orders = Pipeline("orders", dead_letters=TARGET / "dead-letters.jsonl")
orders.read(files(str(SOURCE / "*.jsonl")), schema=Order)


@orders.stage
def validate(order: Order) -> Order:
    if order.amount < 0:
        raise Reject(f"amount is negative: {order.amount}")
    if order.currency not in EUR_CENTS_PER:
        raise Reject(f"unknown currency: {order.currency}")
    return order


@orders.stage
def transform(order: Order) -> Priced:
    return price(order)


orders.write(jsonl(str(TARGET / "priced.jsonl")))
