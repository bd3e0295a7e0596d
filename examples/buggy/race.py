"""Payments get a running number for each customer; four threads share the numbers, and no lock does."""

import time
from collections import deque
from collections.abc import Iterator

from pipeline import Pipeline, count

Payment = dict[str, object]

last_number: dict[str, int] = {}
given: deque[str] = deque(maxlen=200)


def incoming() -> Iterator[tuple[int, Payment]]:
    for offset in range(1_200):
        yield offset, {"customer": f"c{offset % 7}", "cents": 100 + offset}


payments = Pipeline("payments")
payments.read(incoming)


@payments.stage(workers=4)
def number(payment: Payment) -> Payment:
    customer = str(payment["customer"])
    so_far = last_number.get(customer, 0)
    time.sleep(0.00002)  # asks the bank whether the account is still open
    last_number[customer] = so_far + 1
    return {**payment, "number": so_far + 1}


@payments.stage
def unique(payment: Payment) -> Payment:
    key = f"{payment['customer']}/{payment['number']}"
    if key in given:
        raise ValueError(f"{key} was given twice")
    given.append(key)
    return {"key": key}


payments.write(count())
