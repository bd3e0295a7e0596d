"""Dead letters are sent again by a key of their view: asked first, and told after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual.pilot import Pilot

from pipeline.errors import ConfigurationError
from run.display import Display
from tests.tui.made import EVERYTHING, FakeRun, ended
from tests.tui.piloting import drive, screen_text, until
from tui.app import MonitorApp
from tui.screens import ResendScreen


def over() -> FakeRun:
    """A run that has ended and keeps its progress."""
    run = FakeRun(ended())
    run.able = EVERYTHING | {"resend"}
    return run


def orders(run: FakeRun) -> list[object]:
    return [call for call in run.calls if isinstance(call, tuple) and call[0] == "resend_letters"]


async def said(pilot: Pilot[int], app: MonitorApp, text: str) -> None:
    await until(pilot, lambda: any(text in str(each.message) for each in app._notifications), text)


async def asked(app: MonitorApp, pilot: Pilot[int]) -> None:
    await until(pilot, lambda: app.over, "the end of the run")
    await pilot.press("6")
    await until(pilot, lambda: "orders/a.jsonl:0" in screen_text(app), "the letters")
    await pilot.press("R")
    await until(pilot, lambda: isinstance(app.screen, ResendScreen), "the question")


def test_one_letter_or_all_are_sent_when_that_is_confirmed_and_the_result_is_told() -> None:
    run = over()

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await asked(app, pilot)
        assert "R send again" in screen_text(app)
        assert orders(run) == []
        await pilot.press("o")
        await until(pilot, lambda: orders(run) == [("resend_letters", "orders/a.jsonl:0")], "one order")
        await said(pilot, app, "Sending")
        assert run.resent is not None
        text = "Replayed 1 dead letter: 1 came off the list, [b]39[/b] left on it."
        run.resent = replace(run.resent, under_way=False, text=text)
        await said(pilot, app, text)
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, ResendScreen), "the question again")
        await pilot.press("a")
        await until(pilot, lambda: orders(run)[1:] == [("resend_letters",)], "all of them")
        run.resent = replace(run.resent, under_way=False, sound=False, text="The replay failed")
        await said(pilot, app, "The replay failed")
        (failure,) = [each for each in app._notifications if each.message == "The replay failed"]
        assert failure.severity == "error"

    drive(MonitorApp(run, Display(interval=0.05)), script)


def test_who_would_rather_not_sends_nothing() -> None:
    run = over()

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        for key in ("n", "escape"):
            await asked(app, pilot)
            await pilot.press(key)
            await until(pilot, lambda: not isinstance(app.screen, ResendScreen), "no question")
        assert orders(run) == []

    drive(MonitorApp(run, Display(interval=0.05)), script, (80, 24))


def test_the_key_says_why_it_does_nothing() -> None:
    running, attached, reader, away = FakeRun(), FakeRun(ended()), over(), over()
    running.able = EVERYTHING | {"resend"}
    cases = (
        (running, Display(), ("6", "R"), "x drains it"),
        (attached, Display(), ("6", "R"), "dlq replay"),
        (reader, Display(read_only=True), ("6", "R"), "Read-only"),
        (away, Display(), ("1", "R"), "where they are shown"),
    )
    for run, display, keys, why in cases:

        async def script(
            app: MonitorApp, pilot: Pilot[int], keys: tuple[str, ...] = keys, why: str = why
        ) -> None:
            await until(pilot, lambda: app.over == app.live.finished, "the newest state")
            await pilot.press(*keys)
            await said(pilot, app, why)
            assert not isinstance(app.screen, ResendScreen)

        drive(MonitorApp(run, display), script)
        assert orders(run) == []


def test_what_the_run_refuses_is_told() -> None:
    class Busy(FakeRun):
        def resend_letters(self, ids: Sequence[str]) -> None:
            raise ConfigurationError(f"{len(ids)} dead letters are being sent already")

    run = Busy(ended())
    run.able = EVERYTHING | {"resend"}

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await asked(app, pilot)
        await pilot.press("a")
        await said(pilot, app, "0 dead letters are being sent already")

    drive(MonitorApp(run, Display(interval=0.05)), script)
