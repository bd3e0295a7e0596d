"""Transfers lock both accounts, each thread in the order in which they are named."""

import threading
import time
from collections.abc import Iterator

from pipeline import Pipeline, count

Transfer = dict[str, int]

accounts = [100_000 for _ in range(2)]
first_lock, second_lock = threading.Lock(), threading.Lock()


def incoming() -> Iterator[tuple[int, Transfer]]:
    for offset in range(600):
        yield offset, {"to": offset % 2, "cents": 1 + offset % 5}


transfers = Pipeline("transfers", batch_size=10)
transfers.read(incoming)


def to_the_first(cents: int) -> None:
    with first_lock:
        time.sleep(0.0005)  # the ledger is asked
        with second_lock:
            accounts[0] += cents
            accounts[1] -= cents


def to_the_second(cents: int) -> None:
    with second_lock:
        time.sleep(0.0005)
        with first_lock:
            accounts[1] += cents
            accounts[0] -= cents


@transfers.stage(workers=4)
def book(transfer: Transfer) -> Transfer:
    move = to_the_second if transfer["to"] else to_the_first
    move(transfer["cents"])
    return transfer


transfers.write(count())
