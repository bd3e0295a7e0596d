"""What an earlier run left open stays open until it is settled, through any number of crashes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap64

from pipeline.batch import Partition
from pipeline.checkpoint import Progress
from pipeline.ids import Ids
from pipeline.ledger import Ledger

PARTITION = Partition("orders", "a.jsonl")


@given(
    runs=st.lists(st.lists(st.sets(st.integers(0, 40), min_size=1), max_size=4), max_size=5),
    read_ahead=st.integers(0, 10),
)
def test_progress_covers_what_no_run_has_settled(runs: list[list[set[int]]], read_ahead: int) -> None:
    settled: set[int] = set()
    progress = Progress("", 0, BitMap64(), 0, 0, 0)
    for commits in runs:
        ledger = Ledger()
        ledger.resume(PARTITION, progress)
        seen: set[int] = set()
        for wanted in commits:
            # A source is read in order; what is settled is among what was read.
            upto = max(wanted) + 1 + read_ahead
            unread = [offset for offset in range(upto) if offset not in settled | seen]
            ledger.read(PARTITION, Ids.of(unread), 0.0)
            seen.update(unread)
            group = Ids.of(sorted(wanted - settled))
            ledger.commit(PARTITION, group, group, [], [])
            settled |= wanted
            progress = ledger.progress(PARTITION, "")
            missing = {offset for offset in range(progress.high) if offset not in settled}
            assert set(progress.open) == missing
            assert progress.delivered == len(settled)


def test_records_that_were_open_and_are_not_read_yet_outlive_a_second_crash() -> None:
    ledger = Ledger()
    ledger.resume(PARTITION, Progress("", 1_000, BitMap64([5, 900]), 998, 0, 0))
    first = Ids.of([5])
    ledger.read(PARTITION, first, 0.0)
    ledger.commit(PARTITION, first, first, [], [])
    assert list(ledger.progress(PARTITION, "").open) == [900]
