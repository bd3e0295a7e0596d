"""Every key of the table does what it says, or says why it cannot."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from pipeline.errors import ConfigurationError
from run.display import Display
from tests.tui.full import full
from tests.tui.made import FakeRecording, FakeRun, ended
from tests.tui.piloting import drive, panel_text, screen_text, until
from tui.actions import ACTIONS
from tui.app import MonitorApp
from tui.checking import check
from tui.fault_screen import FaultScreen
from tui.keymap import checked, conflicts, shown, table
from tui.screens import PageScreen
from tui.views.registry import VIEWS

SIZES = [(120, 40), (80, 24), (60, 16)]
FAST = Display(interval=0.02)


def told(app: MonitorApp) -> str:
    return "\n".join(notification.message for notification in app._notifications)


def view_text(app: MonitorApp) -> str:
    return panel_text(app, "view")


@pytest.mark.parametrize("size", SIZES)
def test_every_view_comes_up_on_its_key_and_escape_goes_home(size: tuple[int, int]) -> None:
    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        for view, key in [(view, f"{number}") for number, view in enumerate([*VIEWS, "end"], 2)][:-1]:
            await pilot.press("0" if view == "settings" else key)
            await until(pilot, lambda view=view: VIEWS[view].title in screen_text(app), view)  # type: ignore[misc]
            await pilot.press("escape", "escape")
            await until(pilot, lambda: app.view == "home", "home")

    drive(MonitorApp(FakeRun(full()), FAST), script, size)


def test_records_are_tapped_only_while_somebody_looks() -> None:
    run = FakeRun(full())

    async def script(_app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press("5")
        await until(pilot, lambda: run.calls == [("tap", True)], "the tap")
        await pilot.press("4")
        await until(pilot, lambda: run.calls[-1] == ("tap", False), "the end of the tap")
        await pilot.press("5")
        await until(pilot, lambda: run.calls[-1] == ("tap", True), "the tap")

    drive(MonitorApp(run, FAST), script)
    assert run.calls[-1] == ("tap", False)


def test_a_record_is_opened_then_followed_and_let_go() -> None:
    run = FakeRun(full())

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press("5", "down", "enter")
        await until(pilot, lambda: "'euros': 0.05" in view_text(app), "the difference")
        await pilot.press("enter")
        await until(pilot, lambda: ("follow", "orders/a.jsonl:290") in run.calls, "the follow")
        await until(pilot, lambda: "FOLLOWING orders/a.jsonl:290" in view_text(app), "the followed record")
        await pilot.press("escape")
        await until(pilot, lambda: run.calls[-1] == ("follow", None), "the end")
        await pilot.press("slash", *"orders/b.jsonl:7", "enter")
        await until(pilot, lambda: run.calls[-1] == ("follow", "orders/b.jsonl:7"), "another, by its id")

    drive(MonitorApp(run, FAST), script)


def test_enter_on_a_stage_drills_down_and_left_and_right_change_it() -> None:
    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press("down", "j", "enter")
        await until(pilot, lambda: "TRANSFORM" in view_text(app), "the stage")
        await pilot.press("right")
        await until(pilot, lambda: "OUTPUT" in view_text(app), "the next stage")
        await pilot.press("h", "left")
        await until(pilot, lambda: "VALIDATION" in view_text(app), "two back")

    drive(MonitorApp(FakeRun(full()), FAST), script)


def test_a_filter_narrows_while_it_is_typed_and_escape_ends_it() -> None:
    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press("9", "slash", *"http")
        await until(pilot, lambda: "hello" not in view_text(app), "the filter")
        assert "no answer" in view_text(app)
        await pilot.press("enter", "p")
        assert "no answer" in view_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: "hello" in view_text(app), "all lines")

    run = FakeRun(full())
    drive(MonitorApp(run, FAST), script)
    assert run.calls == ["pause"], "keys steer again once the filter stands"


def test_letters_are_filtered_by_the_run_and_shown_whole() -> None:
    run = FakeRun(full())

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press("6")
        await until(pilot, lambda: "orders/a.jsonl:39" in view_text(app), "the letters")
        await pilot.press("slash", *"jsonl:17", "enter")
        await until(pilot, lambda: "orders/a.jsonl:39" not in view_text(app), "the filter")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PageScreen), "the letter")
        await until(
            pilot, lambda: "[b]is[/b] not a number \\x1b[31m" in screen_text(app), "its text, as it is"
        )

    drive(MonitorApp(run, FAST), script)


def test_sorting_goes_through_the_columns_and_turns_around() -> None:
    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press("3", "s", "s")
        await until(pilot, lambda: "Sorted by read" in told(app), "a word")
        rows = [line for line in view_text(app).split("\n") if ".jsonl" in line]
        assert "a.jsonl" in rows[0]
        await pilot.press("S")
        await until(pilot, lambda: "b.jsonl" in view_text(app).split("\n")[3], "the other way")
        await pilot.press("1", "s")
        await until(pilot, lambda: "keeps its own order" in told(app), "a word at home")

    drive(MonitorApp(FakeRun(full()), FAST), script)


def test_freezing_stops_the_view_and_not_the_run() -> None:
    run = FakeRun(full())

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press("space")
        await until(pilot, lambda: "VIEW FROZEN" in screen_text(app), "the word")
        assert "the pipeline goes on" in screen_text(app)
        run.show(pipeline="later")
        await pilot.pause(0.2)
        assert "later" not in screen_text(app)
        await pilot.press("space")
        await until(pilot, lambda: "later" in screen_text(app), "the newest state")
        assert "VIEW FROZEN" not in screen_text(app)

    drive(MonitorApp(run, FAST), script)
    assert run.calls == []


def test_a_paused_pipeline_and_faults_at_work_are_told_on_every_view() -> None:
    run = FakeRun(full(phase="paused"))

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        for key in ("1", "4", "0"):
            await pilot.press(key)
            await until(pilot, lambda: "PIPELINE PAUSED" in screen_text(app), "the pause")
            assert "FAULT AT WORK: leak.dict@transform,rate=1" in screen_text(app)
        await pilot.press("F")
        await until(pilot, lambda: run.calls == ["lift_faults"], "the lift")
        run.show(faults=tuple(replace(each, lifted_s=29.0) for each in run.snapshot.faults))
        await until(pilot, lambda: "FAULT AT WORK" not in screen_text(app), "no banner")

    drive(MonitorApp(run, FAST), script, (80, 24))


def test_the_palette_of_faults_asks_which_where_and_how() -> None:
    run = FakeRun(full())

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, FaultScreen), "the palette")
        await pilot.press(*"leak", "enter")
        await until(pilot, lambda: "2 of 3" in screen_text(app), "the stages")
        await pilot.press("down", "enter")
        await until(pilot, lambda: "3 of 3" in screen_text(app), "the parameters")
        await until(pilot, lambda: isinstance(app.focused, Input), "a field")
        await pilot.press(*"0.5", "tab", *"high")
        await until(
            pilot,
            lambda: "--fault leak.dict@transform,rate=0.5,intensity=high" in screen_text(app),
            "the order as it will be put in",
        )
        await pilot.press("escape", "escape", "escape")
        await until(pilot, lambda: len(app.screen_stack) == 1, "out again")
        assert run.calls == []
        await pilot.press("f", *"slow_sink", "enter")
        await until(pilot, lambda: "3 of 3" in screen_text(app), "one stage needs no question")
        await until(pilot, lambda: isinstance(app.focused, Input), "a field")
        await pilot.press("enter")
        await until(pilot, lambda: run.calls == [("inject", "lookalike.slow_sink@output")], "the fault")

    drive(MonitorApp(run, FAST), script, (80, 24))


@pytest.mark.parametrize(("key", "call"), [("g", "take_census"), ("d", "diagnose"), ("F", "lift_faults")])
def test_a_key_asks_and_what_the_run_says_against_it_is_told(key: str, call: str) -> None:
    run = FakeRun(full())

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press(key)
        await until(pilot, lambda: run.calls == [call], call)
        run.refuses = "not [b]now[/b]"
        await pilot.press(key)
        await until(pilot, lambda: "not [b]now[/b]" in told(app), "the reason")

    drive(MonitorApp(run, FAST), script)


@pytest.mark.parametrize(
    "key", ["p", "n", "f", "F", "g", "d", "t", "left_square_bracket", "right_curly_bracket"]
)
def test_without_the_power_a_key_says_so(key: str) -> None:
    run = FakeRun(full())
    run.able = frozenset()

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press(key)
        await until(pilot, lambda: bool(re.search("cannot|No fault|no recording", told(app))), "the reason")
        assert len(app.screen_stack) == 1

    drive(MonitorApp(run, FAST), script)
    assert run.calls == []


def test_a_recording_is_moved_about_in_and_not_changed() -> None:
    run = FakeRecording()

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await until(pilot, lambda: "RECORDING PLAYING x1" in screen_text(app), "the line of time")
        await pilot.press("space")
        await until(pilot, lambda: "RECORDING STOPPED" in screen_text(app), "the stop")
        await pilot.press("right_square_bracket", "right_square_bracket", "left_square_bracket")
        await until(pilot, lambda: run.at == 1, "two on, one back")
        await pilot.press("greater_than_sign", "greater_than_sign", "less_than_sign")
        await until(pilot, lambda: "x2" in screen_text(app), "the speed")
        await pilot.press("t", *"0:30", "enter")
        await until(pilot, lambda: "0:30 of 0:30" in screen_text(app), "the end")
        await pilot.press("left_curly_bracket")
        await until(pilot, lambda: "0:20: rate fell" in told(app), "the mark")
        await pilot.press("t", *"soon", "enter")
        await until(pilot, lambda: "'soon' is no time" in told(app), "the complaint")
        await pilot.press("p")
        await until(pilot, lambda: "cannot be changed" in told(app), "the refusal")
        await pilot.press("q")
        await until(pilot, lambda: app._exit, "the end, without a question")

    drive(MonitorApp(run, FAST), script, (80, 24))
    assert run.calls == []


def test_a_run_of_another_terminal_goes_on_when_one_leaves() -> None:
    run = FakeRun(full())
    run.ours = False

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press("ctrl+c")
        await until(pilot, lambda: app._exit, "the end")

    assert drive(MonitorApp(run, FAST), script) is None
    assert run.calls == []


@pytest.mark.parametrize(("key", "ending"), [("c", "csv"), ("v", "svg"), ("t", "txt")])
def test_a_view_is_exported_and_the_path_told(
    key: str, ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press("4", "e")
        await until(pilot, lambda: "Export this view" in screen_text(app), "the question")
        await pilot.press(key)
        await until(pilot, lambda: "Wrote" in told(app), "the path")

    drive(MonitorApp(FakeRun(full()), FAST), script)
    (path,) = tmp_path.iterdir()
    assert path.suffix == f".{ending}"
    text = path.read_text(encoding="utf-8")
    if ending == "csv":
        assert next(csv.DictReader(text.splitlines()))["type"] == "dict"
    else:
        assert "CACHES" in text
        assert "Export this view" not in text
        assert "@font-face" not in text


def test_copying_takes_the_line_with_the_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr(MonitorApp, "copy_to_clipboard", lambda _, text: copied.append(text))

    async def script(_app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press("9", "y")
        await until(pilot, lambda: bool(copied), "the copy")

    drive(MonitorApp(FakeRun(full()), FAST), script)
    assert copied == ["error orders.http no answer"]


def test_a_panel_is_maximised_and_given_back() -> None:
    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await until(pilot, lambda: "MEMORY" in screen_text(app), "home")
        await pilot.press("tab", "tab", "m")
        await until(pilot, lambda: "STAGES" not in screen_text(app), "events alone")
        assert "EVENTS" in screen_text(app)
        await pilot.press("m")
        await until(pilot, lambda: "STAGES" in screen_text(app), "all of it")

    drive(MonitorApp(FakeRun(full()), FAST), script, (80, 24))


def test_settings_change_while_the_screen_is_up() -> None:
    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press("comma", "enter")
        await until(pilot, lambda: app.theme == "monitor-light", "the next theme")
        await until(pilot, lambda: "light" in view_text(app), "its name")
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.look.ascii, "ASCII")
        await pilot.press("down", "enter")
        await until(pilot, lambda: not app.look.motion, "no motion")
        await pilot.press("r")
        await until(pilot, lambda: app.interval == 0.1, "the next pace")
        await pilot.press("end", "enter")
        await until(pilot, lambda: "when the monitor starts" in told(app), "what cannot be changed")

    drive(MonitorApp(FakeRun(full()), FAST), script)


def test_help_explains_the_view_that_is_up() -> None:
    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press("8", "question_mark")
        await until(pilot, lambda: "HELP: DIAGNOSIS" in screen_text(app), "the help")
        await until(pilot, lambda: "Evidence for a cause" in screen_text(app), "how to read it")
        await pilot.press("j", "k", "pagedown", "escape")
        await until(pilot, lambda: len(app.screen_stack) == 1, "back")

    drive(MonitorApp(FakeRun(full()), FAST), script)


def test_other_keys_take_the_place_of_the_own_ones() -> None:
    run = FakeRun(full())
    display = replace(FAST, keys=(("run.pause", "ctrl+x,f4"), ("move.down", "w")), keys_from="a file")

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press("p", "w", "w", "ctrl+x")
        await until(pilot, lambda: run.calls == ["pause"], "the pause, once")
        assert "^x f4 pause" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: "TRANSFORM" in view_text(app), "two down")

    drive(MonitorApp(run, display), script)


def test_a_mouse_chooses_and_opens() -> None:
    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await until(pilot, lambda: "validation" in screen_text(app), "the board")
        await pilot.click("#board", offset=(10, 3))
        await pilot.click("#board", offset=(10, 3))
        await until(pilot, lambda: "VALIDATION" in view_text(app), "the stage")
        await pilot.click("#tabs", offset=(20, 0))
        await until(pilot, lambda: app.view == "ledger", "the view of that tab")

    drive(MonitorApp(FakeRun(full()), FAST), script, (80, 24))


def test_the_verdict_is_reached_from_a_frozen_view() -> None:
    run = FakeRun(full())

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press("space")
        run.end(ended())
        await until(pilot, lambda: "All 1,000 input records" in screen_text(app), "the verdict")

    drive(MonitorApp(run, FAST), script)


def test_no_two_actions_share_a_key_and_none_that_moves_changes_the_run() -> None:
    assert conflicts(ACTIONS) == []
    assert not [action.id for action in ACTIONS if action.group == "moving" and action.changes_run]


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ((("run.stop", "x"),), "keys.run.stop: no such action"),
        ((("run.drain", "p"),), "p: run.pause and run.drain"),
        ((("run.drain", "hyper+x"),), "'hyper+x' is no key"),
        ((("run.drain", ""),), "needs at least one key"),
    ],
)
def test_keys_that_cannot_be_are_told_before_anything_runs(
    keys: tuple[tuple[str, str], ...], complaint: str
) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(complaint)) as told:
        checked(keys, "my.toml")
    assert str(told.value).startswith("my.toml: ")
    with pytest.raises(ConfigurationError):
        check(Display(keys=keys))


def test_a_theme_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(ConfigurationError, match="there is dark, light, safe; did you mean 'light'"):
        check(Display(theme="lihgt"))


def test_keys_may_be_given_as_characters() -> None:
    drain = next(action for action in table((("run.drain", "&,[,ctrl+x"),)) if action.id == "run.drain")
    assert drain.keys == "ampersand,left_square_bracket,ctrl+x"
    assert drain.shown == "& [ ^x"
    assert shown("pageup") == "pgup"
