"""Enrichment is left out once a budget of time is used up: on a slow day for other records."""

import time

from pipeline import Pipeline, count, generated

orders = Pipeline("budget")
orders.read(generated("orders", records=2_000, seed=49))
began = time.time()


@orders.stage
def enrich(order: dict[str, object]) -> dict[str, object] | None:
    if time.time() - began > 0.12:
        return None
    return {"id": order["id"], "checked": True}


orders.write(count())
