"""A log that is followed: killed and started again at any time, each line is in the output once."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest

from tests.run.command import DEADLINE_S, call, parsed, running, write

PIPELINE = """
    from pathlib import Path
    from pipeline import Pipeline, files, jsonl

    here = Path(__file__).parent
    p = Pipeline("log").read(files(here / "app.log", follow=True)).write(jsonl(here / "out.jsonl"))

    @p.stage
    def seen(line):
        (here / "ready").touch()
        return {"line": line}
"""


class Log:
    """A log of numbered lines that is rotated by renaming."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.lines = 0
        self._rotations = 0
        path.touch()

    def append(self, lines: int) -> None:
        text = "".join(f"{number}\n" for number in range(self.lines, self.lines + lines))
        with self._path.open("a") as file:
            file.write(text)
        self.lines += lines

    def rotate(self) -> None:
        self._rotations += 1
        self._path.rename(self._path.with_name(f"app.log.{self._rotations}"))
        self._path.touch()


def numbers(path: Path) -> list[int]:
    """The lines that have come out, as far as the last one is whole."""
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [int(line.split('"')[3]) for line in lines]


def until(path: Path, count: int) -> None:
    end = time.monotonic() + DEADLINE_S
    while len(numbers(path)) < count:
        assert time.monotonic() < end, f"{len(numbers(path))} of {count} lines came"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_for_more_and_everything_is_there(
    tmp_path: Path, number: signal.Signals
) -> None:
    file = write(tmp_path / "p.py", PIPELINE)
    log = Log(tmp_path / "app.log")
    log.append(100)
    with running("run", file, "--headless", "--json", tmp_path / "r.json", ready=tmp_path / "ready") as run:
        run.until_ready()
        until(tmp_path / "out.jsonl", 100)
        log.append(50)
        log.rotate()
        log.append(25)
        until(tmp_path / "out.jsonl", 175)
        run.send(number)
        done = run.done()
    assert done.code == 128 + number, done.told
    report = parsed((tmp_path / "r.json").read_text())
    assert report["records"]["delivered"] == report["records"]["read"] == 175
    assert {source["partition"]: source["read"] for source in report["sources"]} == {
        "app.log": 150,
        "app.log~2": 25,
    }
    assert sorted(numbers(tmp_path / "out.jsonl")) == list(range(175))


def test_it_ends_after_its_time_and_goes_on_from_there(tmp_path: Path) -> None:
    file = write(tmp_path / "p.py", PIPELINE)
    log = Log(tmp_path / "app.log")
    for _ in range(2):
        log.append(10)
        done = call("run", file, "--headless", "--duration", "1")
        assert done.code == 0, done.told
    assert numbers(tmp_path / "out.jsonl") == list(range(20))


def test_a_truncated_log_ends_the_run_and_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "p.py", PIPELINE)
    log = Log(tmp_path / "app.log")
    log.append(100)
    with running("run", file, "--headless", "--json", "-", ready=tmp_path / "ready") as run:
        run.until_ready()
        until(tmp_path / "out.jsonl", 100)
        (tmp_path / "app.log").write_text("new\n")
        done = run.done()
    assert done.code == 1, done.told
    assert "app.log was truncated: it has 4 bytes, but 290 had been read" in parsed(done.out)["problem"]
    assert numbers(tmp_path / "out.jsonl") == list(range(100))


def test_killed_at_any_time_each_line_comes_once(tmp_path: Path) -> None:
    file = write(tmp_path / "p.py", PIPELINE)
    log = Log(tmp_path / "app.log")
    chance = random.Random(20)
    for _ in range(6):
        log.append(chance.randrange(1, 3_000))
        with running("run", file, "--headless", ready=tmp_path / "ready") as run:
            run.until_ready()
            for _ in range(chance.randrange(1, 4)):
                time.sleep(chance.random() / 4)
                log.append(chance.randrange(1, 3_000))
            # So that the new file is seen: it would be no use to rotate before it was read at all.
            if chance.random() < 0.7:
                log.rotate()
                log.append(chance.randrange(1, 3_000))
            time.sleep(chance.random() / 2)
            run.send(signal.SIGKILL)
            run.done()
        (tmp_path / "ready").unlink()
    (tmp_path / "ready").touch()
    with running("run", file, "--headless", ready=tmp_path / "ready") as run:
        until(tmp_path / "out.jsonl", log.lines)
        run.send(signal.SIGINT)
        assert run.done().code == 130
    assert sorted(numbers(tmp_path / "out.jsonl")) == list(range(log.lines))
