"""Nothing is wrong: totals by user, of whom there are only so many; several threads."""

import threading

from pipeline import Pipeline, count, generated

totals: dict[str, float] = {}
lock = threading.Lock()

orders = Pipeline("totals")
orders.read(generated("orders", records=4_000, seed=62))


@orders.stage(workers=3)
def add(order: dict[str, object]) -> dict[str, object]:
    user = str(order["user"])[:7]
    with lock:
        totals[user] = totals.get(user, 0.0) + float(str(order["amount"]))
    return {"id": order["id"], "user": user}


orders.write(count())
