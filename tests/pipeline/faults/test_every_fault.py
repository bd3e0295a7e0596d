"""Each fault changes what it says it changes, at each intensity; without it nothing of the kind is there."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from pipeline.engine import Options
from pipeline.events import BatchRead, RunFailed, StageWorked
from pipeline.faults.catalogue import VARIANTS
from pipeline.faults.spec import INTENSITIES, Evidence, Intensity, Variant
from tests.pipeline.faults.broken import BATCH, RECORDS, STAGE, Ran, Threads, run, start
from tests.pipeline.running import DEADLINE_S, eventually

SLOW: set[Evidence] = {"slow", "uneven", "backlog", "stalls", "processor"}
"""What takes real time is run at one intensity, unless FAULTS=all."""
RACES = 20
"""Runs of which one must show a race: a weak one is not lost each time, least of all on a busy machine."""
EVERYTHING = os.environ.get("FAULTS") == "all"

CASES = [
    pytest.param(variant, intensity, id=f"{variant.name}-{intensity}")
    for variant in VARIANTS
    for intensity in INTENSITIES
    if EVERYTHING or variant.evidence not in SLOW or intensity == "medium"
]


def at(variant: Variant) -> str:
    if variant.site in ("record", "batch", "timer"):
        return f"{variant.name}@{STAGE}"
    return variant.name


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Ran]:
    return cache(lambda: run(tmp_path_factory.mktemp("sound"), None))


@pytest.mark.parametrize(("variant", "intensity"), CASES)
def test_a_fault_changes_what_it_says(
    variant: Variant, intensity: Intensity, sound: Callable[[], Ran], tmp_path: Path
) -> None:
    text = f"{at(variant)},intensity={intensity}"
    if variant.evidence in THREADED:
        THREADED[variant.evidence](start(tmp_path, text), variant, intensity)
        return
    for attempt in range(RACES if variant.cause == "race" else 1):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        ran = run(folder, text, queue_records=150 if variant.evidence == "backlog" else 16_384)
        assert ran.counts.balanced
        if ran.counts.lost or ran.counts.duplicated:
            break
    SYMPTOMS[variant.evidence](ran, sound(), variant, intensity)
    if variant.evidence not in {"lost", "duplicated", "fails"}:
        assert ran.counts.lost == ran.counts.duplicated == 0
    assert not any(isinstance(event, RunFailed) for event in ran.events) or variant.evidence == "fails"


def lost(ran: Ran, sound: Ran, variant: Variant, intensity: Intensity) -> None:  # noqa: ARG001
    ledger = ran.engine.ledger
    assert ran.counts.lost > 0
    assert len(ledger.lost_ids(RECORDS)) == ran.counts.lost
    assert {str(id) for id in ran.sink.values}.isdisjoint(
        name.rpartition(":")[2] for name in ledger.lost_ids(RECORDS)
    )
    place = ledger.unwritten() if variant.site == "sink" else ledger.lost_at(STAGE)
    assert place == ran.counts.lost, "lost where the fault is"
    assert sound.counts.lost == 0


def duplicated(ran: Ran, sound: Ran, variant: Variant, intensity: Intensity) -> None:  # noqa: ARG001
    assert ran.counts.duplicated > 0
    assert ran.engine.ledger.duplicated_ids()
    assert sound.counts.duplicated == 0


def rejected(ran: Ran, sound: Ran, variant: Variant, intensity: Intensity) -> None:  # noqa: ARG001
    assert ran.counts.rejected > 0
    assert sound.counts.rejected == 0


def filtered(ran: Ran, sound: Ran, variant: Variant, intensity: Intensity) -> None:  # noqa: ARG001
    assert ran.counts.filtered > 0
    assert sound.counts.filtered == 0


def changed(ran: Ran, sound: Ran, variant: Variant, intensity: Intensity) -> None:  # noqa: ARG001
    assert ran.sink.values.keys() == sound.sink.values.keys()
    assert ran.sink.values != sound.sink.values
    assert ran.counts == sound.counts


def grows(ran: Ran, sound: Ran, variant: Variant, intensity: Intensity) -> None:
    rate = variant.preset(intensity)["rate"]
    if variant.holder is None or variant.holder == "items":
        return  # seen in what is left behind, below
    sizes = {name: (half, end) for name, half, end in ran.grown}
    half, end = sizes[variant.holder]
    assert 0.7 * rate * RECORDS <= end <= RECORDS
    assert 0.3 * end <= half <= 0.7 * end
    assert all(size < 0.1 * RECORDS for _, _, size in sound.grown)


def plateau(ran: Ran, sound: Ran, variant: Variant, intensity: Intensity) -> None:
    entries = variant.preset(intensity)["entries"]
    assert variant.holder is not None
    assert {name: end for name, _, end in ran.grown}[variant.holder] == entries
    assert ran.sink.values == sound.sink.values


def held_open(ran: Ran, sound: Ran, variant: Variant, intensity: Intensity) -> None:
    values = variant.preset(intensity)
    times = min(values["limit"], RECORDS // values["every"])
    assert ran.opened >= times
    assert sound.opened == 0


def threads(ran: Ran, sound: Ran, variant: Variant, intensity: Intensity) -> None:
    values = variant.preset(intensity)
    assert ran.started == min(values["limit"], RECORDS // values["every"])
    assert sound.started == 0


def collections(ran: Ran, sound: Ran, variant: Variant, intensity: Intensity) -> None:
    wanted = RECORDS // int(variant.preset(intensity)["every"])
    assert ran.collections >= wanted
    assert sound.collections < wanted


def impossible_times(ran: Ran, sound: Ran, variant: Variant, intensity: Intensity) -> None:
    def busiest(of: Ran) -> float:
        # The stages of a chain share one watch.
        return max(event.busy_s for event in of.events if isinstance(event, StageWorked))

    assert busiest(ran) >= variant.preset(intensity)["step"] / 2
    assert busiest(sound) < 1


def slow(ran: Ran, sound: Ran, variant: Variant, intensity: Intensity) -> None:
    values = variant.preset(intensity)
    if "every" in values:
        times = RECORDS // int(values["every"])
        takes = times * (values["period"] if "period" in values else values["delay_ms"] / 100)
    else:
        times = RECORDS // (BATCH if variant.site == "sink" else 20)
        takes = RECORDS * values["delay_ms"] / 1000
    # It cannot be faster than that, on whatever machine.
    assert ran.took_s >= 0.95 * takes > 0
    # A run that is only put aside by others waits for nothing.
    assert ran.waits >= 0.9 * times > 2 * sound.waits
    assert ran.counts == sound.counts


def fails(ran: Ran, sound: Ran, variant: Variant, intensity: Intensity) -> None:  # noqa: ARG001
    failure = ran.engine.control.failure
    assert failure is not None
    assert failure.stage == ("output" if variant.site == "sink" else STAGE)
    words = {"disk_full": "No space left", "dead_worker": "SystemExit"}[variant.cause]
    assert words in failure.message
    assert sound.engine.control.failure is None


def backlog(ran: Ran, sound: Ran, variant: Variant, intensity: Intensity) -> None:  # noqa: ARG001
    queue = ran.engine.hops[-1].queue
    assert queue.peak_records > queue.capacity_records == 150


SYMPTOMS: dict[Evidence, Callable[[Ran, Ran, Variant, Intensity], None]] = {
    "lost": lost,
    "duplicated": duplicated,
    "rejected": rejected,
    "filtered": filtered,
    "changed": changed,
    "grows": grows,
    "plateau": plateau,
    "held_open": held_open,
    "threads": threads,
    "collections": collections,
    "impossible_times": impossible_times,
    "slow": slow,
    "fails": fails,
    "backlog": backlog,
}


def stalls(running: Threads, variant: Variant, intensity: Intensity) -> None:  # noqa: ARG001
    """It stands still, until the fault is lifted; then everything arrives."""
    worker = next(task for task in running.engine.tasks if task.name.startswith("ingestion"))

    def at_rest() -> bool:
        before = running.engine.ledger.counts()
        time.sleep(0.1)
        return worker.in_hand > 0 and before == running.engine.ledger.counts()

    eventually(at_rest)
    assert running.engine.ledger.counts().in_flight > 0
    assert not running.driver.finished.is_set()
    running.injector.lift()
    running.finish()
    assert running.engine.ledger.counts().delivered == RECORDS


def uneven(running: Threads, variant: Variant, intensity: Intensity) -> None:
    values = variant.preset(intensity)

    def silences(run: Threads) -> list[float]:
        """Behind each burst, how long nothing was read."""
        found, read = [], 0
        reads = [event for event in run.finish() if isinstance(event, BatchRead)]
        assert run.engine.ledger.counts().delivered == RECORDS
        for before, after in pairwise(reads):
            read += before.records
            if read >= values["records"]:
                found.append(after.at - before.at)
                read = 0
        return found

    there = silences(running)
    folder = running.engine.dead_letters.path.parent / "without"
    folder.mkdir()
    without = silences(start(folder, None))
    assert len(there) == len(without) >= 2
    assert min(there) >= 0.9 * values["quiet"]
    # A machine that is busy may hold a run up anywhere, but not at each of these places.
    assert min(without) < 0.5 * values["quiet"]


def test_bursts_under_a_limit_on_the_rate_go_on(tmp_path: Path) -> None:
    running = start(tmp_path, "lookalike.burst,intensity=low", options=Options(rate=5_000.0))
    running.finish()
    assert running.engine.ledger.counts().delivered == RECORDS


def processor(running: Threads, variant: Variant, intensity: Intensity) -> None:
    neighbour = running.injection.neighbour
    assert neighbour is not None
    children = [psutil.Process(pid) for pid in neighbour.pids]
    assert 1 <= len(children) <= variant.preset(intensity)["processes"]
    eventually(lambda: all(child.cpu_times().user > 0.1 for child in children))
    running.finish()
    assert not any(child.is_running() for child in children)


THREADED: dict[Evidence, Callable[[Threads, Variant, Intensity], None]] = {
    "stalls": stalls,
    "uneven": uneven,
    "processor": processor,
}


def test_there_are_fifty_of_them_in_every_family() -> None:
    assert len(VARIANTS) >= 50
    assert len({each.name for each in VARIANTS}) == len(VARIANTS)
    assert DEADLINE_S > 1
