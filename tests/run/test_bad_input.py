"""Bad input of every kind: told in words that help, and never at the cost of a record."""

from __future__ import annotations

import gzip
import json
import os
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.dead_letters import DeadLetter
from tests.run.command import Done, Report, here, letters, report_of, run_here, settled, write

GOOD = b'{"id": 1}\n'


@dataclass(frozen=True)
class Outcome:
    """A run over bad input: its report, what is in the sink, and what is in the dead letters."""

    done: Done
    report: Report
    rows: list[dict[str, object]]
    letters: list[DeadLetter]

    @property
    def reasons(self) -> list[str]:
        return [letter.reason for letter in self.letters]


Run = Callable[..., Outcome]


@pytest.fixture
def over(tmp_path: Path) -> Run:
    """Runs a pipeline that copies its input, and holds that every record is delivered or a dead letter."""

    def run(
        name: str, content: bytes, *, records: int, options: str = "", schema: str = "None", code: int = 0
    ) -> Outcome:
        (tmp_path / name).write_bytes(content)
        file = write(
            tmp_path / "copy.py",
            f"""
            from dataclasses import dataclass
            from pathlib import Path
            from pipeline import Pipeline, files, jsonl

            @dataclass
            class Row:
                id: int
                name: str = ""

            here = Path(__file__).parent
            copy = Pipeline("copy", batch_size=3)
            copy.read(files(here / {name!r}, name="in", {options}), schema={schema})
            copy.write(jsonl(here / "out.jsonl"))
            """,
        )
        done = run_here(file)
        assert done.code == code, done.told
        report = report_of(done)
        out = tmp_path / "out.jsonl"
        rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
        outcome = Outcome(done, report, rows, letters(report))
        counts = report["records"]
        assert counts["read"] == records == settled(report), done.told
        assert (counts["lost"], counts["duplicated"], counts["in_flight"]) == (0, 0, 0)
        assert (len(rows), len(outcome.letters)) == (counts["delivered"], counts["rejected"])
        return outcome

    return run


def refused(tmp_path: Path, text: str, *options: str) -> str:
    """What is told about a pipeline that cannot start; nothing may have been made."""
    file = write(tmp_path / "p.py", text)
    before = set(tmp_path.rglob("*"))
    done = run_here(file, *options)
    assert done.code == 2, done.told
    assert done.out == ""
    assert set(tmp_path.rglob("*")) == before
    return done.err


def reading(source: str) -> str:
    return f"""
        from pathlib import Path
        from pipeline import Pipeline, count, files

        here = Path(__file__).parent
        p = Pipeline("p")
        p.read({source})
        p.write(count())
        """


def writing(sink: str) -> str:
    return f"""
        from pathlib import Path
        from pipeline import *

        here = Path(__file__).parent
        p = Pipeline("p")
        p.read([(0, {{"id": 1}})])
        p.write({sink})
        """


# Input that is not there, or is not what its name says


def test_a_file_that_does_not_exist_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    (tmp_path / "orders.jsonl").write_bytes(GOOD)
    told = refused(tmp_path, reading('files(here / "order.jsonl")'))
    assert f"no such file: {tmp_path / 'order.jsonl'}" in told
    assert f"did you mean {str(tmp_path / 'orders.jsonl')!r}?" in told


def test_a_glob_without_a_match_says_what_there_is_instead(tmp_path: Path) -> None:
    (tmp_path / "orders.jsonl").write_bytes(GOOD)
    told = refused(tmp_path, reading('files(str(here / "*.csv"))'))
    assert "*.csv') matches no file" in told
    assert "orders.jsonl" in told


def test_a_folder_is_answered_with_a_pattern(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    told = refused(tmp_path, reading('files(here / "data")'))
    assert "is a folder: give a pattern" in told


def test_an_empty_file_is_a_healthy_run_of_no_records(over: Run) -> None:
    outcome = over("in.jsonl", b"", records=0)
    assert outcome.report["status"] == "healthy"
    assert outcome.rows == []


def test_no_records_are_told(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(b"id,name\n")
    file = write(tmp_path / "p.py", reading('files(here / "in.csv")'))
    done = here("run", file, "--headless")
    assert done.code == 0
    assert "No input records." in done.out


def test_what_is_not_gzip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl.gz").write_bytes(GOOD)
    told = refused(tmp_path, reading('files(here / "in.jsonl.gz")'))
    assert "in.jsonl.gz is not gzip" in told
    assert "rename it without .gz" in told


def test_gzip_that_does_not_say_so_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(gzip.compress(GOOD * 100))
    assert "is gzip data; let its name end in .gz" in refused(tmp_path, reading('files(here / "in.jsonl")'))


def test_truncated_gzip_delivers_what_is_whole_and_keeps_what_is_torn(over: Run) -> None:
    text = b"".join(b'{"id": %d, "key": "%s"}\n' % (i, os.urandom(6).hex().encode()) for i in range(5000))
    packed = gzip.compress(text)
    cut = packed[: len(packed) // 2]
    found = zlib.decompressobj(wbits=31).decompress(cut)
    complete = found.count(b"\n")
    torn = found.rpartition(b"\n")[2]
    outcome = over("in.jsonl.gz", cut, records=complete + bool(torn), code=1)
    assert [row["id"] for row in outcome.rows] == list(range(complete))
    if torn:
        (letter,) = outcome.letters
        assert letter.original == torn.decode()
        assert letter.id == f"in/in.jsonl.gz:{complete}"
    assert outcome.report["status"] == "failed"
    assert "in.jsonl.gz" in outcome.report["problem"]
    assert "gzip data ends too early" in outcome.report["problem"]


# Text that is not what it should be


def test_a_wrong_encoding_rejects_the_records_and_names_the_byte(over: Run) -> None:
    content = b'{"id": 1}\n{"id": "M\xfcller"}\n{"id": 3}\n'
    outcome = over("in.jsonl", content, records=3, code=4)
    assert [row["id"] for row in outcome.rows] == [1, 3]
    (letter,) = outcome.letters
    assert letter.raw == b'{"id": "M\xfcller"}'
    assert letter.id == "in/in.jsonl:1"
    assert re.search(r"UTF-8.*byte 9|byte 9.*UTF-8", letter.reason, re.IGNORECASE), letter.reason


def test_the_right_encoding_reads_it(over: Run) -> None:
    outcome = over("in.jsonl", b'{"id": "M\xfcller"}\n', records=1, options='encoding="latin-1"')
    assert outcome.rows == [{"id": "Müller"}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bom.jsonl", b'\xef\xbb\xbf{"id": "1"}\n{"id": "2"}\n'),
        ("crlf.jsonl", b'{"id": "1"}\r\n{"id": "2"}\r\n'),
        ("no-end.jsonl", b'{"id": "1"}\n{"id": "2"}'),
        ("blank.jsonl", b'\n{"id": "1"}\n\n\n{"id": "2"}\n\n'),
        ("bom.csv", b"\xef\xbb\xbfid\n1\n2\n"),
        ("crlf.csv", b"id\r\n1\r\n2\r\n"),
        ("no-end.csv", b"id\n1\n2"),
        ("blank.csv", b"\nid\n\n1\n\n2\n\n"),
    ],
)
def test_marks_and_line_ends_are_no_part_of_a_record(over: Run, name: str, content: bytes) -> None:
    outcome = over(name, content, records=2)
    assert outcome.rows == [{"id": "1"}, {"id": "2"}]


def test_another_kind_of_unicode_is_named(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes('{"id": 1}\n'.encode("utf-16"))
    told = refused(tmp_path, reading('files(here / "in.jsonl")'))
    assert "byte order mark of utf-16" in told
    assert "encoding='utf-16'" in told


@pytest.mark.parametrize("name", ["in.jsonl", "in.csv", "in.txt"])
def test_nul_bytes_reject_their_record_alone(over: Run, name: str) -> None:
    lines = {
        "in.jsonl": b'{"id": "1"}\n{"id": "\x00"}\n\x00\x00\n{"id": "4"}\n',
        "in.csv": b"id\n1\n\x00\n\x00\x00\n4\n",
        "in.txt": b"1\n\x00\n\x00\x00\n4\n",
    }
    outcome = over(name, lines[name], records=4, code=4)
    assert len(outcome.rows) == 2
    assert [letter.id for letter in outcome.letters] == [f"in/{name}:{offset}" for offset in (1, 2)]
    assert all("\x00" in str(letter.original) for letter in outcome.letters)


def test_a_line_of_50_mb_is_a_record_like_any_other(over: Run) -> None:
    long = b'{"id": "' + b"x" * (50 << 20) + b'"}'
    outcome = over("in.jsonl", GOOD + long + b"\n" + GOOD, records=3)
    assert [len(str(row["id"])) for row in outcome.rows] == [1, 50 << 20, 1]


def test_a_line_that_is_too_long_is_rejected_and_the_rest_goes_on(over: Run) -> None:
    long = b'{"id": "' + b"x" * (3 << 20) + b'"}'
    content = GOOD + long + b"\n" + GOOD
    outcome = over("in.jsonl", content, records=3, options="max_record_bytes=1 << 20", code=4)
    assert len(outcome.rows) == 2
    assert "max_record_bytes" in outcome.reasons[0]
    assert outcome.letters[0].id == "in/in.jsonl:1"


BAD_JSON = {
    "cut off": b'{"id": 1',
    "no object": b"[1, 2]",
    "a number": b"17",
    "single quotes": b"{'id': 1}",
    "a comma too many": b'{"id": 1,}',
    "two texts": b'{"id": 1} {"id": 2}',
    "not a number": b'{"id": NaN}',
    "no value": b'{"id": }',
    "bare words": b"hello there",
    "a bad escape": b'{"id": "\\x"}',
    "half a surrogate": b'{"id": "\\ud800"}',
    "nested too deeply": b'{"id": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "a raw line feed": b'{"id": "\t"}',
    "html": b"<html><body>502 Bad Gateway</body></html>",
}


def test_bad_json_of_every_kind_is_rejected_by_its_offset(over: Run) -> None:
    content = b"".join(GOOD + text + b"\n" for text in BAD_JSON.values())
    outcome = over("in.jsonl", content, records=2 * len(BAD_JSON), code=4)
    assert outcome.rows == [{"id": 1}] * len(BAD_JSON)
    expected = {f"in/in.jsonl:{2 * i + 1}": text for i, text in enumerate(BAD_JSON.values())}
    assert {letter.id: letter.raw for letter in outcome.letters} == {
        id: text.decode() for id, text in expected.items()
    }
    for letter in outcome.letters:
        assert letter.stage == "ingestion"
        assert letter.reason
        assert "\n" not in letter.reason


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'[\n  {"id": 1},\n  {"id": 2}\n]\n', "one JSON array"),
        (b'{\n  "id": 1\n}\n', "several lines"),
    ],
)
def test_json_that_is_no_json_lines_is_answered_with_a_command(
    tmp_path: Path, content: bytes, told: str
) -> None:
    (tmp_path / "in.json").write_bytes(content)
    err = refused(tmp_path, reading('files(here / "in.json")'))
    assert told in err
    assert "jq -c" in err


def test_rows_that_are_too_short_or_too_long_are_rejected(over: Run) -> None:
    outcome = over("in.csv", b"id,name\n1,a\n2\n3,c,x\n4,d\n", records=4, code=4)
    assert [row["id"] for row in outcome.rows] == ["1", "4"]
    assert outcome.reasons == ["row has 1 fields, the header has 2", "row has 3 fields, the header has 2"]
    assert [letter.raw for letter in outcome.letters] == ["2", "3,c,x"]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (b"id,name,id\n1,a,2\n", "'id' more than once (columns 1 and 3)"),
        (b"id,,name\n1,a,2\n", "column 2 of 3 has no name"),
    ],
)
def test_a_header_that_cannot_be_used_names_the_column(tmp_path: Path, header: bytes, told: str) -> None:
    (tmp_path / "in.csv").write_bytes(header)
    err = refused(tmp_path, reading('files(here / "in.csv")'))
    assert told in err
    assert str(tmp_path / "in.csv") in err


def test_a_quote_that_is_never_closed_spoils_its_own_row_alone(over: Run) -> None:
    outcome = over("in.csv", b'id,name\n1,a\n2,"b\n3,c\n', records=3, code=4)
    assert [row["id"] for row in outcome.rows] == ["1", "3"]
    assert outcome.letters[0].raw == '2,"b'


def test_a_record_that_does_not_fit_the_schema_names_the_field(over: Run) -> None:
    content = b'{"id": 1}\n{"id": "one"}\n{"name": "x"}\n{"id": 4, "name": null}\n{"id": 5}\n'
    outcome = over("in.jsonl", content, records=5, schema="Row", code=4)
    assert [row["id"] for row in outcome.rows] == [1, 5]
    assert ["id" in reason or "name" in reason for reason in outcome.reasons] == [True] * 3
    assert "id" in outcome.reasons[0]


# Stages, sources and sinks that are declared wrongly

DECLARED = """
    from pathlib import Path
    from pipeline import *

    here = Path(__file__).parent
    p = Pipeline("p")
    p.read([(0, 1)])
    {statement}
    p.write(count())
"""


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("p.stage(3)", "3 is no function"),
        ("p.stage('clean')", "'clean' is no function"),
        ("p.stage(lambda: 1, name='empty')", "stage 'empty' of pipeline 'p': it is defined as"),
        ("p.stage(lambda a, b: 1, name='two')", "it must take one argument, the record"),
        ("p.stage(int, name='i')", "is no function"),
        ("p.stage(print, workers=0)", "workers=0; it must be a whole number, 1 or more"),
        ("p.stage(print, on_error='skip')", "on_error='skip'; it can be"),
        ("p.stage(print, name='a'); p.stage(print, name='A')", "a stage of that name already"),
        ("p.stage(print, name='output')", "every pipeline has an output of its own"),
        ("p.read('orders.jsonl')", "say files('orders.jsonl')"),
        ("p.read(17)", "a int is no source"),
        ("p.read([(0, 1)])", "a source named 'values' already"),
        ("p.write(count()); p.write(count())", "writes to"),
        ("p.write('out.jsonl')", "'out.jsonl' is no sink"),
        ("Pipeline('q', batch_size=0)", "batch_size=0"),
        ("files('x.jsonl', format='jsnol')", "did you mean 'jsonl'?"),
        ("files('x.jsonl', encoding='utf-9')", "encoding='utf-9' is not known; did you mean"),
        ("raise ValueError('no \\x1b[31mluck')", "ValueError: no \\x1b[31mluck"),
    ],
)
def test_a_wrong_declaration_names_the_line_and_what_to_do(tmp_path: Path, statement: str, told: str) -> None:
    err = refused(tmp_path, DECLARED.format(statement=statement))
    assert f"{tmp_path / 'p.py'}:8: " in err
    assert told in err
    assert "\x1b" not in err


@pytest.mark.parametrize(
    ("left_out", "told"),
    [
        ("p.read([(0, 1)])", "pipeline 'p' has no source; add p.read(files("),
        ("p.write(count())", "pipeline 'p' has no sink; add p.write(jsonl("),
    ],
)
def test_a_pipeline_needs_two_ends(tmp_path: Path, left_out: str, told: str) -> None:
    text = DECLARED.format(statement="").replace(left_out, "")
    assert told in refused(tmp_path, text)


@pytest.mark.parametrize("sink", ["jsonl", "csv", "parquet", "sqlite"])
def test_a_sink_without_a_folder_is_refused(tmp_path: Path, sink: str) -> None:
    if sink == "parquet":
        pytest.importorskip("pyarrow")
    more = ', table="t"' if sink == "sqlite" else ""
    told = refused(tmp_path, writing(f'{sink}(here / "nowhere" / "out"{more})'))
    assert str(tmp_path / "nowhere") in told


def test_a_sink_in_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("nothing is read-only to the superuser")
    (tmp_path / "locked").mkdir(mode=0o500)
    told = refused(tmp_path, writing('jsonl(here / "locked" / "out.jsonl")'))
    assert f"the folder {tmp_path / 'locked'} is not writable; change its permissions" in told


def test_a_sink_that_only_fails_when_it_is_opened_ends_the_run(tmp_path: Path) -> None:
    # Not even the superuser can make a file in there, which nobody can tell before trying.
    if not Path("/proc/self").exists():
        pytest.skip("there is no /proc here")
    file = write(tmp_path / "p.py", writing('jsonl("/proc/out.jsonl")'))
    file.write_text(file.read_text().replace('Pipeline("p")', 'Pipeline("p", dead_letters=here / "d.jsonl")'))
    done = run_here(file)
    if os.geteuid() != 0:
        assert done.code == 2
        return
    assert done.code == 1, done.told
    report = report_of(done)
    assert "cannot write /proc/out.jsonl" in report["problem"]
    assert report["records"]["delivered"] == report["records"]["lost"] == 0
    assert "Traceback" not in done.err


def test_a_sink_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").mkdir()
    assert "folder" in refused(tmp_path, writing('jsonl(here / "out.jsonl")'))


def test_dead_letters_without_a_folder_are_refused(tmp_path: Path) -> None:
    text = writing("count()").replace(
        'Pipeline("p")', 'Pipeline("p", dead_letters=here / "gone" / "d.jsonl")'
    )
    told = refused(tmp_path, text)
    assert "dead letters of 'p': there is no folder" in told


# Stages that go wrong while they run


def staged(tmp_path: Path, stage: str, records: int = 20) -> Outcome:
    file = write(
        tmp_path / "p.py",
        f"""
        from pathlib import Path
        from pipeline import *

        p = Pipeline("p", batch_size=4)
        p.read([(i, {{"id": i, "text": "\\x1b[31m\\x07[red]"}}) for i in range({records})])

        STAGE

        p.write(jsonl(Path(__file__).with_name("out.jsonl")))
        """,
    )
    file.write_text(file.read_text().replace("STAGE", stage))
    done = run_here(file)
    report = report_of(done)
    assert settled(report) == report["records"]["read"] == records, done.told
    assert (report["records"]["lost"], report["records"]["in_flight"]) == (0, 0), done.told
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    found = letters(report)
    assert len(rows) + len(found) == records
    return Outcome(done, report, rows, found)


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        ("values[:-1]", "returned 3 outcomes for 4 values"),
        ("[*values, 1]", "returned 5 outcomes for 4 values"),
        ("None", "returned NoneType for 4 values"),
        ("len(values)", "returned int for 4 values"),
    ],
)
def test_a_batch_stage_that_returns_a_wrong_number_rejects_the_batch(
    tmp_path: Path, returned: str, told: str
) -> None:
    stage = (
        f"@p.stage(batch=True)\ndef many(values):\n    return {returned} if values[0]['id'] == 8 else values"
    )
    outcome = staged(tmp_path, stage)
    assert outcome.done.code == 4
    assert [letter.id for letter in outcome.letters] == [f"values/values:{i}" for i in range(8, 12)]
    assert all("'many'" in reason and told in reason for reason in outcome.reasons)


def test_an_exception_in_a_stage_is_the_record_s_and_its_traceback_is_kept(tmp_path: Path) -> None:
    stage = "@p.stage\ndef risky(r):\n    return r if r['id'] != 7 else 1 / 0"
    outcome = staged(tmp_path, stage)
    (letter,) = outcome.letters
    assert letter.id == "values/values:7"
    assert letter.reason == "ZeroDivisionError: division by zero"
    assert "in risky" in str(letter.traceback)


def test_what_records_hold_does_not_reach_the_terminal_raw(tmp_path: Path) -> None:
    stage = "@p.stage\ndef check(r):\n    raise Reject(f'bad {r[\"text\"]}\\nsecond line')"
    outcome = staged(tmp_path, stage)
    assert outcome.reasons[0].startswith("bad \x1b[31m")
    done = here("run", tmp_path / "p.py", "--headless", "--fresh")
    assert done.code == 4
    for text in (done.out, done.err):
        assert "\x1b" not in text
        assert "\x07" not in text
    assert "\\x1b[31m" in done.out


def test_a_file_name_may_hold_anything(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[31m\n.jsonl").write_bytes(b"nonsense\n" * 3)
    file = write(tmp_path / "p.py", reading('files(str(here / "*.jsonl"))'))
    done = here("run", file, "--headless")
    assert done.code == 4, done.told
    assert "\x1b" not in done.out + done.err
