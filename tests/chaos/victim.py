"""Runs the pipeline under attack, and is killed. Each run is a fork, as starting Python takes half a second.

Each line of input orders one run, ``{"folder", "kind", "failpoints", "commit_every_s", "limit_bytes"}``. The
answers are ``pid N``, ``alive`` when progress is stored for the first time, ``failed MESSAGE`` where the run
did, and ``exit CODE`` (minus the signal's number where it was killed).
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from pipeline import Ids, Partition, failpoints, threads
from pipeline.checkpoint import Checkpoint, CheckpointStore
from pipeline.clock import SystemClock
from pipeline.engine import Engine, Options
from pipeline.events import EventBus
from tests.chaos import payload
from tests.chaos.job import OUTPUTS, build
from tests.chaos.payload import POSTGRES

WATCH_S = 0.005
"""How soon the end of a run is noticed."""


class Announcing:
    """A store that tells when it has stored something for the first time."""

    def __init__(self, store: CheckpointStore) -> None:
        self._store = store
        self._told = False
        self.name = store.name

    def load(self) -> Checkpoint | None:
        return self._store.load()

    def clear(self) -> None:
        self._store.clear()

    def open(self) -> None:
        self._store.open()

    def save(self, checkpoint: Checkpoint) -> None:
        self._store.save(checkpoint)
        if not self._told:
            self._told = True
            _say("alive")

    def intend(self, partition: Partition, ids: Ids) -> None:
        self._store.intend(partition, ids)

    def close(self) -> None:
        self._store.close()


def run(folder: Path, kind: str, commit_every_s: float) -> int:
    """One run; the exit code is 0, or 1 where it failed, or 3 where the books do not balance."""
    pipeline, store = build(folder, kind, commit_every_s=commit_every_s)
    clock = SystemClock()
    engine = Engine(pipeline, Options(), clock, EventBus(), threads.spawn_detached, Announcing(store))
    driver = threads.ThreadDriver(engine, clock)
    driver.start()
    driver.wait()
    if engine.control.failure is not None:
        _say(f"failed {json.dumps(engine.control.failure.message)}")
        return 1
    counts = engine.ledger.counts()
    return 0 if counts.balanced and counts.lost == counts.duplicated == counts.in_flight == 0 else 3


def main() -> None:
    """Fork for one order after another."""
    threads.WATCH_S = WATCH_S
    _warm_up()
    gc.collect()
    gc.freeze()
    zombie: int | None = None
    for line in sys.stdin:
        if zombie is not None:
            os.waitpid(zombie, 0)
        child = os.fork()
        if child == 0:
            _obey(json.loads(line))
        _say(f"pid {child}")
        # Whoever ordered may kill the child until the next line is read there, and orders again only
        # after that. Until then the child stays a zombie, so that its number means no other process.
        _say(f"exit {_wait_for(child)}")
        zombie = child


def _wait_for(child: int) -> int:
    """The exit code of a process, minus the signal's number where it was killed; leaves it a zombie."""
    ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert ended is not None
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status


def _warm_up() -> None:
    """Import what the first run imports late, once for all forks."""
    with tempfile.TemporaryDirectory() as folder:
        payload.write_input(Path(folder, "in"), 1, 1)
        for kind in OUTPUTS:
            if kind == "postgres" and POSTGRES not in os.environ:
                continue
            pipeline, _ = build(Path(folder), kind)
            engine = Engine(pipeline, Options(), SystemClock(), EventBus())
            driver = threads.ThreadDriver(engine, SystemClock())
            driver.start()
            driver.wait()


def _obey(order: dict[str, Any]) -> None:
    code = 70
    try:
        failpoints._points.update(failpoints._parse(order.get("failpoints", "")))
        if order.get("limit_bytes"):
            import resource

            resource.setrlimit(resource.RLIMIT_FSIZE, (order["limit_bytes"], order["limit_bytes"]))
        code = run(Path(order["folder"]), order["kind"], order["commit_every_s"])
    except BaseException:  # noqa: BLE001 - a fork must never go on where its parent would
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


if __name__ == "__main__":
    main()
