"""Reading a partition gathers batches, of whatever the source gives, and refuses what cannot be right."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.batch import Chunk, Partition, Rejection
from pipeline.ids import NO_IDS, Id, Ids
from pipeline.tasks.intake import GATHER_RECORDS, Intake

_P = Partition("s", "p")


def chunk(offsets: list[int], rejected: list[int] | None = None, *, as_bytes: bool = False) -> Chunk:
    raw: bytes | list[int] = b"\n".join(b"%d" % n for n in offsets) if as_bytes else list(offsets)
    letters = [Rejection(Id(offset), "ingestion", "broken", b"?") for offset in rejected or []]
    return Chunk(Ids.of(offsets), raw, 10 * len(offsets), iter, rejected=letters)


def gathered(intake: Intake) -> list[Chunk]:
    found = []
    while not intake.exhausted:
        batch = intake.gather(0.0, None, 0.0)
        if batch is not None:
            found.append(batch)
    return found


@given(
    marks=st.lists(st.sampled_from("ggggbx"), max_size=60),
    sizes=st.lists(st.integers(1, 9), min_size=1),
    batch_size=st.one_of(st.none(), st.integers(1, 8)),
    as_bytes=st.booleans(),
)
def test_whatever_the_chunks_the_batches_are_cut_exactly_and_in_order(
    marks: list[str], sizes: list[int], batch_size: int | None, as_bytes: bool
) -> None:
    good = [offset for offset, mark in enumerate(marks) if mark == "g"]
    broken = [offset for offset, mark in enumerate(marks) if mark == "b"]

    def chunks() -> Iterator[Chunk]:
        at = turn = 0
        while at < len(marks):
            end = at + sizes[turn % len(sizes)]
            turn += 1
            inside = [offset for offset in good if at <= offset < end]
            outside = [offset for offset in broken if at <= offset < end]
            if inside or outside:
                yield chunk(inside, outside, as_bytes=as_bytes)
            at = end

    batches = gathered(Intake(_P, chunks(), batch_size, None))
    assert [offset for batch in batches for offset in batch.ids.offsets()] == good
    assert [letter.id.offset for batch in batches for letter in batch.rejected] == broken
    high = -1
    for batch in batches:
        offsets = [*batch.ids.offsets(), *(letter.id.offset for letter in batch.rejected)]
        assert min(offsets) > high, "a checkpoint says that all below is read"
        high = max(offsets)
        raws = batch.raw.split(b"\n") if isinstance(batch.raw, bytes) else batch.raw
        assert [int(raw) for raw in raws if raw != b""] == list(batch.ids.offsets())
    if batch_size is not None:
        counts = [len(batch.ids) for batch in batches if batch.ids]
        assert all(size == batch_size for size in counts[:-1])
        assert not counts or counts[-1] <= batch_size
    assert sum(batch.size for batch in batches) == 10 * len(good)


def test_an_input_of_which_nothing_can_be_read_is_not_gathered_whole() -> None:
    endless = (chunk([], [offset]) for offset in count())
    intake = Intake(_P, endless, 100, None)
    first = intake.gather(0.0, None, 10.0)
    assert first is not None
    assert len(first.rejected) == GATHER_RECORDS


@pytest.mark.parametrize(
    ("chunks", "words"),
    [
        ([chunk([0, 1]), chunk([1, 2])], "offset 1 after 1"),
        ([chunk([5]), chunk([], [3])], "offset 3 after 5"),
        ([chunk([4, 2])], "offset 2 after 4"),
        ([chunk([4, 4])], "offset 4 after 4"),
        ([Chunk(Ids.span(0, 3), [1, 2], 1, iter)], "3 ids for 2 records"),
        ([Chunk(NO_IDS, [1], 1, iter)], "0 ids for 1 records"),
    ],
)
def test_a_source_that_is_wrong_is_told_so_and_what_was_right_is_kept(
    chunks: list[Chunk], words: str
) -> None:
    intake = Intake(_P, iter(chunks), None, None)
    kept = gathered(intake)
    assert intake.error is not None
    assert words in intake.error
    assert str(_P) in intake.error
    assert sum(len(batch.ids) + len(batch.rejected) for batch in kept) == sum(
        len(each.ids) + len(each.rejected) for each in chunks[:-1]
    )


def test_a_source_that_raises_is_told_with_its_traceback() -> None:
    def breaks() -> Iterator[Chunk]:
        yield chunk([0, 1])
        raise RuntimeError("gone")

    intake = Intake(_P, breaks(), None, None)
    assert [len(batch.ids) for batch in gathered(intake)] == [2]
    assert intake.error == "s/p: reading failed after 2 records: RuntimeError: gone"
    assert intake.traceback is not None
    assert "in breaks" in intake.traceback


def test_a_partial_batch_waits_no_longer_than_it_may() -> None:
    class Slow:
        """Has one record now, and nothing more yet."""

        def __init__(self) -> None:
            self.waiting = [chunk([0])]
            self.exhausted = False

        def poll(self) -> Chunk | None:
            return self.waiting.pop() if self.waiting else None

    intake = Intake(_P, iter(()), 10, Slow())  # type: ignore[arg-type]
    assert intake.gather(1.0, None, 0.5) is None
    assert intake.due_in(1.2, 0.5) == pytest.approx(0.3)
    assert intake.gather(1.4, None, 0.5) is None
    batch = intake.gather(1.5, None, 0.5)
    assert batch is not None
    assert list(batch.ids.offsets()) == [0]
