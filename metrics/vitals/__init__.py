"""What the process takes besides memory, and the machine around it: sampled, each at its own pace."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from metrics.snapshot import Resources
from metrics.vitals.gc_watch import GcWatch
from metrics.vitals.left_open import Floor
from metrics.vitals.machine import Machine, Pressed, Scheduling
from pipeline.clock import Clock

SECOND_S = 0.95
"""A little less than a second, so that a tick that comes early is not left out."""
MOST_SHARE = 0.001
"""A reading that takes long is made less often, so that it costs no more than this."""
TORN_S = 0.001
"""The two clocks must have been read within so much of each other."""
_PRESSED: tuple[Pressed, ...] = ("cpu", "memory", "io")

T = TypeVar("T")


class Paced(Generic[T]):
    """A reading that is made again when it is due: ``every`` so many seconds, less often where it is dear.

    ``spent`` is the thread's processor time: what a reading costs, not what it had to wait.
    """

    def __init__(
        self,
        now: float,
        read: Callable[[], T],
        every: float,
        spent: Callable[[], float] = time.thread_time,
    ) -> None:
        self._read = read
        self._every = every
        self._spent = spent
        self._due = 0.0
        self.value = self._take(now)

    def look(self, now: float, *, at_once: bool = False) -> bool:
        """Make it again if it is due, or ``at_once``; tell whether it was made."""
        if now < self._due and not at_once:
            return False
        self.value = self._take(now)
        return True

    def _take(self, now: float) -> T:
        began = self._spent()
        value = self._read()
        self._due = now + max(self._every, (self._spent() - began) / MOST_SHARE)
        return value


class Rate:
    """A counter that only grows, as what it grew by in a second."""

    def __init__(self, at: float, count: float | None) -> None:
        self._at = at
        self._count = count
        self.value: float | None = None

    def look(self, at: float, count: float | None) -> None:
        """The counter is at ``count`` now; None where nobody tells."""
        took = at - self._at
        if count is None or self._count is None:
            self.value = None
        elif took > 0:
            self.value = max(0.0, (count - self._count) / took)
        else:
            return
        self._at, self._count = at, count


class Vitals:
    """Samples from one thread; :attr:`resources` is what is known by now.

    The first reading is made at once; what is open when the run begins is no growth. ``folder`` is where the
    output goes. ``machine`` and ``cpu_time`` (seconds of processor time of this process) may be replaced.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        folder: str | None = None,
        machine: Machine | None = None,
        cpu_time: Callable[[], float] = time.process_time,
    ) -> None:
        self.machine = machine or Machine()
        self.scheduling: dict[int, Scheduling] | None = None
        """By thread, as of the last second."""
        self.gc = GcWatch(clock)
        self._clock = clock
        self._cpu_time = cpu_time
        now = clock.monotonic()
        self._fds = Paced(now, self.machine.open_files, 0.0)
        self._threads = Paced(now, self.machine.threads, 0.0)
        self._sockets = Paced(now, self.machine.sockets, SECOND_S)
        self._disk = Paced(now, lambda: self.machine.disk_free(folder) if folder else None, SECOND_S)
        self._scheduled = Paced(now, self.machine.scheduling, SECOND_S)
        self._fds_start, self._threads_start = self._fds.value, self._threads.value
        self._sockets_start = self._sockets.value
        self._begun = False
        self._fds_floor, self._threads_floor = Floor(), Floor()
        self._second_due = now + SECOND_S
        self._cpu = Rate(now, cpu_time())
        self._waits = Rate(now, 0.0)
        self._waited = 0.0
        self._stolen = self.machine.stolen()
        self._steal: float | None = None
        self._pressures = {each: Rate(now, self.machine.pressure(each)) for each in _PRESSED}
        self._wall_start = clock.wall().timestamp() - now
        self._offset: float | None = None
        self.scheduling = self._scheduled.value

    def begin(self) -> None:
        """The run begins: growth, and pauses of the cyclic collector, count from here on. Once is enough."""
        if self._begun:
            return
        self._begun = True
        self.gc.begin()
        self._fds_start, self._threads_start = self.machine.open_files(), self.machine.threads()
        self._sockets_start = self.machine.sockets()

    def end(self) -> None:
        """The run is over."""
        self.gc.end()

    def sample(self, now: float, *, last: bool = False) -> None:
        """Look at what is due; ``last`` at everything that tells of the run's end."""
        self._fds.look(now, at_once=last)
        self._threads.look(now, at_once=last)
        self._fds_floor.add(self._fds.value)
        self._threads_floor.add(self._threads.value)
        if last or now >= self._second_due:
            self._second_due = now + SECOND_S
            self._sockets.look(now, at_once=last)
            self._disk.look(now)
            self._of_the_second(now)

    @property
    def resources(self) -> Resources:
        """What is known by now."""
        return Resources(
            fds_start=self._fds_start,
            fds=self._fds.value,
            threads_start=self._threads_start,
            threads=self._threads.value,
            cpu=self._cpu.value,
            sockets=self._sockets.value,
            sockets_start=self._sockets_start,
            gc_collections=self.gc.collections,
            gc_pause_s=self.gc.pause_s,
            gc_longest_s=self.gc.longest_s,
            run_wait=self._waits.value if self.scheduling is not None else None,
            steal=self._steal,
            pressure_cpu=self._pressure("cpu"),
            pressure_memory=self._pressure("memory"),
            pressure_io=self._pressure("io"),
            disk_free=self._disk.value,
            clock_offset_s=self._offset,
            fds_floor=self._fds_floor.stretches,
            threads_floor=self._threads_floor.stretches,
        )

    def _of_the_second(self, now: float) -> None:
        self._cpu.look(now, self._cpu_time())
        if self._scheduled.look(now):
            self._waits.look(now, self._wait_time(self._scheduled.value))
            self.scheduling = self._scheduled.value
        self._steal = self._stolen_share()
        for resource, rate in self._pressures.items():
            rate.look(now, self.machine.pressure(resource))
        self._look_at_the_clocks()

    def _wait_time(self, threads: dict[int, Scheduling] | None) -> float | None:
        """Of all threads since the start; what one that has ended waited stays in the sum."""
        if threads is None:
            return None
        before = self.scheduling or {}
        nothing = Scheduling(0.0, 0.0)
        # A number that is given to a new thread begins again at 0.
        self._waited += sum(max(0.0, own.wait - before.get(id, nothing).wait) for id, own in threads.items())
        return self._waited

    def _stolen_share(self) -> float | None:
        before, self._stolen = self._stolen, self.machine.stolen()
        if before is None or self._stolen is None:
            return None
        total = self._stolen.total - before.total
        return max(0.0, (self._stolen.stolen - before.stolen) / total) if total > 0 else self._steal

    def _pressure(self, resource: Pressed) -> float | None:
        share = self._pressures[resource].value
        return None if share is None else min(1.0, share)

    def _look_at_the_clocks(self) -> None:
        began = self._clock.monotonic()
        wall = self._clock.wall().timestamp()
        ended = self._clock.monotonic()
        # A thread that was put aside between the two would see a jump where there is none.
        if ended - began < TORN_S:
            self._offset = wall - began - self._wall_start
