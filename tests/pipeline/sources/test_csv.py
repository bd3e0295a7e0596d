"""CSV: quotes, line ends within them, and broken rows that harm no neighbour."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ConfigurationError
from pipeline.sources import files
from pipeline.sources.csv_format import CsvFormat
from pipeline.sources.csv_rows import RowCutter
from tests.pipeline.sources.reading import Seen, drain, in_blocks, read

_CELL = st.text(st.sampled_from('ab",\n\r; é'), max_size=5)


def _read(
    data: bytes, size: int = 1 << 20, start: int = 0, limit: int = 1 << 20, delimiter: str = ","
) -> Seen:
    return drain(
        CsvFormat(delimiter, "utf-8", (), limit).chunks(in_blocks(data, size), start, None, "test.csv")
    )


@settings(max_examples=300)
@given(
    rows=st.lists(st.tuples(_CELL, _CELL), max_size=8),
    size=st.integers(1, 20),
    start=st.integers(0, 9),
    dialect=st.tuples(st.sampled_from(",;\t|^"), st.sampled_from(["\n", "\r\n"]), st.booleans()),
)
def test_what_the_csv_module_writes_is_read_back_however_it_is_cut(
    rows: list[tuple[str, str]], size: int, start: int, dialect: tuple[str, str, bool]
) -> None:
    delimiter, ending, all_quoted = dialect
    quoting: Literal[0, 1] = csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL
    if ending == "\n":  # then the csv module does not quote a carriage return, and so does not keep it
        rows = [(x.replace("\r", ""), y.replace("\r", "")) for x, y in rows]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=ending, quoting=quoting)
    writer.writerows([("x", "y"), *rows])
    seen = _read(out.getvalue().encode(), size, start, delimiter=delimiter)
    assert seen.reasons == {}
    assert seen.values == {at: {"x": x, "y": y} for at, (x, y) in enumerate(rows) if at >= start}


@settings(max_examples=300)
@given(
    text=st.text(st.sampled_from('a",\n\r'), max_size=40), size=st.integers(1, 12), limit=st.integers(3, 60)
)
def test_whatever_the_bytes_are_no_line_is_lost_and_none_is_there_twice(
    text: str, size: int, limit: int
) -> None:
    cutter = RowCutter(",", limit)
    data = text.encode()
    rows: list[bytes] = []
    for begin in range(0, len(data), size):
        part = data[begin : begin + size].split(b"\n")
        rows += cutter.feed(part)
    rows += cutter.end()
    given_lines = [
        line for begin in range(0, len(data), size) for line in data[begin : begin + size].split(b"\n")
    ]
    assert [line for row in rows for line in row.split(b"\n")] == given_lines


@settings(max_examples=200)
@given(
    bad=st.sampled_from(
        [
            b'5,"stray',
            b'"6,7',
            b'5,"x"y',
            b"5",
            b"5,6,7",
            b"5,\xff",
            b"5,n\0l",
            b"5,a\rb",
            b'5,"""',
            b'"5","6"",',
        ]
    ),
    at=st.integers(0, 5),
    size=st.integers(1, 30),
    quoted=st.booleans(),
)
def test_a_broken_row_is_rejected_and_its_neighbours_are_not(
    bad: bytes, at: int, size: int, quoted: bool
) -> None:
    good = [b'"%d","v ""%d"""' % (n, n) if quoted else b"%d,v%d" % (n, n) for n in range(5)]
    rows = [*good[:at], bad, *good[at:]]
    seen = _read(b"x,y\n" + b"\n".join(rows) + b"\n", size)
    assert list(seen.reasons) == [at]
    expected = [{"x": str(n), "y": f'v "{n}"' if quoted else f"v{n}"} for n in range(5)]
    assert [seen.values[key] for key in sorted(seen.values)] == expected


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"1", "row has 1 fields, the header has 2"),
        (b"1,2,3", "row has 3 fields, the header has 2"),
        (b'1,"2', "not a valid row: a quote is opened and never closed; within quotes it is written twice"),
        (b'1,"2"3', "not a valid row: text follows a closing quote; within quotes it is written twice"),
        (b"1,2\r3", "not a valid row: a carriage return stands inside an unquoted field"),
        (b"1,\0", "contains a NUL byte (at byte 2 of the row)"),
        (b"1,\xe9", "not valid UTF-8 at byte 2; give files(..., encoding=...)"),
    ],
)
def test_the_reason_says_what_is_wrong_with_the_row(row: bytes, reason: str) -> None:
    seen = _read(b"x,y\n0,a\n" + row + b"\n2,c\n")
    assert seen.values == {0: {"x": "0", "y": "a"}, 2: {"x": "2", "y": "c"}}
    assert seen.reasons[1].startswith(reason)


def test_a_quote_within_an_unquoted_field_is_text() -> None:
    assert _read(b'x,y\n5" pipe,a"b\n6,c\n').values == {
        0: {"x": '5" pipe', "y": 'a"b'},
        1: {"x": "6", "y": "c"},
    }


def test_a_stray_quote_is_taken_back_at_the_limit_and_what_follows_is_cut_anew() -> None:
    body = b'x,y\n0,"open\n' + b"".join(b"%d,v\n" % n for n in range(1, 200))
    seen = _read(body, limit=100)
    assert list(seen.reasons) == [0]
    assert list(seen.values) == list(range(1, 200))


def test_a_row_of_many_lines_beyond_the_limit_loses_no_line() -> None:
    seen = _read(b'x,y\n0,"' + b"line\n" * 50 + b'"\n1,b\n', limit=60)
    assert seen.offsets == list(range(52))
    assert seen.values == {51: {"x": "1", "y": "b"}}


def test_a_field_of_a_megabyte_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'x,y\n1,"' + b"line\n" * 400_000 + b'"\n2,b\n')
    seen = read(files(path))
    assert seen.reasons == {}
    assert len(seen.values[0]["y"]) == 2_000_000
    assert seen.values[1] == {"x": "2", "y": "b"}


def test_empty_lines_are_no_rows_and_carry_no_number() -> None:
    seen = _read(b"\r\n\nx,y\n\n1,a\n\r\n2,b\n\n", 4)
    assert seen.values == {0: {"x": "1", "y": "a"}, 1: {"x": "2", "y": "b"}}


def test_rows_beyond_the_limit_are_rejected_and_counted() -> None:
    seen = _read(b"x,y\n1,a\n" + b"2" * 50 + b",b\n3,c\n", 7, limit=20)
    assert seen.values == {0: {"x": "1", "y": "a"}, 2: {"x": "3", "y": "c"}}
    assert "max_record_bytes=20" in seen.reasons[1]


def test_a_header_may_span_lines() -> None:
    assert _read(b'"x\n1",y\n1,2\n', 3).values == {0: {"x\n1": "1", "y": "2"}}


def test_a_header_alone_is_an_empty_file() -> None:
    assert _read(b"x,y").offsets == []


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"a,b,a", "'a' more than once (columns 1 and 3)"),
        (b"a,,c", "column 2 of 3 has no name"),
        (b"a,b,", "column 3 of 3 has no name"),
        (b'a,"b', "a quote is opened and never closed"),
        (b"a,\xff", "not valid UTF-8 at byte 2"),
        (b"a,b\rc,d", "a carriage return stands inside an unquoted field"),
    ],
)
def test_a_header_that_is_wrong_is_refused_before_the_run(
    tmp_path: Path, header: bytes, message: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(header + b"\n1,2,3\n")
    with pytest.raises(ConfigurationError) as caught:
        files(path).check()
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


class Flight(msgspec.Struct):
    flight: int
    carrier: str
    delay: float | None = None


def test_cells_become_the_types_of_the_schema(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("flight,carrier,delay,extra\n1,UA,2.5,x\n2,NA,NA,y\nNA,AA,1,z\n4,AA,soon,z\n")
    seen = read(files(path, null=("", "NA")), Flight)
    assert seen.values == {0: Flight(1, "UA", 2.5), 1: Flight(2, "NA", None)}
    assert seen.reasons == {
        2: "`$.flight`: expected `int`, got `null`",
        3: "`$.delay`: expected `float | null`, got 'soon'",
    }


def test_an_empty_cell_is_none_by_default_where_the_field_allows_it(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("flight\tcarrier\tdelay\n1\t\t\n")
    assert read(files(path), Flight).values == {0: Flight(1, "", None)}
    assert read(files(path)).values == {0: {"flight": "1", "carrier": None, "delay": None}}


def test_a_column_that_the_schema_needs_and_the_file_has_not_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("carrier\nUA\n")
    assert read(files(path), Flight).reasons == {0: "missing required field `flight`"}
