"""What a pipeline logs is kept for the screen, and goes where it went before."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import Pipeline, count, values
from pipeline.engine import Options
from run.log_ring import KEPT, LONGEST, LogRing
from run.session import Session
from tests.run.command import DEADLINE_S, call, write


@pytest.fixture
def ring() -> Iterator[LogRing]:
    under_test = LogRing(lambda: 1.5)
    under_test.open()
    yield under_test
    under_test.close()


def test_what_stages_log_is_in_the_snapshot_and_the_handler_goes() -> None:
    talking = Pipeline("talking")
    talking.read(values(lambda: ((n, n) for n in range(3))))

    @talking.stage
    def speak(value: int) -> int:
        logging.getLogger("shop.orders").warning("order %d is odd", value)
        logging.getLogger("shop.orders").debug("nobody asked for this")
        return value

    talking.write(count())
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    session = Session(talking, Options())
    session.start()
    assert session.wait(DEADLINE_S)
    lines = session.report().snapshot.log
    assert [(line.level, line.logger, line.text) for line in lines] == [
        ("warning", "shop.orders", f"order {number} is odd") for number in range(3)
    ]
    assert all(0 <= line.at_s < DEADLINE_S for line in lines)
    assert list(root.handlers) == before
    assert root.level == level


LOGGING = """
    import logging
    from pipeline import Pipeline, count, values

    {configure}
    talking = Pipeline("talking")
    talking.read(values(lambda: ((n, n) for n in range(2))))

    @talking.stage
    def speak(value):
        logging.getLogger("shop").warning("order %d is odd", value)
        logging.getLogger("shop").info("order %d was seen", value)
        return value

    talking.write(count())
"""


@pytest.mark.parametrize(
    ("configure", "told"),
    [
        ("", ["order 0 is odd", "order 1 is odd"]),
        (
            "logging.basicConfig(level='INFO', format='<%(levelname)s> %(message)s')",
            [f"<{it}" for n in (0, 1) for it in (f"WARNING> order {n} is odd", f"INFO> order {n} was seen")],
        ),
        ("logging.getLogger('shop').addHandler(logging.NullHandler())", []),
        ("logging.getLogger('shop').propagate = False", ["order 0 is odd", "order 1 is odd"]),
        ("logging.lastResort = None", []),
    ],
)  # fmt: skip
def test_headless_the_lines_go_to_stderr_as_without_a_monitor(
    tmp_path: Path, configure: str, told: list[str]
) -> None:
    file = write(tmp_path / "talking.py", LOGGING.format(configure=configure))
    done = call("run", file, "--headless")
    assert done.code == 0, done.told
    assert [line for line in done.err.splitlines() if "order" in line] == told


def test_a_flood_is_bounded_and_its_end_is_kept(ring: LogRing) -> None:
    log = logging.getLogger("flood")
    log.propagate = True
    for number in range(KEPT + 100):
        log.error("line %d %s", number, "x" * 2 * LONGEST)
    assert len(ring.lines) == KEPT
    assert ring.lines[-1].text.startswith(f"line {KEPT + 99} ")
    assert max(len(line.text) for line in ring.lines) == LONGEST
    assert ring.lines is ring.lines


def test_messages_that_cannot_be_told_are_told_as_such(ring: LogRing) -> None:
    class Rude:
        def __str__(self) -> str:
            raise ZeroDivisionError("no")

    for text, arguments in (("%s", (Rude(),)), ("%d of %d", (1,)), (Rude(), ())):
        record = {"msg": text, "args": arguments, "levelno": logging.ERROR}
        ring.handle(logging.makeLogRecord(record))
    assert [line.level for line in ring.lines] == ["error"] * 3
    assert all("cannot be told" in line.text for line in ring.lines)


def test_an_exception_is_named_and_a_message_of_several_lines_is_several(ring: LogRing) -> None:
    try:
        dict[str, int]()["id"]
    except KeyError:
        logging.getLogger("shop").exception("order lost\nand its lines")
    assert [line.text for line in ring.lines] == ["order lost", "and its lines (KeyError: 'id')"]


def test_what_a_handler_printed_is_not_there_twice(ring: LogRing) -> None:
    logging.getLogger("shop").warning("order 7 is odd")
    ring.printed(["12:00 WARNING shop: order 7 is odd", "hello", ""])
    assert [(line.level, line.text) for line in ring.lines] == [
        ("warning", "order 7 is odd"),
        ("print", "hello"),
        ("print", ""),
    ]
