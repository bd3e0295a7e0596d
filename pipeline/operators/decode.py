"""Ingestion: raw records become values of the schema."""

from __future__ import annotations

from typing import Any

from pipeline.batch import Decode, Originals
from pipeline.ids import Ids
from pipeline.operators.base import Bad, Outcome, rejections
from pipeline.operators.function import run_each
from pipeline.schema import explain


class DecodeOperator:
    """Decodes the raw records of a batch, each partition in its own way."""

    def __init__(self, name: str) -> None:
        self.name = name

    def apply(self, ids: Ids, raws: list[Any], decode: Decode, originals: Originals) -> Outcome:
        """One value for each raw record; those that do not fit are rejected with the reason."""
        values, bad = run_each(
            decode(raws), len(raws), lambda position, error: Bad(position, explain(error, raws[position]))
        )
        if not bad:
            return Outcome(ids, values)
        letters = rejections(self.name, ids, None, bad, originals)
        return Outcome(ids.without([item.position for item in bad]), values, rejected=letters)
