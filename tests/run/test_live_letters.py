"""Dead letters of a run that goes on, and its last minutes, for whoever looks at it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline import Pipeline, Reject, jsonl, values
from pipeline.engine import Options
from pipeline.errors import ConfigurationError
from run.dlq import live_letters
from run.dlq.live_letters import LiveLetters
from run.replay.tape import Tape
from run.session import Session
from tests.run.command import DEADLINE_S


def line(number: int, stage: str = "check") -> bytes:
    return json.dumps({"id": f"s/a:{number}", "stage": stage, "reason": f"Odd {number}"}).encode() + b"\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.dead-letters.jsonl"


def test_they_are_read_as_the_file_grows(path: Path) -> None:
    letters = LiveLetters(lambda: path)
    assert letters.letters("", 0, 9) == []
    path.write_bytes(line(1) + line(2) + line(3)[:20])
    assert [each.id for each in letters.letters("", 0, 9)] == ["s/a:1", "s/a:2"]
    with path.open("ab") as file:
        file.write(line(3)[20:] + line(4, "price"))
    assert [each.id for each in letters.letters("", 1, 2)] == ["s/a:2", "s/a:3"]
    assert [each.id for each in letters.letters("ODD 4", 0, 9)] == ["s/a:4"]
    assert [each.id for each in letters.letters("pric", 0, 9)] == ["s/a:4"]
    assert letters.letters("", -5, -1) == []


def test_one_is_told_whole_and_a_file_that_was_replaced_is_read_anew(path: Path) -> None:
    letters = LiveLetters(lambda: path)
    path.write_bytes(line(1) + b"no JSON\n" + line(2))
    assert "reason    Odd 2" in letters.letter("s/a:2")
    with pytest.raises(ConfigurationError, match="no dead letter has the id 's/a:9'"):
        letters.letter("s/a:9")
    path.with_suffix(".new").write_bytes(line(7))
    path.with_suffix(".new").replace(path)
    assert [each.id for each in letters.letters("", 0, 9)] == ["s/a:7"]
    path.write_bytes(b"")
    assert letters.letters("", 0, 9) == []


def test_of_very_many_the_newest_are_kept_and_a_little_is_read_at_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_letters, "KEPT", 50)
    monkeypatch.setattr(live_letters, "AT_ONCE", 1000)
    letters = LiveLetters(lambda: path)
    path.write_bytes(b"".join(line(number) for number in range(500)) + b"x" * 5000 + b"\n" + line(500))
    before = -1
    for _ in range(100):
        shown = letters.letters("", 0, 99)
        assert len(shown) <= 50
        last = int(shown[-1].id.partition(":")[2])
        assert last >= before
        before = last
    assert before == 500


def test_a_session_shows_its_letters_and_keeps_its_last_minutes(tmp_path: Path) -> None:
    odd = Pipeline("odd")
    odd.read(values(lambda: ((n, n) for n in range(20))))

    @odd.stage
    def check(value: int) -> dict[str, int]:
        if value % 2:
            raise Reject(f"{value} is odd")
        return {"value": value}

    odd.write(jsonl(tmp_path / "out.jsonl"))
    session = Session(odd, Options())
    assert {"letters", "record"} <= session.powers
    session.start()
    assert session.wait(DEADLINE_S)
    assert len(session.letters("", 0, 99)) == 10
    (found,) = session.letters("13 is", 0, 99)
    assert "13 is odd" in session.letter(found.id)
    session.save_recording(str(tmp_path / "kept.rec"))
    tape = Tape(tmp_path / "kept.rec")
    assert tape.header.pipeline == "odd"
    assert not tape.whole
    with pytest.raises(ConfigurationError, match="is no recording"):
        session.save_recording(str(tmp_path / "out.jsonl"))
