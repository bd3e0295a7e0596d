"""Batches of other sizes, and one record more: does the arithmetic of batches tell which records?"""

from __future__ import annotations

from itertools import pairwise

from diagnosis.experiments.base import WITH_IDS, Case, Experiment, Finding
from diagnosis.symptoms import Sickness, placed

SIZE = 16
BATCHES = 12
SOME = 3
STRIDES = 5
"""A distance that was seen already is looked at over so many times of it."""


class Batches(Experiment):
    name = "batches"
    family = "batches"
    question = (
        "batches of 1, B-1, B and B+1 records, and one record more in all: which records are it each time?"
    )
    ordinary = {
        "boundary": 0.01,
        "stride": 0.01,
        "blocks": 0.01,
        "tail": 0.01,
        "only_many": 0.03,
        "size": 0.06,
        "same": 0.82,
        "none": 0.05,
    }
    kinds = WITH_IDS
    runs = 5.0
    intervention = True

    def carry_out(self, case: Case) -> Finding:
        size = _size(case)
        seen = _stride(offsets(case.trouble.sick))
        wanted = max(BATCHES * size, STRIDES * seen + size) if seen is not None else BATCHES * size
        records = min(wanted, max(2 * size, case.first.read))
        shown: dict[int, Sickness] = {}
        at: dict[int, list[int]] = {}
        change = case.lab.change(limit=records, batch_size=size)
        for each in (1, size - 1, size, size + 1):
            change = case.lab.change(limit=records, batch_size=each)
            shown[each] = case.measure(change, case.lab.one(change))
            at[each] = offsets(shown[each])
        more = case.lab.change(limit=records + 1, batch_size=size)
        longer = case.measure(more, case.lab.one(more))
        outcome = _outcome(at, offsets(longer), records, case, size)
        runs = 5
        later = ""
        if outcome == "stride":
            # A fault of every so many-th record of the input stays with the records.
            start = max(1, (case.stride or 2) // 2)
            change = case.lab.change(limit=records, start=start, batch_size=size)
            moved = set(offsets(case.measure(change, case.lab.one(change))))
            stay = [each for each in at[size] if each >= start]
            if len(moved & set(stay)) > len(stay) // 2:
                outcome, case.stride = "same", None
            later = f"; {len(moved & set(stay))} of them are it without the first {start} records"
            runs = 6
        counts = ", ".join(f"{each}: {sick.amount:g}" for each, sick in shown.items())
        which = ", ".join(map(str, at[size][:4]))
        told = f"records {case.kind} by size of batch, of {records}: {counts}"
        told += f"; with one record more: {longer.amount:g}"
        if which:
            told += f"; at {size} the offsets are {which}{', ...' if len(at[size]) > 4 else ''}"
        if outcome == "stride":
            told += f": every {case.stride} records, whatever the size"
            if seen == case.stride:
                told += f", as in the first run ({len(case.trouble.sick.ids)} times)"
        told += later
        return Finding(outcome, told, runs, case.lab.change(limit=records, batch_size=size))


def offsets(sick: Sickness) -> list[int]:
    """The offsets of sick records, in order."""
    return sorted({placed(id)[1] for id in sick.ids})


def _outcome(at: dict[int, list[int]], longer: list[int], records: int, case: Case, size: int) -> str:
    sizes = (size - 1, size, size + 1)
    if not any(at.values()) and not longer:
        return "none"
    if not at[1] and all(_boundary(at[each], each, records) for each in sizes):
        return "boundary"
    if all(_boundary(at[each], each, records) for each in sizes):
        return "boundary"
    if len({_beyond(at[each], each, records) for each in sizes} - {None}) == 1 and all(map(at.get, sizes)):
        return "boundary"
    if all(_blocks(at[each], each, records) for each in sizes):
        return "blocks"
    stride = _stride(at[size])
    if (
        stride is not None
        and all(_stride(found) in (stride, None) for found in at.values())
        and len(at[size]) >= SOME
    ):
        case.stride = stride
        return "stride"
    tails = [_tail(found, records) for found in at.values()]
    if all(tails) and _tail(longer, records + 1) and max(map(len, at.values())) <= records // 2:
        return "tail"
    if not at[1]:
        return "only_many"
    if len({tuple(found) for found in at.values()}) == 1:
        return "same"
    counts = [len(found) for found in at.values()]
    return "size" if max(counts) > 1.5 * min(counts) + 2 else "same"


def _boundary(found: list[int], size: int, records: int) -> bool:
    """Whether the offsets sit at the same few places of every batch."""
    batches = -(-records // size)
    places = {offset % size for offset in found}
    return bool(found) and len(found) >= batches - 2 and len(places) <= max(1, size // 4)


def _beyond(found: list[int], size: int, records: int) -> int | None:
    """The place in each batch from which on it is every record, the same in all of them; None for none."""
    place = min((offset % size for offset in found), default=0)
    return place if place and found == [at for at in range(records) if at % size >= place] else None


def _blocks(found: list[int], size: int, records: int) -> bool:
    """Whether they are several whole batches, and not all of them."""
    batches = {offset // size for offset in found}
    whole = [
        each for batch in sorted(batches) for each in range(batch * size, min(records, (batch + 1) * size))
    ]
    return len(batches) >= 2 and whole == found and len(batches) < -(-records // size)


def _size(case: Case) -> int:
    """Batches of the size at which it showed, where small ones did not show it."""
    if case.lab.base.batch_size is not None or case.first.batch_size < SIZE:
        return SIZE
    return case.first.batch_size


def _stride(found: list[int]) -> int | None:
    """The distance between them, where it is the same each time; neighbours have none."""
    steps = {b - a for a, b in pairwise(found)}
    step = steps.pop() if len(steps) == 1 and len(found) >= SOME else 1
    return step if step > 1 else None


def _tail(found: list[int], records: int) -> bool:
    """Whether they are the last ones, all of them."""
    return not found or found == list(range(records - len(found), records))
