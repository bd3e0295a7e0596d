"""A source that may block is read in a thread of its own: in order, bounded, and let go of."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from pipeline import pump as module
from pipeline.batch import Chunk
from pipeline.ids import Ids
from pipeline.pump import Pump
from tests.pipeline.running import eventually


def chunk(offset: int) -> Chunk:
    return Chunk(Ids.span(offset, offset + 1), [offset], 1, iter)


def running(chunks: Iterator[Chunk]) -> tuple[Pump, threading.Thread]:
    pump = Pump(chunks, lambda: None)
    thread = threading.Thread(target=pump.run, daemon=True)
    thread.start()
    return pump, thread


def drained(pump: Pump) -> list[int]:
    got: list[int] = []

    def step() -> bool:
        while (found := pump.poll()) is not None:
            got.extend(found.ids.offsets())
        return pump.exhausted

    eventually(step)
    return got


def test_everything_comes_through_in_order() -> None:
    pump, _ = running(map(chunk, range(10_000)))
    assert drained(pump) == list(range(10_000))
    assert pump.poll() is None
    assert not pump.waiting


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_what_the_source_raises_is_raised_behind_what_it_gave(kind: type[BaseException]) -> None:
    def breaks() -> Iterator[Chunk]:
        yield chunk(0)
        yield chunk(1)
        raise kind("the end")

    pump, thread = running(breaks())
    thread.join(30)
    assert [next(iter(found.ids)).offset for found in (pump.poll(), pump.poll()) if found] == [0, 1]
    with pytest.raises(kind):
        pump.poll()
    assert pump.poll() is None
    assert pump.exhausted


def test_it_reads_ahead_only_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CAPACITY", 5)
    made: list[int] = []

    def noting() -> Iterator[Chunk]:
        for offset in range(20):
            made.append(offset)
            yield chunk(offset)

    pump, _ = running(noting())
    eventually(lambda: len(made) >= 6)
    assert len(made) == 6, "five wait, one is in hand"
    assert drained(pump) == list(range(20))


def test_when_it_is_stopped_the_source_is_closed_in_its_own_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CAPACITY", 2)
    closed_in: list[threading.Thread] = []

    def careful() -> Iterator[Chunk]:
        try:
            for offset in range(100):
                yield chunk(offset)
        finally:
            closed_in.append(threading.current_thread())

    pump, thread = running(careful())
    eventually(lambda: pump.waiting)
    pump.stop()
    thread.join(30)
    assert closed_in == [thread]


def test_whoever_waits_is_woken_by_the_first_chunk_and_by_the_end() -> None:
    go = threading.Event()
    woken = threading.Semaphore(0)

    def slow() -> Iterator[Chunk]:
        yield chunk(0)
        assert go.wait(30)

    pump = Pump(slow(), woken.release)
    threading.Thread(target=pump.run, daemon=True).start()
    assert woken.acquire(timeout=30)
    assert pump.waiting
    assert not pump.exhausted
    go.set()
    assert woken.acquire(timeout=30)
    pump.poll()
    assert pump.exhausted
