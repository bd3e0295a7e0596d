"""The app, driven by a pilot with snapshots made by hand."""

from __future__ import annotations

import signal
from dataclasses import replace

import pytest
from textual.command import CommandPalette
from textual.pilot import Pilot

from metrics.snapshot import Notice
from run.display import Display
from tests.tui.made import FakeRun, ended, records, snapshot, stage
from tests.tui.piloting import drive, panel_text, screen_text, until
from tui.actions import ACTIONS
from tui.app import MonitorApp
from tui.bindings import bindings
from tui.screens import PageScreen, QuitScreen

NASTY = "[red]x[/red] \x1b[31m数据\r\n\x07[b"


def app_for(run: FakeRun, *, read_only: bool = False, ascii: bool = False) -> MonitorApp:
    return MonitorApp(run, Display(read_only=read_only, interval=0.02, ascii=ascii))


def told(app: MonitorApp) -> str:
    return "\n".join(notification.message for notification in app._notifications)


def test_a_new_snapshot_is_on_the_screen_by_itself() -> None:
    run = FakeRun()

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await until(pilot, lambda: "480 delivered" in screen_text(app), "the first snapshot")
        run.show(records=records(delivered=77_777))
        await until(pilot, lambda: "77,777 delivered" in screen_text(app), "the second snapshot")

    drive(app_for(run), script)


@pytest.mark.parametrize(
    ("key", "calls"),
    [
        ("p", ["pause"]),
        ("n", ["step_record"]),
        ("N", ["step_batch"]),
        ("x", ["drain"]),
        ("u", [("set_rate", None)]),
        ("+", [("set_rate", 30.0)]),
        ("=", [("set_rate", 30.0)]),
        ("-", [("set_rate", 20.0 / 1.5)]),
    ],
)
def test_each_key_asks_the_run(key: str, calls: list[object]) -> None:
    run = FakeRun(snapshot(rate_limit=20.0))

    async def script(_app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press({"+": "plus", "-": "minus", "=": "equals_sign"}.get(key, key))
        await until(pilot, lambda: run.calls == calls, f"{key} asks for {calls}, not {run.calls}")

    drive(app_for(run), script)


@pytest.mark.parametrize("key", ["p", "n", "N", "x", "u", "f", "F", "g", "d", "plus", "minus"])
def test_a_read_only_screen_refuses_and_says_so(key: str) -> None:
    run = FakeRun(snapshot(rate_limit=20.0))

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press(key)
        await until(pilot, lambda: "Read-only" in told(app), "the refusal")
        assert "READ-ONLY" in screen_text(app)

    drive(app_for(run, read_only=True), script)
    assert run.calls == []


def test_help_lists_every_key_scrolls_and_closes() -> None:
    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        for opens, closes in (("question_mark", "escape"), ("f1", "q")):
            await pilot.press(opens)
            await until(pilot, lambda: "How to read this view" in screen_text(app), "the help")
            page = app.screen
            assert isinstance(page, PageScreen)
            text = " ".join(" ".join(page._panel.lines).split())
            assert all(action.title in text and action.shown in text for action in ACTIONS)
            assert "aborts and leaves at once" not in screen_text(app)
            await pilot.press("end")
            await until(pilot, lambda: "aborts and leaves" in screen_text(app), "the end of the help")
            await pilot.press(closes)
            await until(pilot, lambda: len(app.screen_stack) == 1, "the board again")

    drive(app_for(FakeRun()), script, size=(80, 24))


def test_the_palette_offers_every_action_and_does_it() -> None:
    run = FakeRun()

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette), "the palette")
        await until(pilot, lambda: "Step one batch" in screen_text(app), "the actions")
        await pilot.press(*"drain")
        await until(pilot, lambda: "Step" not in screen_text(app), "one action found")
        await pilot.press("enter")
        await pilot.pause(0.1)
        if not run.calls:
            await pilot.press("enter")
        await until(pilot, lambda: run.calls == ["drain"], "the drain")
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette), "the palette")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, CommandPalette), "the board again")

    drive(app_for(run), script)


@pytest.mark.parametrize(("key", "call"), [("d", "drain"), ("enter", "drain"), ("a", "abort")])
def test_quitting_asks_and_then_drains_or_aborts(key: str, call: str) -> None:
    run = FakeRun()

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press("q")
        await until(pilot, lambda: "Drain and quit" in screen_text(app), "the question")
        await pilot.press(key)
        await until(pilot, lambda: run.calls == [call], "the answer's effect")
        if call == "drain":
            await pilot.pause(0.1)
            assert app.is_running
            run.end()
        await until(pilot, lambda: app._exit, "the end")

    assert drive(app_for(run), script) is None


@pytest.mark.parametrize("key", ["s", "escape"])
def test_one_may_stay(key: str) -> None:
    run = FakeRun()

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, QuitScreen), "the question")
        await pilot.press(key)
        await until(pilot, lambda: len(app.screen_stack) == 1, "the board again")
        assert not app._exit

    drive(app_for(run), script, size=(60, 16))
    assert run.calls == []


def test_a_read_only_screen_leaves_without_touching_the_run() -> None:
    run = FakeRun()

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press("q")
        await until(pilot, lambda: "Leave" in screen_text(app), "the question")
        assert "Drain and quit" not in screen_text(app)
        await pilot.press("d", "l")
        await until(pilot, lambda: app._exit, "the end")

    assert drive(app_for(run, read_only=True), script) is None
    assert run.calls == []


def test_ctrl_c_drains_and_leaves_when_that_is_done() -> None:
    run = FakeRun()

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press("ctrl+c")
        await until(pilot, lambda: run.calls == ["drain"], "the drain")
        assert not app._exit
        run.end()
        await until(pilot, lambda: app._exit, "the end")

    assert drive(app_for(run), script) == signal.SIGINT


def test_ctrl_c_twice_aborts_also_from_within_a_question() -> None:
    run = FakeRun()

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, QuitScreen), "the question")
        await pilot.press("ctrl+c")
        await until(pilot, lambda: run.calls == ["drain"], "the drain")
        await pilot.press("ctrl+c")
        await until(pilot, lambda: app._exit, "the end")

    assert drive(app_for(run), script) == signal.SIGINT
    assert run.calls == ["drain", "abort"]


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
def test_the_verdict_stays_until_the_user_leaves(key: str) -> None:
    run = FakeRun()

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        run.end()
        await until(pilot, lambda: "All 1,000 input records" in screen_text(app), "the verdict")
        assert "q leave" in screen_text(app)
        await pilot.pause(0.2)
        assert not app._exit
        await pilot.press("p")
        await until(pilot, lambda: "The run is over" in told(app), "a word on why p does nothing")
        await pilot.press(key)
        await until(pilot, lambda: app._exit, "the end")

    assert drive(app_for(run), script) is None
    assert run.calls == []


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 16)])
def test_lost_records_are_named_at_every_size(size: tuple[int, int]) -> None:
    run = FakeRun()
    lost = records(read=1000, delivered=998, lost=2, lost_ids=("orders/a:17", "orders/b:42"), in_flight=0)

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        run.end(ended(status="unhealthy", records=lost))
        await until(pilot, lambda: "UNHEALTHY" in screen_text(app), "the verdict")
        for part in ("2 of 1,000 records LOST", "orders/a:17", "orders/b:42", "output"):
            await until(pilot, lambda part=part: part in screen_text(app), part)  # type: ignore[misc]
        await pilot.press("i")
        await until(pilot, lambda: "Lost ids (2)" in screen_text(app), "the details")

    drive(app_for(run), script, size)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_the_whole_board_fits_without_scrolling(size: tuple[int, int]) -> None:
    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        for part in (
            *("orders", "HEALTHY", "RUNNING"),
            *("ingestion", "validation", "transform", "output"),
            *("Records Processed:", "Throughput:", "Avg Latency:", "Error Rate:", "Memory:"),
            *("min 44 MB", "max 46 MB", "run started", "q quit"),
        ):
            # Panels are drawn one after another.
            await until(pilot, lambda part=part: part in screen_text(app), part)  # type: ignore[misc]

    drive(app_for(FakeRun()), script, size)


def test_resizing_goes_through_all_layouts_and_back() -> None:
    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        sizes = [((80, 24), "EVENTS"), ((60, 16), "Avg Latency:"), ((40, 10), "too small"), ((1, 1), "")]
        for size, part in [*sizes, *reversed(sizes)]:
            await pilot.resize_terminal(*size)
            await until(pilot, lambda part=part: part in screen_text(app), f"{part} at {size}")  # type: ignore[misc]
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: "THROUGHPUT" in screen_text(app), "the wide board")
        await until(pilot, lambda: "FILTERED" in panel_text(app, "board"), "the wide columns")

    drive(app_for(FakeRun()), script)


def test_the_summary_holds_stages_figures_and_memory() -> None:
    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        for part in ("ingestion", "output", "4 rej", "0 lost", "16.7 rec/sec", "45 MB (stable)", "q quit"):
            await until(pilot, lambda part=part: part in screen_text(app), part)  # type: ignore[misc]

    drive(app_for(FakeRun()), script, (60, 16))


def test_figures_open_and_close_by_keys() -> None:
    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await until(pilot, lambda: "Memory:" in panel_text(app, "metrics"), "the metrics")
        await pilot.press("tab", "down", "down", "enter")
        await until(pilot, lambda: "read to commit" in panel_text(app, "metrics"), "latency by stage")
        await pilot.press("down", "left", "left")
        await until(pilot, lambda: "read to commit" not in panel_text(app, "metrics"), "closed again")
        await pilot.press("right")
        await until(pilot, lambda: "read to commit" in panel_text(app, "metrics"), "open again")
        await pilot.press("down", "down", "down", "down", "down", "down", "down", "enter")
        await until(pilot, lambda: "threads" in panel_text(app, "metrics"), "memory")

    drive(app_for(FakeRun()), script, (80, 24))


def test_a_board_with_more_stages_than_room_scrolls() -> None:
    run = FakeRun(snapshot(stages=tuple(stage(f"stage-{number}") for number in range(40))))

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await until(pilot, lambda: "stage-0 " in screen_text(app), "the board")
        assert "stage-39" not in screen_text(app)
        await pilot.press("end")
        await until(pilot, lambda: "stage-39" in screen_text(app), "the last stage")

    drive(app_for(run), script, (80, 24))


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 16)])
def test_markup_and_control_characters_are_shown_as_they_are(size: tuple[int, int]) -> None:
    run = FakeRun(
        snapshot(
            pipeline=NASTY,
            stages=(stage(NASTY), stage("output")),
            reasons=(NASTY,),
            status="degraded",
            notices=(Notice(1.0, "error", NASTY),),
        )
    )

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await until(pilot, lambda: "[red]x[/red]" in screen_text(app), "the name")
        text = screen_text(app)
        assert "\x1b" not in text
        assert "\x07" not in text
        if size[0] > 60:
            assert "[red]x[/red] \\x1b[31m数据\\r\\n\\x07[b" in panel_text(app, "events")
        await pilot.press("i")
        await until(pilot, lambda: "Why" in screen_text(app), "the details")
        run.end(replace(run.snapshot, phase="ended", problem=NASTY, traceback=NASTY))
        await until(pilot, lambda: app.over, "the end")

    drive(app_for(run), script, size)


@pytest.mark.parametrize("keys", [[], ["question_mark"], ["q"], ["i"], ["ctrl+p"], ["plus"]])
def test_an_ascii_screen_is_ascii_everywhere(keys: list[str]) -> None:
    run = FakeRun(snapshot(pipeline="数据", rate_limit=5.0, stages=tuple(stage(f"é{n}") for n in range(30))))

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await until(pilot, lambda: "\\u6570" in screen_text(app), "the name")
        await pilot.press(*keys)
        await pilot.pause(0.3)
        odd = {char for char in screen_text(app) if not char.isascii()}
        assert not odd

    drive(app_for(run, ascii=True), script, (80, 24))


def test_without_colours_nothing_is_coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    run = FakeRun(ended(status="unhealthy", records=records(lost=1, lost_ids=("a/b:1",))))

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await until(pilot, lambda: "UNHEALTHY" in screen_text(app), "the verdict")
        for strip in app.screen._compositor.render_strips():
            for segment in strip:
                style = segment.style
                if style is not None:
                    assert style.color is None or style.color.is_default
                    assert style.bgcolor is None or style.bgcolor.is_default

    drive(app_for(run), script)


def test_the_same_snapshot_is_drawn_only_once() -> None:
    run = FakeRun()

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await until(pilot, lambda: "Memory:" in screen_text(app), "the board")
        await pilot.pause(0.2)
        drawn = []
        original = app.draw

        def draw() -> None:
            drawn.append(1)
            original()

        app.draw = draw  # type: ignore[method-assign]
        await pilot.pause(0.3)
        assert not drawn
        run.show(elapsed_s=31.0)
        await until(pilot, lambda: bool(drawn), "the next snapshot")

    drive(app_for(run), script)


def test_every_binding_has_an_id() -> None:
    ids = [each.id for each in bindings()]
    assert all(ids)
    assert len(set(ids)) == len(ids)


def test_a_click_in_the_footer_is_as_good_as_the_key() -> None:
    run = FakeRun()

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await until(pilot, lambda: "p pause" in screen_text(app), "the footer")
        await pilot.click("#footer", offset=(3, 0))
        await until(pilot, lambda: run.calls == ["pause"], "the pause")

    drive(app_for(run), script)
