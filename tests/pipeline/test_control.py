"""The switches of a run: who may step, who waits, and what ends a wait."""

from __future__ import annotations

import threading

import pytest

from pipeline.control import Control, Failure


class Part:
    """A task that says whether it is ready, and counts how often it was woken."""

    def __init__(self, *, ready: bool = True) -> None:
        self.is_ready = ready
        self.woken = 0

    def ready(self) -> bool:
        return self.is_ready

    def wake(self) -> None:
        self.woken += 1


def control_of(*parts: Part) -> Control:
    control = Control()
    control.attach(parts)
    return control


def test_a_run_that_nobody_touches_may_always_step() -> None:
    control = control_of(part := Part())
    assert control.admit(part) == control.try_admit(part) == "batch"


def test_the_ready_task_that_is_furthest_along_steps_once() -> None:
    reader, worker, writer = Part(), Part(), Part(ready=False)
    control = control_of(reader, worker, writer)
    assert control.step("record")
    assert control.paused
    assert control.try_admit(reader) is None
    assert control.try_admit(writer) is None
    assert control.try_admit(worker) == "record"
    assert control.try_admit(worker) is None
    control.stepped(worker)
    assert control.step("batch")
    assert control.admit(worker) == "batch"


def test_steps_that_are_asked_for_together_are_made_one_after_the_other() -> None:
    reader, worker, writer = Part(), Part(ready=False), Part(ready=False)
    control = control_of(reader, worker, writer)
    assert all(control.step(unit) for unit in ("record", "batch", "record"))
    assert control.try_admit(reader) == "record"
    control.stepped(worker)
    assert control.try_admit(reader) is None, "the first has not been made"
    worker.is_ready = True
    control.stepped(reader)
    assert control.try_admit(reader) is None
    assert control.try_admit(worker) == "batch"
    reader.is_ready = worker.is_ready = False
    control.stepped(worker)
    assert control.stepping is None, "the third finds nobody that could make it"
    reader.is_ready = True
    assert control.try_admit(reader) is None


def test_resume_takes_back_steps_whose_turn_has_not_come() -> None:
    control = control_of(part := Part())
    control.step("record")
    control.step("record")
    assert control.try_admit(part) == "record"
    control.resume()
    control.pause()
    control.stepped(part)
    assert control.try_admit(part) is None


def test_a_step_that_nobody_can_make_says_so() -> None:
    control = control_of(Part(ready=False))
    assert not control.step("record")
    assert control.paused


def test_resume_takes_back_leave_that_was_not_used() -> None:
    control = control_of(part := Part())
    control.step("record")
    control.resume()
    assert control.try_admit(part) == "batch"
    control.pause()
    assert control.try_admit(part) is None


def test_drain_lets_a_paused_run_go_on() -> None:
    control = control_of(part := Part())
    control.pause()
    control.drain()
    assert control.draining
    assert control.try_admit(part) == "batch"


@pytest.mark.parametrize("end", ["abort", "fail"])
def test_nobody_steps_after_the_end(end: str) -> None:
    control = control_of(part := Part())
    control.pause()
    control.step("record")
    if end == "abort":
        control.abort()
    else:
        control.fail(Failure("stage", "it broke", None))
    assert control.admit(part) is None
    assert control.try_admit(part) is None
    control.resume()
    assert control.admit(part) is None
    assert part.woken > 0


def test_the_first_failure_is_kept() -> None:
    control = control_of()
    control.fail(Failure("a", "first", None))
    control.fail(Failure("b", "second", None))
    assert control.failure == Failure("a", "first", None)


@pytest.mark.parametrize("change", ["resume", "step", "drain", "abort"])
def test_a_wait_for_leave_ends_when_something_changes(change: str) -> None:
    control = control_of(part := Part())
    control.pause()
    given: list[str | None] = []
    waiting = threading.Thread(target=lambda: given.append(control.admit(part)), daemon=True)
    waiting.start()
    waiting.join(0.02)
    assert waiting.is_alive()
    if change == "step":
        control.step("record")
    else:
        getattr(control, change)()
    waiting.join(30)
    assert given == [{"resume": "batch", "step": "record", "drain": "batch", "abort": None}[change]]


def test_a_thread_with_several_tasks_waits_unless_one_of_them_may_step() -> None:
    mine, other = Part(), Part()
    control = control_of(mine, other)
    control.step("record")  # leave for the other one, which is furthest along
    waiting = threading.Thread(target=lambda: control.wait_while_paused([mine], 60), daemon=True)
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive(), "leave for somebody else is none for these"
    control.wait_while_paused([mine, other], 60)
    control.resume()
    waiting.join(30)
    assert not waiting.is_alive()
