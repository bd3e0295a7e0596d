"""Every rejected record is in the file, whatever it holds."""

from __future__ import annotations

import base64
import json
import math
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.batch import Partition, Rejection
from pipeline.dead_letters import DeadLetter, DeadLetters, read
from pipeline.errors import ConfigurationError, InputError, SinkError
from pipeline.ids import Id

PARTITION = Partition("orders", "2024/a.jsonl")


class Order(msgspec.Struct):
    id: int


class Opaque:
    def __repr__(self) -> str:
        return "<opaque \ud800>"


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def write(path: Path, *rejections: Rejection) -> list[DeadLetter]:
    letters = DeadLetters(path)
    letters.open()
    letters.write(PARTITION, rejections)
    found = list(read(path))
    letters.close()
    assert letters.written == len(rejections) == len(found)
    return found


def test_a_line_has_what_is_needed_to_find_and_mend_the_record(tmp_path: Path) -> None:
    path = tmp_path / "dead.jsonl"
    rejection = Rejection(Id(7, "2"), "enrich", "no rate", b'{"id": 7}', Order(7), "Traceback ...\n", 4)
    write(path, rejection)
    (line,) = path.read_text().splitlines()
    assert json.loads(line) == {
        "id": "orders/2024/a.jsonl:7.2",
        "stage": "enrich",
        "reason": "no rate",
        "attempts": 4,
        "original": '{"id": 7}',
        "form": "bytes",
        "value": {"id": 7},
        "traceback": "Traceback ...\n",
    }


def test_bytes_that_are_no_text_are_base64(tmp_path: Path) -> None:
    path = tmp_path / "dead.jsonl"
    (letter,) = write(path, Rejection(Id(0), "parse", "bad", b"\xff\xfe"))
    assert letter.original is None
    assert letter.original_base64 == base64.b64encode(b"\xff\xfe").decode()
    assert letter.raw == b"\xff\xfe"
    assert "original" not in json.loads(path.read_text())


@pytest.mark.parametrize(
    "original", [None, 5, "text", [1, {"a": None}], {"a": "ü\n\u2028"}, bytearray(b"ab")]
)
def test_values_are_json(original: Any, tmp_path: Path) -> None:
    (letter,) = write(tmp_path / "dead.jsonl", Rejection(Id(0), "parse", "bad", original))
    assert letter.original == ("ab" if isinstance(original, bytearray) else original)


def _circle() -> list[Any]:
    circle: list[Any] = []
    circle.append(circle)
    return circle


def _deep() -> list[Any]:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    return deep


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Opaque(), "<opaque \\ud800>"),
        (Hostile(), "<Hostile that cannot be shown>"),
        (_circle(), "[[...]]"),
        (_deep(), "<list that cannot be shown>"),
        ("\ud800", "\\ud800"),
        ({"a": "\ud800"}, "{'a': '\\ud800'}"),
        ({(1, 2): 3}, "{(1, 2): 3}"),
        (10**5000, "<int that cannot be shown>"),
        (math.nan, None),
    ],
    ids=[
        "opaque",
        "hostile",
        "circle",
        "deep",
        "surrogate",
        "nested surrogate",
        "tuple key",
        "huge int",
        "nan",
    ],
)
def test_a_value_that_is_no_json_is_shown_as_text_beside_the_rest(
    value: object, shown: str | None, tmp_path: Path
) -> None:
    letters = write(
        tmp_path / "dead.jsonl",
        Rejection(Id(0), "first", "bad", b"raw", "good"),
        Rejection(Id(1), "second", "bad \ud800", b"raw", value),
        Rejection(Id(2), "third", "bad", value),
    )
    assert [letter.original for letter in letters] == ["raw", "raw", shown]
    assert [letter.value for letter in letters] == ["good", shown, None]
    assert letters[1].reason in ("bad \ud800", "bad \\ud800")


@given(
    originals=st.lists(
        st.binary(max_size=20)
        | st.text(max_size=8)
        | st.floats()
        | st.dictionaries(st.integers(), st.text()),
        min_size=1,
        max_size=8,
    ),
    reason=st.text(max_size=10),
)
@settings(max_examples=80)
def test_nothing_in_a_record_keeps_it_out_of_the_file(originals: list[Any], reason: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rejections = [Rejection(Id(at), "stage", reason, value) for at, value in enumerate(originals)]
        letters = write(Path(folder) / "dead.jsonl", *rejections)
        assert [letter.id for letter in letters] == [PARTITION.record(Id(at)) for at in range(len(originals))]
        for letter, original in zip(letters, originals, strict=True):
            if isinstance(original, bytes):
                raw = letter.raw
                assert (raw.encode() if isinstance(raw, str) else raw) == original


def test_a_run_without_rejects_leaves_no_file_not_even_an_older_one(tmp_path: Path) -> None:
    path = tmp_path / "dead.jsonl"
    write(path, Rejection(Id(0), "parse", "bad", b""))
    letters = DeadLetters(path)
    letters.check()
    letters.open()
    letters.write(PARTITION, [])
    letters.close()
    letters.close()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConfigurationError, match="there is no file"):
        list(read(path))


def test_each_write_can_be_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "dead.jsonl"
    letters = DeadLetters(path)
    letters.open()
    for number in range(3):
        letters.write(PARTITION, [Rejection(Id(number), "parse", "bad", b"x")])
        assert len(list(read(path))) == number + 1
    letters.close()


@pytest.mark.parametrize("torn", [b'{"id": "a', b'{"id": "\xc3', b"{", b'{"id": "a"}'])
def test_a_torn_last_line_is_left_out(torn: bytes, tmp_path: Path) -> None:
    path = tmp_path / "dead.jsonl"
    write(path, Rejection(Id(0), "parse", "bad", b"x"))
    path.write_bytes(path.read_bytes() + torn)
    assert [letter.id for letter in read(path)] == ["orders/2024/a.jsonl:0"]


def test_a_line_that_is_no_dead_letter_is_named(tmp_path: Path) -> None:
    path = tmp_path / "dead.jsonl"
    path.write_text('{"id": "s/p:1", "stage": "a", "reason": "b"}\nnonsense\n')
    letters = read(path)
    assert next(letters).attempts == 1
    with pytest.raises(InputError, match=r"dead\.jsonl, line 2: not a dead letter"):
        next(letters)


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="dead letters: cannot write"):
        DeadLetters(tmp_path / "missing" / "dead.jsonl").check()
    with pytest.raises(SinkError, match="dead letters: cannot write"):
        DeadLetters(tmp_path).open()
    letters = DeadLetters(tmp_path / "missing" / "dead.jsonl")
    letters.open()
    with pytest.raises(SinkError, match="No such file"):
        letters.write(PARTITION, [Rejection(Id(0), "parse", "bad", b"x")])
    letters.close()
