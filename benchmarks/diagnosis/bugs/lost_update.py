"""The stock is read, a warehouse is asked, and what was read is written back, less one."""

import time
from collections.abc import Iterator

from pipeline import Pipeline, count

stock = {"article": 1_000}


def sales() -> Iterator[tuple[int, int]]:
    yield from ((offset, offset) for offset in range(1_000))


shop = Pipeline("stock", batch_size=5)
shop.read(sales)
slots: set[int] = set()


@shop.stage(workers=3)
def sell(sale: int) -> dict[str, int]:
    left = stock["article"]
    time.sleep(0.0001)
    stock["article"] = left - 1
    return {"sale": sale, "left": left}


@shop.stage
def audit(sale: dict[str, int]) -> dict[str, int]:
    if sale["left"] in slots:
        raise ValueError(f"article {sale['left']} was sold before")
    slots.add(sale["left"])
    return {"left": sale["left"]}


shop.write(count())
