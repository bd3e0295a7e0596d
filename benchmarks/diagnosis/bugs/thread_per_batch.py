"""A heartbeat is started for each batch; none of them is ever told to stop."""

import threading

from pipeline import Pipeline, count, generated

stopped = threading.Event()
orders = Pipeline("heartbeats", batch_size=20)
orders.read(generated("orders", records=600, seed=52))


def beat() -> None:
    stopped.wait()


@orders.stage(batch=True)
def book(batch: list[dict[str, object]]) -> list[dict[str, object]]:
    heartbeat = threading.Thread(target=beat, daemon=True)
    heartbeat.start()
    return batch


orders.write(count())
