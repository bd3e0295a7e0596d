"""Lines for a screen reader: what is new, once; commands by letter."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.clock import ManualClock
from run.display import Display
from tests.tui.full import full
from tests.tui.made import FakeRun, records, snapshot
from tui.reader import FIGURES_S, Reader


def reader(run: FakeRun, *, read_only: bool = False) -> tuple[Reader, list[str]]:
    told: list[str] = []
    return Reader(run, Display(read_only=read_only), ManualClock(0.0), told.append), told


def test_only_what_changes_is_told() -> None:
    run = FakeRun()
    made, told = reader(run)
    made.step(run.snapshot, 0.0)
    assert "Status: healthy." in told
    assert "Delivered: 480 records." in told
    assert "At 0:05, warning: transform is slow" in told
    told.clear()
    made.step(run.snapshot, FIGURES_S)
    assert told == []
    run.show(phase="paused")
    made.step(run.snapshot, FIGURES_S + 1)
    assert told == ["Phase: paused."]


def test_figures_wait_and_losses_do_not() -> None:
    run = FakeRun()
    made, told = reader(run)
    made.step(run.snapshot, 0.0)
    told.clear()
    run.show(records=records(delivered=481, lost=2))
    made.step(run.snapshot, 1.0)
    assert told == ["Lost: 2 records."]
    made.step(run.snapshot, FIGURES_S)
    assert "Delivered: 481 records." in told


def test_nothing_it_says_is_drawn() -> None:
    run = FakeRun(full())
    made, told = reader(run)
    made.step(run.snapshot, 0.0)
    for number in range(1, 10):
        made.command(str(number))
    text = "\n".join(told)
    assert not set("━─│┌┐└┘╭╮▁▂▃▄▅▆▇█") & set(text)
    for part in ("stage transform; in 500", "cause leak; probability 0.9100", "type dict; count 12,000"):
        assert part in text


@pytest.mark.parametrize(
    ("line", "calls"),
    [
        ("p", ["pause"]),
        ("n", ["step_record"]),
        ("x", ["drain"]),
        ("f leak.dict@transform,rate=1", [("inject", "leak.dict@transform,rate=1")]),
        ("F", ["lift_faults"]),
        ("g", ["take_census"]),
        ("-", [("set_rate", 20.0 / 1.5)]),
    ],
)
def test_a_letter_asks_the_run(line: str, calls: list[object]) -> None:
    run = FakeRun(snapshot(rate_limit=20.0))
    reader(run)[0].command(line)
    assert run.calls == calls
    watched = FakeRun(snapshot(rate_limit=20.0))
    made, told = reader(watched, read_only=True)
    made.command(line)
    assert watched.calls == []
    assert told == ["Read-only: this watches the run and cannot change it."]


def test_a_complaint_of_the_run_is_told() -> None:
    run = FakeRun()
    run.refuses = "no such fault"
    made, told = reader(run)
    made.command("f nonsense")
    assert told == ["no such fault"]


def test_quitting_asks_and_then_drains() -> None:
    run = FakeRun()
    made, told = reader(run)
    made.command("q")
    assert "d drains and quits" in told[0]
    made.command("d")
    assert run.calls == ["drain"]


def test_an_alert_comes_once_even_when_others_come_between() -> None:
    run = FakeRun(full())
    made, told = reader(run)
    made.step(run.snapshot, 0.0)
    told.clear()
    run.show(faults=tuple(replace(each, lifted_s=each.lifted_s or 29.0) for each in run.snapshot.faults))
    made.step(run.snapshot, 1.0)
    assert told == ["At 0:29, info: fault lifted: leak.dict@transform"]
