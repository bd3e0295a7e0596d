"""Every order is written by itself: a connection is opened for it, and its row is committed alone."""

import atexit
import sqlite3
import tempfile
from pathlib import Path

from pipeline import Pipeline, generated

orders = Pipeline("slow-orders")
orders.read(generated("orders", records=900, seed=8))

folder = tempfile.TemporaryDirectory()
atexit.register(folder.cleanup)
path = Path(folder.name) / "orders.db"


@orders.stage
def slim(order: dict[str, object]) -> dict[str, object]:
    return {"id": order["id"], "amount": order["amount"]}


def save(order: dict[str, object]) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("CREATE TABLE IF NOT EXISTS orders (id INTEGER, amount REAL)")
        connection.execute("INSERT INTO orders VALUES (?, ?)", (order["id"], order["amount"]))
    connection.close()


orders.write(save)
