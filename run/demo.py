"""The demo: three sources of different shape, validated and brought into one form."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from pipeline import Pipeline, Reject, generated
from pipeline.ids import Id, Ids
from pipeline.sinks.counter import CountSink

RECORDS = 1_000
SCREEN_SECONDS = 60.0
"""On the screen the demo is paced to about so many seconds."""

_EURO = {"EUR": 1.0, "USD": 0.92, "GBP": 1.17, "CHF": 1.04, "SEK": 0.088, "PLN": 0.23, "JPY": 0.0062}


def demo(records: int = RECORDS, seed: int = 0) -> Pipeline:
    """``records`` generated records, a third of them each orders, sensor readings and page views."""
    pipeline = Pipeline("demo", batch_size=50, chain=False)
    shapes = ("orders", "sensors", "clicks")
    for index, shape in enumerate(shapes):
        share = records // len(shapes) + (index < records % len(shapes))
        pipeline.read(generated(shape, records=share, seed=seed))
    pseudonyms = Pseudonyms()

    def transformed(record: dict[str, Any]) -> dict[str, Any]:
        return transform(record, pseudonyms)

    pipeline.stage(validate, name="validation")
    pipeline.stage(transformed, name="transform")
    pipeline.watch_cache(pseudonyms.known, "pseudonyms", stage="transform")
    pipeline.write(Counted(pseudonyms))
    return pipeline


class Pseudonyms:
    """Names nobody by name, and remembers whom it has named no longer than until the batch is committed."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def of(self, who: str) -> str:
        """The pseudonym of somebody: the same in every run."""
        found = self.known.get(who)
        if found is None:
            found = hashlib.blake2b(who.encode(), digest_size=6).hexdigest()
            self.known[who] = found
        return found


class Counted(CountSink):
    """Counts what is written; with each commit the pseudonyms are forgotten."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        super().__init__()
        self._pseudonyms = pseudonyms

    def write(self, ids: Ids, payloads: list[Any]) -> Iterable[Id]:
        # No progress is kept of the demo: with this call the batch is committed.
        self._pseudonyms.known.clear()
        return super().write(ids, payloads)


def validate(record: dict[str, Any]) -> dict[str, Any]:
    """Check what must hold for each shape."""
    if "amount" in record:
        if record["amount"] < 0:
            raise Reject(f"negative amount {record['amount']}")
        if record["currency"] not in _EURO:
            raise Reject(f"unknown currency {record['currency']!r}")
    elif "session" in record:
        if record["duration_ms"] < 0:
            raise Reject(f"negative duration {record['duration_ms']}")
    elif not 0 <= record["reading"]["humidity"] <= 1:
        raise Reject(f"humidity {record['reading']['humidity']} is no share")
    return record


def transform(record: dict[str, Any], pseudonyms: Pseudonyms) -> dict[str, Any]:
    """Bring every shape into one form: what it is, who caused it (under a pseudonym), and one number."""
    if "amount" in record:
        euros = round(record["amount"] * _EURO[record["currency"]], 2)
        return {"kind": "order", "who": pseudonyms.of(record["user"]), "value": euros}
    if "session" in record:
        return {
            "kind": "click",
            "who": pseudonyms.of(record["session"]),
            "value": record["duration_ms"] / 1_000,
        }
    return {"kind": "reading", "who": pseudonyms.of(record["station"]), "value": record["reading"]["celsius"]}
