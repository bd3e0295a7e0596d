"""What the threads of a run are said to do, and where."""

from __future__ import annotations

import queue
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from metrics.vitals import thread_watch
from metrics.vitals.machine import Scheduling
from metrics.vitals.thread_watch import EVERY_S, MOST_THREADS, ThreadWatch, place
from pipeline.thread_facts import ThreadFact
from tests.metrics.made import needs_gil


def enrich(wait: threading.Event, began: threading.Event) -> None:
    """What a user's stage is to these tests: its innermost frames are the library's."""
    began.set()
    wait.wait(60.0)


@contextmanager
def at_work() -> Iterator[threading.Thread]:
    wait, began = threading.Event(), threading.Event()
    thread = threading.Thread(target=enrich, args=(wait, began), name="transform 0")
    thread.start()
    assert began.wait(60.0)
    try:
        yield thread
    finally:
        wait.set()
        thread.join()


def fact(thread: threading.Thread) -> ThreadFact:
    return ThreadFact(thread.name, ("transform",), "transform", "busy", thread.ident, thread.native_id)


@needs_gil
def test_a_thread_is_where_the_users_code_is() -> None:
    with at_work() as thread:
        watch = ThreadWatch(lambda: [fact(thread)])
        watch.look(100.0, None)
        first = watch.states[0]
        assert (first.name, first.stage, first.state, first.cpu) == ("transform 0", "transform", "busy", None)
        assert first.place is not None
        assert re.fullmatch(r"test_thread_watch\.py:\d+ enrich", first.place)
        others = {state.name: state for state in watch.states[1:]}
        assert others["MainThread"].state is None


def test_processor_time_is_a_share_of_the_time_between_two_readings() -> None:
    with at_work() as thread:
        assert thread.native_id is not None
        watch = ThreadWatch(lambda: [fact(thread)])
        watch.look(100.0, {thread.native_id: Scheduling(1.0, 0.0)})
        watch.look(104.0, {thread.native_id: Scheduling(2.0, 0.0)})
        assert watch.states[0].cpu == 0.25


def test_it_looks_twice_a_second() -> None:
    asked = []

    def facts() -> list[ThreadFact]:
        asked.append(1)
        return []

    watch = ThreadWatch(facts)
    for tick in range(10):
        watch.look(100.0 + tick * EVERY_S / 5, None)
    assert len(asked) == 2


def test_what_was_put_in_on_purpose_is_not_told_by_its_name() -> None:
    frames: list[FrameType] = []
    code = compile("def sabotage(look):\n    look()\n", f"{thread_watch._UNSPOKEN}leak/dict.py", "exec")
    scope: dict[str, object] = {}
    exec(code, scope)

    def look() -> None:
        frames.append(sys._getframe(1))

    scope["sabotage"](look)  # type: ignore[operator]
    told = place(frames[0])
    assert told is not None
    assert "sabotage" not in told
    assert told.startswith("test_thread_watch.py:")


def test_no_frame_is_kept() -> None:
    with at_work() as thread:
        watch = ThreadWatch(lambda: [fact(thread)])
        watch.look(100.0, None)
        assert not any(isinstance(value, FrameType) for value in vars(watch).values())


def test_of_very_many_threads_the_runs_own_are_told() -> None:
    hold: queue.SimpleQueue[None] = queue.SimpleQueue()
    crowd = [threading.Thread(target=hold.get, name=f"leaked {number}") for number in range(MOST_THREADS + 5)]
    with at_work() as thread:
        for each in crowd:
            each.start()
        watch = ThreadWatch(lambda: [fact(thread)])
        watch.look(100.0, None)
        assert len(watch.states) == MOST_THREADS
        assert watch.states[0].name == "transform 0"
        for _ in crowd:
            hold.put(None)
        for each in crowd:
            each.join()
