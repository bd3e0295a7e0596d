"""Two threads may both find that a customer is new, and greet them twice."""

import time
from collections.abc import Iterator

from pipeline import Pipeline, count

known: dict[str, int] = {}


def visits() -> Iterator[tuple[int, dict[str, str]]]:
    for offset in range(900):
        yield offset, {"customer": f"c{offset // 3}"}


greetings = Pipeline("greetings", batch_size=2)
greetings.read(visits)


@greetings.stage(workers=4)
def greet(visit: dict[str, str]) -> dict[str, str] | None:
    customer = visit["customer"]
    if customer in known:
        return None
    time.sleep(0.0002)  # looks the address up
    known[customer] = 1
    return {"greet": customer}


@greetings.stage
def once(greeting: dict[str, str]) -> dict[str, str]:
    if greeting["greet"] in sent:
        raise ValueError(f"{greeting['greet']} was greeted before")
    sent.add(greeting["greet"])
    return greeting


sent: set[str] = set()
greetings.write(count())
