"""Every order is written by itself, and forced to the disk by itself."""

import atexit
import os
import tempfile

from pipeline import Pipeline, generated

orders = Pipeline("slow-orders")
orders.read(generated("orders", records=600, seed=8))

file = tempfile.NamedTemporaryFile("w")  # noqa: SIM115
atexit.register(file.close)


@orders.stage
def slim(order: dict[str, object]) -> dict[str, object]:
    return {"id": order["id"], "amount": order["amount"]}


def save(order: dict[str, object]) -> None:
    for part in (str(order["id"]), str(order["amount"])):
        file.write(part + "\n")
        file.flush()
        os.fsync(file.fileno())


orders.write(save)
