"""What sampling alone costs: everything that is read from the system ten times a second, and less often.

    python -m benchmarks.overhead.sampling

Resident memory, open files, threads, sockets, scheduling, pressure, steal, disk room, clocks, and where each
of a dozen threads is, as the collector samples them, by the processor's time of the thread that does it.
"""

from __future__ import annotations

import threading
import time

from metrics.memory import MemorySampler
from metrics.vitals import Vitals
from metrics.vitals.thread_watch import ThreadWatch
from pipeline.clock import SystemClock

TICK_S = 0.1
THREADS = 12


def sampling(seconds: float = 10.0) -> float:
    """The share of a core that it takes."""
    clock, stop = SystemClock(), threading.Event()
    idle = [threading.Thread(target=stop.wait, daemon=True) for _ in range(THREADS)]
    for thread in idle:
        thread.start()
    memory, vitals, threads = MemorySampler(), Vitals(clock, folder="."), ThreadWatch(tuple)
    began, used = time.perf_counter(), time.thread_time()
    for tick in range(1, round(seconds / TICK_S) + 1):
        time.sleep(max(0.0, began + tick * TICK_S - time.perf_counter()))
        now = clock.monotonic()
        memory.sample(tick * 1000)
        vitals.sample(now)
        threads.look(now, vitals.scheduling)
    share = (time.thread_time() - used) / (time.perf_counter() - began)
    stop.set()
    for thread in idle:
        thread.join()
    return share


if __name__ == "__main__":
    print(f"sampling at {1 / TICK_S:.0f} Hz takes {sampling():.2%} of a core")
