"""Standard input: records come through as soon as their line is complete."""

from __future__ import annotations

import os
import pty
from collections.abc import Iterator

import pytest

from pipeline.errors import ConfigurationError
from pipeline.sources import stdin
from pipeline.sources.formats import TextOptions
from pipeline.sources.stdin import Stdin, StreamFormat
from tests.pipeline.sources.reading import drain


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


def _source(fd: int, format: StreamFormat = "jsonl") -> Stdin:
    return Stdin("stdin", format, TextOptions(), fd)


@pytest.mark.timeout(20)
def test_a_record_comes_through_while_the_other_end_is_still_open(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    chunks = _source(reading).read("stdin", 0, None)
    os.write(writing, b'{"a":1}\n{"a"')
    assert list(next(chunks).ids.offsets()) == [0]
    os.write(writing, b":2}\n")
    second = next(chunks)
    assert (second.raw, second.position) == ([b'{"a":2}'], 16)
    os.close(writing)
    assert list(chunks) == []


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("format", "body", "expected"),
    [
        ("jsonl", b'{"a":1}\n\n{"a":2}', {0: {"a": 1}, 2: {"a": 2}}),
        ("csv", b'a,b\n1,"x\ny"\n2,z', {0: {"a": "1", "b": "x\ny"}, 1: {"a": "2", "b": "z"}}),
        ("tsv", b"a\tb\n1\t2\n", {0: {"a": "1", "b": "2"}}),
        ("lines", b"\xef\xbb\xbfone\r\ntwo", {0: "one", 1: "two"}),
        ("lines", b"", {}),
    ],
)
def test_each_format_is_read_to_the_end(
    pipe: tuple[int, int], format: StreamFormat, body: bytes, expected: dict[int, object]
) -> None:
    reading, writing = pipe
    os.write(writing, body)
    os.close(writing)
    source = _source(reading, format)
    source.check()
    assert [spec.name for spec in source.partitions()] == ["stdin"]
    assert drain(source.read("stdin", 0, None)).values == expected


@pytest.mark.timeout(20)
def test_a_resumed_read_passes_over_what_was_had(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.write(writing, b"a\nb\nc\n")
    os.close(writing)
    assert drain(_source(reading, "lines").read("stdin", 2, None)).values == {2: "c"}


def test_a_terminal_or_a_closed_stdin_is_refused() -> None:
    primary, secondary = pty.openpty()
    try:
        with pytest.raises(ConfigurationError, match="is a terminal; pipe the records in"):
            _source(secondary).check()
    finally:
        os.close(primary)
        os.close(secondary)
    with pytest.raises(ConfigurationError, match=r"stdin\(\) is closed"):
        _source(secondary).check()


def test_the_format_must_be_one_that_streams() -> None:
    with pytest.raises(ConfigurationError, match=r"stdin\('parquet'\): give one of jsonl, csv, tsv, lines"):
        stdin("parquet")  # type: ignore[arg-type]
    assert stdin("csv").blocking
