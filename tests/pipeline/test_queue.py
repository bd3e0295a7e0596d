"""A queue is bounded, in order within a lane, fair between lanes, and counts at both ends."""

from __future__ import annotations

import threading
from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from pipeline.batch import Batch, Partition
from pipeline.ids import Id, Ids
from pipeline.queue import BatchQueue

_P = Partition("s", "p")
_SIZES = st.integers(0, 9)
_ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 2), _SIZES, st.integers(0, 60)),
        st.tuples(st.just("take"), st.integers(0, 2), st.one_of(st.just(0), _SIZES), st.just(0)),
    ),
    max_size=60,
)


def _batch(start: int, records: int, size: int = 0, number: int = 0) -> Batch:
    ids = Ids.span(start, start + records)
    return Batch(_P, number, ids, list(range(start, start + records)), size, 0.0)


@given(actions=_ACTIONS, lanes=st.integers(1, 3), records=st.integers(1, 12), size=st.integers(1, 80))
def test_any_puts_and_takes(
    actions: list[tuple[str, int, int, int]], lanes: int, records: int, size: int
) -> None:
    queue = BatchQueue(records, size, lanes, producers=lanes)
    model: list[deque[Id]] = [deque() for _ in range(lanes)]
    batches: list[deque[tuple[int, int]]] = [deque() for _ in range(lanes)]
    put = taken = tickets = started = 0
    for action, any_lane, count, weight in actions:
        lane = any_lane % lanes
        if action == "put":
            batch = _batch(started, count, weight, number=lane)
            room = queue.has_room(batch, lane)
            assert room or batches[lane], "an empty lane takes any one batch"
            assert queue.put(batch, lane) == room
            if room:
                model[lane].extend(batch.ids)
                batches[lane].append((count, weight))
                put += count
                started += count
        else:
            found = queue.take(count or None)
            assert (found is None) == (not any(batches))
            if found is None:
                continue
            ticket, batch = found
            assert ticket == tickets
            tickets += 1
            lane = batch.number
            assert list(batch.ids) == [model[lane].popleft() for _ in range(len(batch))]
            taken += len(batch)
            whole, whole_size = batches[lane].popleft()
            assert len(batch) == (min(count, whole) if count else whole)
            if len(batch) < whole:
                batches[lane].appendleft((whole - len(batch), whole_size - batch.size))
        for waiting in batches:
            if len(waiting) > 1:
                assert sum(held for held, _ in waiting) <= records / lanes
                assert sum(held for _, held in waiting) <= size / lanes
        assert queue.records == put - taken == sum(map(len, model))
        assert (queue.put_records, queue.taken_records) == (put, taken)
        assert queue.size == sum(held for waiting in batches for _, held in waiting)
        assert queue.batches == sum(map(len, batches))
        assert queue.peak_records >= queue.records


@given(st.integers(2, 4), st.integers(1, 10))
def test_lanes_take_turns(lanes: int, rounds: int) -> None:
    queue = BatchQueue(10_000, 10_000, lanes, producers=lanes)
    for lane in range(lanes):
        for _ in range(rounds if lane else rounds * 5):
            assert queue.put(_batch(lane * 1_000, 1), lane)
    order = [_taken(queue).ids[0].offset // 1_000 for _ in range(lanes * rounds)]
    assert order == list(range(lanes)) * rounds


def test_a_batch_that_is_taken_record_by_record_keeps_its_turn_and_its_number() -> None:
    queue = BatchQueue(100, 1_000)
    queue.put(_batch(0, 3, 90, number=7))
    queue.put(_batch(3, 2, 20, number=8))
    got = [_taken(queue, 1) for _ in range(5)]
    assert [batch.ids[0].offset for batch in got] == [0, 1, 2, 3, 4]
    assert [batch.number for batch in got] == [7, 7, 7, 8, 8]
    assert sum(batch.size for batch in got) == 110
    assert queue.taken_records == queue.put_records == 5


def test_it_is_finished_when_every_producer_has_closed_and_all_is_taken() -> None:
    queue = BatchQueue(10, 10, lanes=2, producers=2)
    queue.put(_batch(0, 1), 1)
    queue.close()
    assert not queue.finished
    queue.close()
    assert not queue.finished
    queue.take()
    assert queue.finished


def test_waits_end_when_something_changes() -> None:
    queue = BatchQueue(1, 1_000)
    for change in (lambda: queue.put(_batch(0, 1)), queue.wake, queue.close):
        waiting = threading.Thread(target=lambda: queue.wait_for_batch(20), daemon=True)
        waiting.start()
        change()
        queue.wake()
        waiting.join(10)
        assert not waiting.is_alive()
    stuck = threading.Thread(target=lambda: queue.wait_for_room(_batch(1, 1), 20), daemon=True)
    stuck.start()
    queue.take()
    stuck.join(10)
    assert not stuck.is_alive()


def _taken(queue: BatchQueue, limit: int | None = None) -> Batch:
    found = queue.take(limit)
    assert found is not None
    return found[1]
