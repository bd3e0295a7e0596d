"""What a run takes besides memory, and the machine around it: on machines made up, and on this one."""

from __future__ import annotations

import gc
import os
import socket
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.vitals import Paced, Rate, Vitals
from metrics.vitals.gc_watch import GcWatch
from metrics.vitals.machine import Machine, Scheduling, Stolen
from pipeline.clock import ManualClock, SystemClock
from tests.metrics.made import FakeMachine

linux = pytest.mark.skipif(sys.platform != "linux", reason="what Linux tells")


class Wrong(ManualClock):
    """A wall clock that somebody sets."""

    ahead = 0.0

    def wall(self) -> datetime:
        return super().wall() + timedelta(seconds=self.ahead)


def sampled(machine: FakeMachine, clock: ManualClock, vitals: Vitals, seconds: float = 1.0) -> Vitals:
    clock.advance(seconds)
    vitals.sample(clock.monotonic())
    assert vitals.machine is machine
    return vitals


def test_rates_are_of_the_time_that_passed() -> None:
    clock, machine, spent = ManualClock(100.0), FakeMachine(), [5.0]
    machine.scheduled = {1: Scheduling(3.0, 1.0)}
    machine.stolen_time = Stolen(100, 10_000)
    machine.waited = {"cpu": 50.0, "io": 7.0}
    vitals = Vitals(clock, machine=machine, cpu_time=lambda: spent[0])
    known = vitals.resources
    assert (known.cpu, known.run_wait, known.steal, known.pressure_cpu) == (None, None, None, None)
    # The tick is two seconds late: what happened is shared out over all three.
    spent[0] = 9.5
    machine.scheduled = {1: Scheduling(4.0, 2.5), 2: Scheduling(0.5, 1.5)}
    machine.stolen_time = Stolen(130, 10_300)
    machine.waited = {"cpu": 51.5, "io": 11.0}
    known = sampled(machine, clock, vitals, 3.0).resources
    assert known.cpu == pytest.approx(1.5)
    assert known.run_wait == pytest.approx(1.0)
    assert known.steal == pytest.approx(0.1)
    assert known.pressure_cpu == pytest.approx(0.5)
    assert known.pressure_io == 1.0
    assert known.pressure_memory is None


def test_a_thread_that_ended_or_a_number_used_again_takes_nothing_back() -> None:
    clock, machine = ManualClock(100.0), FakeMachine()
    machine.scheduled = {1: Scheduling(0.0, 1.0), 2: Scheduling(0.0, 9.0)}
    vitals = Vitals(clock, machine=machine)
    machine.scheduled = {1: Scheduling(0.0, 1.25), 2: Scheduling(0.0, 0.0)}
    assert sampled(machine, clock, vitals).resources.run_wait == pytest.approx(0.25)
    machine.scheduled = {1: Scheduling(0.0, 1.75)}
    assert sampled(machine, clock, vitals).resources.run_wait == pytest.approx(0.5)


def test_what_is_open_is_told_now_and_at_the_start() -> None:
    clock, machine = ManualClock(100.0), FakeMachine()
    vitals = Vitals(clock, machine=machine, folder="/out")
    machine.fds, machine.tasks, machine.socket_count, machine.room = 9, 5, 2, 1_000
    clock.advance(0.1)
    vitals.sample(clock.monotonic())
    known = vitals.resources
    assert (known.fds_start, known.fds, known.threads_start, known.threads) == (7, 9, 3, 5)
    assert (known.sockets_start, known.sockets, known.disk_free) == (1, 1, None)
    known = sampled(machine, clock, vitals).resources
    assert (known.sockets_start, known.sockets, known.disk_free) == (1, 2, 1_000)


def test_what_is_open_when_the_run_begins_is_no_growth() -> None:
    clock, machine = ManualClock(100.0), FakeMachine()
    vitals = Vitals(clock, machine=machine)
    machine.fds, machine.tasks, machine.socket_count = 9, 5, 2
    vitals.begin()
    machine.fds = 11
    vitals.begin()
    known = sampled(machine, clock, vitals).resources
    vitals.end()
    assert (known.fds_start, known.fds) == (9, 11)
    assert (known.threads_start, known.sockets_start) == (5, 2)


def test_the_last_look_looks_at_everything() -> None:
    clock, machine = ManualClock(100.0), FakeMachine()
    vitals = Vitals(clock, machine=machine)
    machine.socket_count = 4
    vitals.sample(clock.monotonic(), last=True)
    assert vitals.resources.sockets == 4


def test_a_wall_clock_that_is_set_is_noticed() -> None:
    clock, machine = Wrong(100.0, datetime(2024, 5, 1, tzinfo=UTC)), FakeMachine()
    vitals = Vitals(clock, machine=machine)
    assert sampled(machine, clock, vitals, 60.0).resources.clock_offset_s == pytest.approx(0.0, abs=1e-6)
    clock.ahead = -3600.0
    assert sampled(machine, clock, vitals).resources.clock_offset_s == pytest.approx(-3600.0)


def test_two_clocks_that_were_not_read_together_tell_nothing() -> None:
    class PutAside(ManualClock):
        def wall(self) -> datetime:
            self.advance(0.5)
            return super().wall()

    clock, machine = PutAside(100.0), FakeMachine()
    vitals = Vitals(clock, machine=machine)
    assert sampled(machine, clock, vitals).resources.clock_offset_s is None


@given(st.lists(st.tuples(st.floats(0.01, 100.0), st.floats(0.0, 1e6)), min_size=1, max_size=20))
def test_a_rate_times_its_time_is_what_the_counter_grew_by(steps: list[tuple[float, float]]) -> None:
    at, count = 100.0, 0.0
    rate = Rate(at, count)
    for took, grew in steps:
        before, began = count, at
        at, count = at + took, count + grew
        rate.look(at, count)
        assert rate.value is not None
        assert rate.value * (at - began) == pytest.approx(count - before, abs=1e-6)


def test_a_dear_reading_is_made_less_often() -> None:
    spent = 0.0
    reads = 0

    def read() -> int:
        nonlocal spent, reads
        spent += 0.01
        reads += 1
        return reads

    paced = Paced(0.0, read, 1.0, lambda: spent)
    for tick in range(1, 1001):
        paced.look(tick / 10)
    # Ten milliseconds each, a thousandth of the time: every ten seconds.
    assert reads == 11


def test_pauses_of_the_collector_are_timed_and_listening_ends() -> None:
    before = list(gc.callbacks)
    watch = GcWatch(SystemClock())
    watch.begin()
    watch.begin()
    gc.collect()
    gc.collect()
    watch.end()
    assert gc.callbacks == before
    assert watch.collections >= 2
    assert 0 < watch.longest_s <= watch.pause_s
    known = watch.collections
    gc.collect()
    assert watch.collections == known


def proc(folder: Path) -> Path:
    """A /proc, as far as it is read."""
    for task, line in (("10", "2000000000 500000000 7"), ("11", "1000000 0 1")):
        (folder / "self/task" / task).mkdir(parents=True)
        (folder / "self/task" / task / "schedstat").write_text(line)
    (folder / "self/fd").mkdir()
    for number, target in enumerate(["/dev/null", "socket:[1]", "pipe:[2]", "socket:[3]"]):
        (folder / "self/fd" / str(number)).symlink_to(target)
    (folder / "self/statm").write_text("1000 300 200 1 0 100 0\n")
    (folder / "stat").write_text("cpu  10 0 20 60 5 0 0 5 3 0\ncpu0 1 2 3\n")
    (folder / "pressure").mkdir()
    (folder / "pressure/cpu").write_text("some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull x\n")
    (folder / "pressure/io").write_text("nonsense\n")
    return folder


@linux
def test_proc_is_read_as_it_is_written(tmp_path: Path) -> None:
    machine = Machine(proc(tmp_path))
    assert machine.scheduling() == {10: Scheduling(2.0, 0.5), 11: Scheduling(0.001, 0.0)}
    assert machine.sockets() == 2
    assert machine.threads() == 2
    assert machine.stolen() == Stolen(5, 100)
    assert (machine.pressure("cpu"), machine.pressure("io"), machine.pressure("memory")) == (2.5, None, None)
    assert machine.resident() == 300 * os.sysconf("SC_PAGE_SIZE")


def test_a_system_without_proc_tells_what_it_can(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "nothing")
    assert machine.scheduling() is None
    assert machine.stolen() is None
    assert machine.pressure("cpu") is None
    assert machine.threads() >= 1
    assert (machine.open_files() or 1) >= 1
    assert machine.resident() > 1_000_000
    assert machine.disk_free(str(tmp_path / "nothing")) is None
    assert (machine.disk_free(str(tmp_path)) or 0) > 0


@linux
def test_this_process_is_seen() -> None:
    machine = Machine()
    files, sockets, threads = machine.open_files(), machine.sockets(), machine.threads()
    assert files is not None
    assert sockets is not None
    stop = threading.Event()
    with socket.socket():
        thread = threading.Thread(target=stop.wait)
        thread.start()
        assert machine.open_files() == files + 1
        assert machine.sockets() == sockets + 1
        assert machine.threads() == threads + 1
        assert thread.native_id in (machine.scheduling() or {})
        stop.set()
        thread.join()
