"""Every view of the list keeps the contract of a page, whatever is in the snapshot."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.snapshot import Snapshot
from run.live import LetterLine
from tests.tui.full import full
from tests.tui.made import EVERYTHING, FakeRecording, snapshot
from tui.actions import ACTIONS
from tui.look import Look
from tui.page import Ask, Letters, Page, Scene, Setting
from tui.views.records import difference
from tui.views.registry import VIEWS

NASTY = "[red]x[/] \x1b[31m数据\r\n\x07\u202e"
LETTERS = Letters(
    (LetterLine("orders/a:1", "validation", NASTY, 1), LetterLine("orders/a:2", "b", "late", 3)), True
)
SETTINGS = (Setting("theme", "colours", "dark", NASTY), Setting("mouse", "mouse", "taken", "", changes=False))


WORDS = ("verdict", "status", "phase", "cause", "hypothesis")


def scene(state: Snapshot, width: int = 118, **changes: Any) -> Scene:
    made = Scene(state, width, 30, Look(), Ask(), EVERYTHING, LETTERS, None, SETTINGS)
    return replace(made, **changes)


def page_text(page: Page) -> str:
    return "\n".join(line.text for line in (*page.head, *(row.line for row in page.rows)))


def spoilt(value: Any, text: str) -> Any:
    """The same value with every text in it replaced, but for those that are one of a few words."""
    if is_dataclass(value) and not isinstance(value, type):
        changes = {
            field.name: spoilt(getattr(value, field.name), text)
            for field in fields(value)
            if "Literal" not in str(field.type)
            and field.name not in ("verdict", "status", "phase", "cause", "hypothesis")
        }
        return replace(value, **changes)
    if isinstance(value, tuple):
        return tuple(spoilt(each, text) for each in value)
    return text if isinstance(value, str) else value


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    "state", [full(), snapshot(), spoilt(full(), NASTY), snapshot(stages=(), sources=())]
)
@pytest.mark.parametrize("width", [58, 78, 118])
@pytest.mark.parametrize("ascii", [False, True])
def test_a_page_keeps_its_width_and_shows_nothing_raw(
    view: str, state: Snapshot, width: int, ascii: bool
) -> None:
    look = Look.of(ascii=ascii, colour=True, read_only=False)
    closed = VIEWS[view].draw(scene(state, width, look=look))
    opened = VIEWS[view].draw(scene(state, width, look=look, ask=Ask(opened=frozenset(closed.keys))))
    for page in (closed, opened):
        for made in (*page.head, *(row.line for row in page.rows)):
            strip = made.strip(width)
            assert strip.cell_length == width
            assert strip.text.isprintable()
            assert not ascii or strip.text.isascii()


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_a_key_a_title_and_a_table_for_export(view: str) -> None:
    assert any(action.id == f"view.{view}" for action in ACTIONS)
    page = VIEWS[view].draw(scene(full()))
    assert len(set(page.keys)) == len(page.keys), "the cursor could not tell two rows apart"
    assert VIEWS[view].title.isupper()
    assert len(page.table) > 1
    assert len({len(row) for row in page.table}) == 1


@pytest.mark.parametrize("view", [view.id for view in VIEWS.values() if view.columns])
def test_every_column_sorts_and_the_order_turns_around(view: str) -> None:
    drawn = VIEWS[view]
    for sort in range(len(drawn.columns) + 1):
        one = drawn.draw(scene(full(), ask=Ask(sort=sort))).table
        other = drawn.draw(scene(full(), ask=Ask(sort=sort, reverse=True))).table
        assert sorted(one) == sorted(other)
        assert one[1:] == other[1:][::-1]


@pytest.mark.parametrize(
    "view", [view.id for view in VIEWS.values() if view.filters and view.id != "letters"]
)
def test_a_filter_that_fits_nothing_leaves_no_row_to_stand_on(view: str) -> None:
    page = VIEWS[view].draw(scene(full(), ask=Ask(filter="no such text")))
    rest = {key.partition(":")[0] for key in page.keys}
    assert not rest & {"stage", "edge", "id", "cache", "type", "record", "fault", "anomaly", "step", "log"}


@pytest.mark.parametrize(
    ("view", "opened", "parts"),
    [
        (
            "stage",
            (),
            ("TRANSFORM", "p95 88ms", "300", "orders.py:41 enrich", "busy", "90 of 100, peak 95", "90%"),
        ),
        (
            "ledger",
            (),
            (
                "read 500 = delivered 478 + filtered 6 + rejected 4 + in flight 10 + LOST 2",
                "orders/a.jsonl:40",
                "validation → transform",
                "(queue 90 of 100, peak 95)",
            ),
        ),
        (
            "memory",
            (),
            (
                "GROWING (93% sure)",
                "300 B a record, between 250 B and 350 B",
                "transform: seen",
                "5,000",
                "held by orders.py: seen",
                "+9,000",
                "-40",
                "stood still for 7 ms",
            ),
        ),
        ("memory", ("cache:transform:seen",), ("declared by the pipeline", "held by orders.py: seen")),
        ("records", (), ("orders/a.jsonl:291", "validation rejected", "amount is not a number")),
        (
            "records",
            ("record:orders/a.jsonl:290",),
            ("unchanged", "- {'id': 290, 'cents': 5}", "+ {'id': 290, 'euros': 0.05}"),
        ),
        ("letters", (), ("4 records rejected", "orders/a:2", "late")),
        ("timeline", (), ("FAULT leak.dict@transform", "rate @transform", "rss")),
        (
            "timeline",
            ("fault:0",),
            ("put in at 0:10 with rate=1", "still at work", "to be seen: memory grows"),
        ),
        (
            "diagnosis",
            (),
            (
                "RUNNING",
                "the same keys again",
                "leak",
                "91%",
                "IT IS LEAK",
                "orders.py:41",
                "bound the dict",
                "with the fix it stays flat",
                "+seen.put",
                "RULED OUT",
                "slow_sink",
                "50% → 90%",
            ),
        ),
        (
            "diagnosis",
            ("cause:leak", "step:1"),
            (
                "+ grows with every record",
                "- the process is young",
                "predicts: new keys make a line",
                "repeat: monitor.py trial leak",
            ),
        ),
        ("log", (), ("ERROR", "orders.http: no answer", "PRINT", "hello")),
        ("settings", (), ("colours", "dark")),
    ],
)
def test_a_view_shows_what_it_is_for(view: str, opened: tuple[str, ...], parts: tuple[str, ...]) -> None:
    shown = " ".join(
        page_text(
            VIEWS[view].draw(scene(full(), ask=Ask(opened=frozenset(opened), stage="transform")))
        ).split()
    )
    for part in parts:
        assert part in shown


def test_a_followed_record_stands_on_top() -> None:
    shown = page_text(VIEWS["records"].draw(scene(full(), ask=Ask(follow="orders/a.jsonl:299"))))
    assert shown.index("FOLLOWING orders/a.jsonl:299") < shown.index("'ok': True") < shown.index("SAMPLED")


def test_the_axis_of_a_recording_spans_the_whole_of_it() -> None:
    shown = page_text(VIEWS["timeline"].draw(scene(full(), playhead=FakeRecording().playhead)))
    assert shown.split()[0] == "0:10"


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_difference_loses_nothing_and_marks_only_what_differs(before: str, after: str) -> None:
    left, right = difference(before, after)
    assert "".join(text for _, text in left) == before
    assert "".join(text for _, text in right) == after
    kept = [[text for mark, text in side if not mark] for side in (left, right)]
    assert "".join(kept[0]) == "".join(kept[1])


@settings(max_examples=30)
@given(st.text(max_size=40), st.sampled_from(sorted(VIEWS)))
def test_any_filter_is_just_a_text(wanted: str, view: str) -> None:
    VIEWS[view].draw(scene(full(), ask=Ask(filter=wanted)))
