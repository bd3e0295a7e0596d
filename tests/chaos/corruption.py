"""Valid files of every format, damaged at random: whatever is read is delivered or rejected by name."""

from __future__ import annotations

import csv
import importlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import ConfigurationError, Pipeline, files, jsonl
from pipeline.dead_letters import read
from tests.chaos.inline import run
from tests.chaos.table import Trials
from tests.pipeline.sources.reading import COMPRESS


class Row(msgspec.Struct):
    """What a sound file holds."""

    id: int
    text: str


ROWS = [{"id": id, "text": f'text {id} é, "quoted"' * (id % 4)} for id in range(40)]


def _jsonl() -> bytes:
    return "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def _csv(delimiter: str) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, ["id", "text"], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(ROWS)
    return out.getvalue().encode()


def _parquet() -> bytes:
    pyarrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    out = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(ROWS), out, row_group_size=7)
    return out.getvalue()


FORMATS: dict[str, tuple[Callable[[], bytes], type | None]] = {
    ".jsonl": (_jsonl, Row),
    ".csv": (lambda: _csv(","), Row),
    ".tsv": (lambda: _csv("\t"), Row),
    ".log": (_jsonl, None),
    ".parquet": (_parquet, Row),
}
PLACES = [(ending, pack) for ending in FORMATS for pack in COMPRESS if ending != ".parquet" or not pack]

_edits = st.lists(
    st.tuples(
        st.sampled_from(["flip", "insert", "delete", "cut", "repeat", "zero"]),
        st.floats(0, 1, exclude_max=True),
        st.integers(1, 40),
        st.binary(min_size=1, max_size=8),
    ),
    min_size=1,
    max_size=4,
)


def damaged(data: bytes, edits: list[tuple[str, float, int, bytes]]) -> bytes:
    """The data after so many edits, each at a place given as a share of its length."""
    for what, share, length, extra in edits:
        at = int(share * len(data))
        part = data[at : at + length]
        match what:
            case "flip":
                new = bytes(byte ^ extra[0] for byte in part)
            case "insert":
                new = extra + part
            case "delete":
                new = b""
            case "repeat":
                new = part + part
            case "zero":
                new = bytes(len(part))
            case _:
                data = data[:at]
                continue
        data = data[:at] + new + data[at + length :]
    return data


def corrupted_input(folder: Path, mutations: int) -> Trials:
    """So many damaged files, through a whole pipeline each."""
    trials = Trials(
        "corrupted input, every format and compression", "no crash, each bad record is a dead letter"
    )
    originals = {ending: make() for ending, (make, _) in FORMATS.items()}

    @settings(
        max_examples=mutations,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(place=st.sampled_from(PLACES), edits=_edits, inside=st.booleans())
    def one(place: tuple[str, str], edits: list[tuple[str, float, int, bytes]], inside: bool) -> None:
        ending, pack = place
        data = originals[ending]
        # Damage within good compression, or to the compressed bytes themselves.
        data = COMPRESS[pack](damaged(data, edits)) if inside else damaged(COMPRESS[pack](data), edits)
        trials.count += 1
        where = folder / "damaged"
        where.mkdir()
        (where / f"rows{ending}{pack}").write_bytes(data)
        problem = _problem(where, FORMATS[ending][1], trials)
        shutil.rmtree(where)
        if problem is not None:
            trials.wrong.append(f"{ending}{pack} {edits} {'inside' if inside else 'outside'}: {problem}")

    one()
    trials.remark = (
        f"; {trials.notes['rejected']:,} records rejected by name, "
        f"{trials.notes['told']:,} inputs told as broken, {trials.notes['refused']:,} refused before the run"
    )
    return trials


def _problem(folder: Path, schema: type | None, trials: Trials) -> str | None:
    letters, out = folder / "letters.jsonl", folder / "out.jsonl"
    pipeline = Pipeline("damaged", dead_letters=letters)
    pipeline.read(files(f"{folder}/rows.*", name="rows"), schema=schema)
    pipeline.write(jsonl(out))
    try:
        verdict = run(pipeline, None)
    except ConfigurationError:
        verdict = None
    if verdict is None or verdict.exit_code == 2:
        trials.note("refused")
        return None
    snapshot = verdict.snapshot
    assert snapshot is not None
    records = snapshot.records
    if snapshot.problem is not None:
        trials.note("told")
        if "rows/" not in snapshot.problem and "rows." not in snapshot.problem:
            return f"the run failed without naming the file: {snapshot.problem}"
        if snapshot.traceback is not None:
            return f"it was not foreseen: {snapshot.traceback}"
    if records.lost or records.duplicated or records.in_flight:
        return str(records)
    if records.read != records.delivered + records.rejected:
        return f"read is not delivered + rejected: {records}"
    found: list[Any] = [letter.id for letter in read(letters)] if letters.exists() else []
    trials.note("rejected", len(found))
    if len(found) != records.rejected or len(set(found)) != len(found):
        return f"{records.rejected} rejected, but the dead letters are {found}"
    lines = out.read_bytes().count(b"\n")
    return None if lines == records.delivered else f"{records.delivered} delivered, {lines} lines"
