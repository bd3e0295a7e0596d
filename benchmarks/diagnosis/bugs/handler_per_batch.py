"""A function that makes its logger adds a handler to it, each time it is asked for it."""

import logging
import os

from pipeline import Pipeline, count, generated

clicks = Pipeline("logged", batch_size=10)
clicks.read(generated("clicks", records=900, seed=43))


def logger() -> logging.Logger:
    log = logging.getLogger("clicks.stage")
    log.propagate = False
    log.addHandler(logging.StreamHandler(open(os.devnull, "w")))  # noqa: SIM115, PTH123
    return log


@clicks.stage(batch=True)
def note(batch: list[dict[str, object]]) -> list[dict[str, object]]:
    logger().warning("%d clicks", len(batch))
    return batch


clicks.write(count())
