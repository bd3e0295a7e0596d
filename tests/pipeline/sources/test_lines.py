"""Lines: blank ones, too long ones, odd line ends, encodings; the same however the bytes are cut."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources import files
from pipeline.sources.formats import JsonLines, TextLines
from tests.pipeline.sources.reading import drain, in_blocks, read

_BYTES = st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\r\n", b"\r", b"\n\n", b" "]), max_size=30).map(
    b"".join
)


def _oracle(data: bytes) -> dict[int, str]:
    lines = data.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    return {
        number: line.removesuffix(b"\r").decode()
        for number, line in enumerate(lines)
        if line not in (b"", b"\r")
    }


@given(data=_BYTES, size=st.integers(1, 9), start=st.integers(0, 8))
def test_lines_are_the_same_however_the_bytes_are_cut(data: bytes, size: int, start: int) -> None:
    seen = drain(TextLines("utf-8", 1 << 20).chunks(in_blocks(data, size), start, None, "test"))
    assert seen.values == {at: line for at, line in _oracle(data).items() if at >= start}


@given(data=_BYTES, size=st.integers(1, 9), limit=st.integers(1, 4), start=st.integers(0, 8))
def test_a_line_is_rejected_exactly_when_it_is_too_long(
    data: bytes, size: int, limit: int, start: int
) -> None:
    seen = drain(TextLines("utf-8", limit).chunks(in_blocks(data, size), start, None, "test"))
    lines = data.split(b"\n")
    long = {at for at, line in enumerate(lines) if len(line) > limit and at >= start}
    assert seen.reasons.keys() == long
    assert seen.values == {at: v for at, v in _oracle(data).items() if at >= start and at not in long}
    for at, rejection in seen.rejections.items():
        assert rejection.stage == "ingestion"
        assert rejection.original == lines[at]
        assert f"the record has {len(lines[at])} bytes" in rejection.reason
        assert f"max_record_bytes={limit}" in rejection.reason


def test_a_blank_line_is_no_record_and_keeps_its_number(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\n{"a":1}\n\r\n\n{"a":2}\r\n\n')
    assert read(files(path)).values == {1: {"a": 1}, 4: {"a": 2}}
    assert read(files(path), start=2).values == {4: {"a": 2}}


def test_a_block_is_handed_on_as_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a":1}\n{"a":2}\n')
    (chunk,) = files(path).read("a.jsonl", 0, None)
    assert chunk.raw == [b'{"a":1}', b'{"a":2}']
    assert chunk.position == 16


@pytest.mark.parametrize(
    ("name", "body"), [("a.jsonl", b'{"a": 1}'), ("a.csv", b"a\n1"), ("a.log", b'{"a": 1}')]
)
def test_a_byte_order_mark_is_dropped(tmp_path: Path, name: str, body: bytes) -> None:
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + body)
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / name).write_bytes(body)
    assert read(files(tmp_path / name)).values == read(files(plain / name)).values


@given(size=st.integers(1, 5), body=st.sampled_from([b"", b"\n", b"x", b"\xef\xbb\xbf"]))
def test_a_byte_order_mark_is_dropped_however_the_bytes_are_cut(size: int, body: bytes) -> None:
    from pipeline.sources.text import plain_text

    blocks = plain_text(in_blocks(b"\xef\xbb\xbf" + body, size), "utf-8")
    assert b"".join(block.data for block in blocks) == body


def test_bytes_that_are_not_utf8_reject_their_record_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a":"x"}\n{"a":"caf\xe9"}\n{"a":"y"}\n')
    seen = read(files(path))
    assert seen.values == {0: {"a": "x"}, 2: {"a": "y"}}
    assert "not valid UTF-8 at byte 9; give files(..., encoding=...)" in seen.reasons[1]
    assert read(files(path, encoding="latin-1")).values[1] == {"a": "café"}


def test_text_lines_that_are_not_utf8_or_hold_nul_are_rejected_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"one\ncaf\xe9\nn\0l\nfour\r\n")
    seen = read(files(path))
    assert seen.values == {0: "one", 3: "four"}
    assert "not valid UTF-8 at byte 3" in seen.reasons[1]
    assert seen.reasons[2] == "contains a NUL byte (at byte 1 of the line)"


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-32", "cp1252", "shift_jis", "UTF8", "utf-8-sig"]
)
def test_other_encodings_are_read_where_they_are_named(tmp_path: Path, encoding: str) -> None:
    text = {"cp1252": "größe €", "shift_jis": "日本語 \n".strip()}.get(encoding, "größe € 日本語 😀")
    path = tmp_path / "a.csv"
    path.write_bytes(f'name,value\n{text},1\n"{text}\nmore",2\n'.encode(encoding))
    assert read(files(path, encoding=encoding)).values == {
        0: {"name": text, "value": "1"},
        1: {"name": f"{text}\nmore", "value": "2"},
    }


def test_a_lone_surrogate_in_utf16_rejects_its_line_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes("one\n".encode("utf-16") + b"\x00\xd8" + "two\nthree\n".encode("utf-16-le"))
    seen = read(files(path, encoding="utf-16"))
    assert seen.values == {0: "one", 2: "three"}
    assert "not valid UTF-8" in seen.reasons[1]


def test_a_line_of_50_megabytes_is_a_record_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with path.open("wb") as out:
        out.write(b'{"a":1}\n{"a":"' + b"x" * 50_000_000 + b'"}\n{"a":3}\n')
    seen = read(files(path))
    assert seen.reasons == {}
    assert [len(str(value["a"])) for value in seen.values.values()] == [1, 50_000_000, 1]


def test_a_line_beyond_the_limit_is_rejected_and_not_held(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with path.open("wb") as out:
        out.write(b'{"a":1}\n' + b"x" * 5_000_000 + b'\n{"a":3}\n' + b"y" * 5_000_000)
    seen = read(files(path, max_record_bytes=2_000_000))
    assert seen.values == {0: {"a": 1}, 2: {"a": 3}}
    assert seen.reasons.keys() == {1, 3}
    reason = seen.reasons[1]
    assert "5,000,000 bytes" in reason
    assert "max_record_bytes=2,000,000" in reason
    assert str(path) in reason
    assert seen.rejections[1].original == b"x" * 65_536


_BAD_JSON = {
    b'{"a": 1': "not valid JSON: the record ends too early",
    b'{"a": }': "not valid JSON: invalid character (byte 6)",
    b"{'a': 1}": "not valid JSON:",
    b'{"a": NaN}': "not valid JSON: invalid character (byte 6)",
    b'{"a": 1} {"a": 2}': "not valid JSON: trailing characters",
    b'{"a": "\x00"}': "not valid JSON: invalid character (byte 7)",
    b"\x00\x00": "not valid JSON: invalid character (byte 0)",
    b"[1, 2]": "expected `object`, got `array`",
    b"plain": "not valid JSON:",
    b"   ": "not valid JSON: the record ends too early",
    b'{"a": ' + b"[" * 100_000: "nested too deeply to be read",
}


@pytest.mark.parametrize(("line", "reason"), _BAD_JSON.items(), ids=range(len(_BAD_JSON)))
def test_bad_json_is_rejected_by_offset_and_reading_goes_on(tmp_path: Path, line: bytes, reason: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a":1}\n' + line + b'\n{"a":3}\n')
    seen = read(files(path))
    assert seen.values == {0: {"a": 1}, 2: {"a": 3}}
    assert seen.reasons[1].startswith(reason)


def test_json_of_another_kind_is_read_with_a_schema_of_that_kind() -> None:
    seen = drain(JsonLines("utf-8", 99).chunks(in_blocks(b"[1]\n[2]", 99), 0, list, "test"))
    assert seen.values == {0: [1], 1: [2]}
