"""A process beside this one that takes a processor's time, and ends with this one whatever happens."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress

from pipeline.faults.spec import Value

LONGEST_S = 3600
"""No neighbour outlives this, whatever else goes wrong."""

# It ends when its standard input does, which the system sees to when this process dies by whatever means.
_PROGRAM = """
import os, sys, threading, time
def ended():
    sys.stdin.buffer.read()
    os._exit(0)
threading.Thread(target=ended, daemon=True).start()
end = time.monotonic() + {longest}
total = 0
while time.monotonic() < end:
    began = time.process_time()
    while time.process_time() - began < {work}:
        total += sum(range(1000))
    time.sleep({rest})
"""
_SLICE_S = 0.02


class Neighbour:
    """So many processes, each busy for a share of the time."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        share = min(1.0, max(0.01, float(values["share"])))
        program = _PROGRAM.format(longest=LONGEST_S, work=_SLICE_S * share, rest=_SLICE_S * (1 - share))
        processes = min(int(values["processes"]), 2 * (os.cpu_count() or 1))
        self._children = [
            subprocess.Popen(
                [sys.executable, "-S", "-c", program],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for _ in range(processes)
        ]

    @property
    def pids(self) -> tuple[int, ...]:
        """Their process numbers."""
        return tuple(child.pid for child in self._children)

    def stop(self) -> None:
        """End them now, and wait until they are gone."""
        children, self._children = self._children, []
        for child in children:
            if child.stdin is not None:
                with suppress(OSError):
                    child.stdin.close()
            child.kill()
        for child in children:
            child.wait()
