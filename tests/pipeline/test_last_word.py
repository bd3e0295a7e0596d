"""The end of a run is its last event, whoever steers it then."""

from __future__ import annotations

from pipeline import Pipeline, count
from pipeline.clock import SystemClock
from pipeline.engine import Engine, Options
from pipeline.events import ControlChanged, EventBus, RunEnded
from pipeline.threads import ThreadDriver


def test_what_is_asked_for_after_the_end_is_not_told() -> None:
    pipeline = Pipeline("short").read(lambda: ((at, at) for at in range(10)))
    pipeline.write(count())
    clock = SystemClock()
    engine = Engine(pipeline, Options(), clock, EventBus())
    events = engine.bus.subscribe()
    driver = ThreadDriver(engine, clock)
    engine.pause()
    driver.start()
    engine.resume()
    assert driver.finished.wait(30)
    engine.pause()
    engine.set_rate(5)
    engine.abort()
    told = events.drain()
    assert isinstance(told[-1], RunEnded)
    assert [each.action for each in told if isinstance(each, ControlChanged)] == ["pause", "resume"]
