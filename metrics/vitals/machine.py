"""What the operating system tells about this process and the machine around it.

Linux tells most, in ``/proc``; another system what psutil knows of it. None is "not told", never 0.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import psutil

Pressed = Literal["cpu", "memory", "io"]


class Scheduling(NamedTuple):
    """Of one thread since it began, in seconds: on a processor, and ready but waiting for one."""

    cpu: float
    wait: float


class Stolen(NamedTuple):
    """Processor time of the machine since it started, in ticks: that other guests of the hypervisor took,
    and all there was."""

    stolen: int
    total: int


class Machine:
    """Reads counters; it keeps nothing, so that each call tells of now. ``proc`` may be another folder than
    ``/proc``; where it is missing, psutil is asked."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = str(proc)
        self._own = f"{proc}/self"
        self._has_proc = Path(self._own).is_dir()
        self._process = psutil.Process()
        # From Linux 6.2 on, the folder's size is the number of its entries: a quarter of the cost.
        self._counts_itself = self._has_proc and _size(f"{self._own}/fd") > 0

    def resident(self) -> int:
        """The process's resident memory in bytes."""
        if self._has_proc and (pages := _pages(self._own)) is not None:
            return pages * _PAGE
        return int(self._process.memory_info().rss)

    def open_files(self) -> int | None:
        """Open file descriptors, or handles."""
        if self._counts_itself:
            return _size(f"{self._own}/fd")
        if self._has_proc:
            return len(_names(f"{self._own}/fd")) or None
        try:
            if sys.platform == "win32":
                return self._process.num_handles()
            return self._process.num_fds()
        except psutil.Error:
            return None

    def sockets(self) -> int | None:
        """Open sockets, connected or not. Costs a microsecond or two for each open file."""
        if not self._has_proc:
            try:
                return len(self._process.net_connections(kind="all"))
            except psutil.Error:
                return None
        folder = f"{self._own}/fd"
        names = _names(folder)
        return sum(_link(f"{folder}/{name}").startswith("socket:") for name in names) if names else None

    def threads(self) -> int:
        """Threads of this process, also those that are not Python's."""
        # A folder has a link from each folder in it, from itself, and from the one that it is in.
        tasks = _links(f"{self._own}/task") - 2 if self._has_proc else 0
        return tasks if tasks > 0 else self._process.num_threads()

    def scheduling(self) -> dict[int, Scheduling] | None:
        """What each thread has had of the processors, by the system's number for it."""
        if not self._has_proc:
            return None
        found = {}
        for name in _names(f"{self._own}/task"):
            fields = _read(f"{self._own}/task/{name}/schedstat").split()
            if len(fields) >= 2:
                found[int(name)] = Scheduling(int(fields[0]) / 1e9, int(fields[1]) / 1e9)
        return found or None

    def stolen(self) -> Stolen | None:
        """Processor time of the whole machine."""
        # cpu  user nice system idle iowait irq softirq steal guest guest_nice; a guest's is in user, too.
        fields = _read(f"{self._proc}/stat").partition(b"\n")[0].split()
        if len(fields) < 9 or fields[0] != b"cpu":
            return None
        times = [int(field) for field in fields[1:9]]
        return Stolen(times[7], sum(times))

    def pressure(self, resource: Pressed) -> float | None:
        """Seconds, since the machine started, in which something waited for the resource."""
        # some avg10=0.00 avg60=0.00 avg300=0.00 total=12345
        line = _read(f"{self._proc}/pressure/{resource}").partition(b"\n")[0]
        some, _, total = line.partition(b" total=")
        return int(total) / 1e6 if some.startswith(b"some ") and total.isdigit() else None

    def disk_free(self, folder: str) -> int | None:
        """Bytes that this user can still write to the file system of ``folder``."""
        try:
            return psutil.disk_usage(folder).free
        except OSError:
            return None


_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@cache
def _held_open(path: str, _: int) -> int | None:
    """A file that is read ten times a second, kept open once for each process: a fifth of the cost."""
    try:
        return os.open(path, os.O_RDONLY)
    except OSError:
        return None


def _pages(own: str) -> int | None:
    descriptor = _held_open(f"{own}/statm", os.getpid())
    if descriptor is None:
        return None
    fields = os.pread(descriptor, 256, 0).split()
    return int(fields[1]) if len(fields) > 1 else None


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - ten times a second: a Path costs as much again
    except OSError:
        return 0


def _links(path: str) -> int:
    try:
        return os.stat(path).st_nlink  # noqa: PTH116 - see above
    except OSError:
        return 0


def _names(path: str) -> list[str]:
    try:
        return os.listdir(path)  # noqa: PTH208 - see above
    except OSError:
        return []


def _link(path: str) -> str:
    try:
        return os.readlink(path)  # noqa: PTH115 - see above
    except OSError:
        return ""


def _read(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(descriptor, 4096)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
