"""Workers may finish in any order; what leaves keeps the order in which it was taken."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.batch import Batch, Partition
from pipeline.ids import Ids
from pipeline.ledger import Ledger
from pipeline.outlet import WINDOW_PER_WORKER, Outlet
from pipeline.queue import BatchQueue

_P = Partition("s", "p")


def _batch(at: int, records: int = 1) -> Batch:
    return Batch(_P, at, Ids.span(at * 10, at * 10 + records), list(range(records)), 0, 0.0)


def _drain(queue: BatchQueue) -> list[int]:
    got = []
    while (found := queue.take()) is not None:
        got.append(found[1].number)
    return got


@pytest.mark.parametrize("ordered", [True, False])
@given(seed=st.integers(0, 1 << 20), workers=st.integers(1, 4), batches=st.integers(0, 40))
def test_any_order_of_completion(ordered: bool, seed: int, workers: int, batches: int) -> None:
    chance = random.Random(seed)
    inlet, queue = BatchQueue(1_000, 1_000), BatchQueue(chance.randint(1, 4), 1_000)
    outlet = Outlet("next", inlet, queue, Ledger(), workers, ordered=ordered)
    for at in range(batches):
        assert inlet.put(_batch(at))
    inlet.close()
    hands: dict[int, Batch] = {}
    finished: list[int] = []
    left: list[int] = []
    while not (inlet.finished and outlet.empty):
        assert len(hands) <= workers
        action = chance.random()
        if action < 0.4 and len(hands) < workers:
            if outlet.pump() and (found := inlet.take()) is not None:
                ticket, batch = found
                hands[ticket] = batch
        elif action < 0.8 and hands:
            ticket = chance.choice(list(hands))
            batch = hands.pop(ticket)
            made = [] if batch.number % 5 == 4 else [batch]
            outlet.offer(ticket, made)
            finished.extend(each.number for each in made)
            outlet.pump()
        else:
            left += _drain(queue)
            outlet.pump()
        if ordered and hands:
            ahead = WINDOW_PER_WORKER * workers if workers > 1 else 1
            assert inlet.tickets - min(hands) <= ahead
    assert not hands
    left += _drain(queue)
    kept = [at for at in range(batches) if at % 5 != 4]
    assert left == (kept if ordered else finished)
    assert sorted(left) == kept


def test_what_was_held_until_the_end_leaves_behind_everything_else() -> None:
    inlet, queue = BatchQueue(100, 100), BatchQueue(100, 100)
    outlet = Outlet("next", inlet, queue, Ledger(), 1)
    inlet.put(_batch(0))
    found = inlet.take()
    assert found is not None
    inlet.close()
    outlet.append([_batch(1), _batch(2)])
    outlet.pump()
    assert queue.batches == 0
    assert not outlet.empty
    outlet.offer(found[0], [found[1]])
    outlet.pump()
    assert outlet.empty
    assert _drain(queue) == [0, 1, 2]


def test_a_full_queue_holds_a_worker_back_and_room_lets_it_go_on() -> None:
    inlet, queue = BatchQueue(100, 100), BatchQueue(1, 100)
    outlet = Outlet("next", inlet, queue, Ledger(), 1)
    for at in range(3):
        inlet.put(_batch(at))
    assert outlet.pump()
    for _ in range(2):
        found = inlet.take()
        assert found is not None
        outlet.offer(found[0], [found[1]])
        outlet.pump()
    assert not outlet.pump()
    assert not outlet.may_move()
    queue.take()
    assert outlet.may_move()
    assert outlet.pump()
    assert _drain(queue) == [1]
