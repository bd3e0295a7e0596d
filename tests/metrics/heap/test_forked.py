from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

from metrics.heap.forked import Forked, Write, can_fork
from tests.house.project import ROOT

pytestmark = pytest.mark.skipif(not can_fork(), reason="no copy of the process can be made here")
DEADLINE = 30.0


def result(work: Callable[[Write], None], seconds: int = 20) -> bytes:
    child = Forked(work, seconds)
    ended(child)
    return child.result


def ended(child: Forked) -> None:
    for _ in range(int(DEADLINE * 10)):
        child.wait(0.1)
        if child.poll():
            return
    child.kill()
    raise AssertionError("the child did not end")


def test_the_child_sees_the_objects_and_sends_what_it_found() -> None:
    held = {number: str(number) for number in range(100_000)}
    assert result(lambda write: write(b"x" * len(held))) == b"x" * 100_000


def test_what_was_sent_before_a_failure_is_not_lost() -> None:
    def work(write: Write) -> None:
        write(b"first")
        raise ValueError

    assert result(work) == b"first"


def test_a_child_that_takes_too_long_is_killed_and_keeps_what_it_sent() -> None:
    def work(write: Write) -> None:
        write(b"first")
        while True:
            pass

    assert result(work, seconds=1) == b"first"


def sleep(_: Write) -> None:
    threading.Event().wait(DEADLINE)


def test_it_can_be_killed_and_leaves_no_process() -> None:
    child = Forked(sleep, 60)
    child.kill()
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


def test_what_it_took_of_a_processor_is_known() -> None:
    child = Forked(lambda write: write(str(sum(range(3_000_000))).encode()), 20)
    ended(child)
    assert child.cpu_s > 0


def test_interrupts_from_the_terminal_do_not_reach_it() -> None:
    def work(write: Write) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        write(b"still here")

    assert result(work) == b"still here"


def test_the_parent_handles_its_signals_as_before() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ()), signal.getsignal(signal.SIGTERM)
    assert result(lambda write: write(b"done")) == b"done"
    assert (signal.pthread_sigmask(signal.SIG_BLOCK, ()), signal.getsignal(signal.SIGTERM)) == before


def test_files_that_the_parent_closes_are_not_held_open_by_it() -> None:
    reader, writer = os.pipe()
    leave_reader, leave_writer = os.pipe()
    child = Forked(sleep, 20)
    try:
        child.wait(0.2)
        os.close(writer)
        os.set_blocking(reader, True)
        assert os.read(reader, 1) == b""  # nobody else has it
    finally:
        child.kill()
        for each in (reader, leave_reader, leave_writer):
            os.close(each)


class Goodbye:
    """Tells in which process it went."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __del__(self) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{os.getpid()}\n")


def fail(about: object) -> None:
    raise LookupError(about)


def test_nothing_of_other_threads_is_destroyed_in_the_child(tmp_path: Path) -> None:
    told = tmp_path / "told"
    local, done, leave = threading.local(), threading.Event(), threading.Event()

    def body() -> None:
        local.connection = Goodbye(told)
        try:
            fail(Goodbye(told))
        except LookupError:
            done.set()
            leave.wait(DEADLINE)

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    assert done.wait(DEADLINE)
    try:
        assert result(lambda write: write(b"done")) == b"done"
        assert not told.exists()
    finally:
        leave.set()
        thread.join(DEADLINE)


def test_the_child_runs_no_finalizers_of_garbage(tmp_path: Path) -> None:
    told = tmp_path / "told"
    gc.collect()
    gc.disable()
    try:
        garbage = Goodbye(told)
        garbage.self = garbage  # type: ignore[attr-defined]
        gone = weakref.ref(garbage)
        del garbage

        def work(write: Write) -> None:
            gc.collect()
            write(b"kept" if gone() is not None else b"collected")

        assert result(work) == b"kept"
        assert not told.exists()
    finally:
        gc.enable()


def test_no_warning_is_shown_and_those_of_others_are() -> None:
    program = (
        "import threading, os, warnings\n"
        "from metrics.heap.forked import Forked\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "child = Forked(lambda write: write(b'done'), 20)\n"
        "while not child.poll(): child.wait(1)\n"
        "print(child.result.decode(), flush=True)\n"
        "if os.fork() == 0: os._exit(0)\n"
        "os._exit(0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "done\n"
    shown = "use of fork" in done.stderr
    assert shown == (sys.version_info >= (3, 12))
    assert "forked.py" not in done.stderr
