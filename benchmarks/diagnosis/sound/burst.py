"""Nothing is wrong: records come in bursts, and some take longer than others."""

import time
from collections.abc import Iterator

from pipeline import Pipeline, count


def bursts() -> Iterator[tuple[int, int]]:
    for offset in range(1_200):
        if offset % 300 == 0:
            time.sleep(0.05)
        yield offset, offset


numbers = Pipeline("bursts")
numbers.read(bursts)


@numbers.stage
def square(number: int) -> int:
    return number * number


numbers.write(count())
