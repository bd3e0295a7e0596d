"""``dlq list``, ``show`` and ``replay``, as their user meets them."""

from __future__ import annotations

import gzip
import json
import sqlite3
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.failpoints import NAMES, VARIABLE
from tests.run import files
from tests.run.command import Done, call, environment, here, report_of, run_here, shell, write

ORDERS = """
    from pathlib import Path
    from pipeline import Pipeline, Reject, count, csv, files, jsonl, parquet, sqlite

    here = Path(__file__).parent
    orders = Pipeline("orders", batch_size=20)
    orders.read(files(here / "in.jsonl", name="in"))

    @orders.stage
    def check(order):
        if (here / "fixed").exists():
            return order
        if order["id"] % 10 == 0:
            raise Reject("a tenth")
        if order["id"] == 77:
            raise ValueError("an \\x1b[31mescape")
        return order

    orders.write(SINK)
"""
SINKS = {
    "jsonl": 'jsonl(here / "out.jsonl")',
    "csv": 'csv(here / "out.csv")',
    "jsonl.gz": 'jsonl(here / "out.jsonl.gz")',
    "parquet": 'parquet(f"{here}/out.parquet/")',
    "sqlite": 'sqlite(here / "out.db")',
}
RECORDS = 200
LETTERS = 21


def orders(folder: Path, sink: str = SINKS["jsonl"]) -> Path:
    """A pipeline file with its input."""
    lines = [f"{json.dumps({'id': number, 'text': f'über {number}'})}\n" for number in range(RECORDS)]
    (folder / "in.jsonl").write_text("".join(lines), encoding="utf-8")
    return write(folder / "orders.py", ORDERS.replace("SINK", sink))


def ids(folder: Path) -> list[int]:
    """The ids of the rows in the sink, whichever it is."""
    if (folder / "out.db").exists():
        with sqlite3.connect(folder / "out.db") as connection:
            return sorted(row[0] for row in connection.execute("SELECT id FROM records"))
    if (folder / "out.parquet").exists():
        return sorted(row["id"] for row in pq.read_table(folder / "out.parquet").to_pylist())
    if (folder / "out.csv").exists():
        return sorted(int(line.split(",")[0]) for line in (folder / "out.csv").read_text().splitlines()[1:])
    if (folder / "out.jsonl.gz").exists():
        text = gzip.decompress((folder / "out.jsonl.gz").read_bytes()).decode()
    else:
        text = (folder / "out.jsonl").read_text(encoding="utf-8")
    return sorted(json.loads(line)["id"] for line in text.splitlines())


def listed(file: Path, *options: str) -> list[str]:
    done = here("dlq", "list", file, "--json", *options)
    assert done.code == 0, done.told
    return [letter["id"] for letter in json.loads(done.out)["dead_letters"]]


def test_list_names_each_with_its_stage_and_reason(tmp_path: Path) -> None:
    file = orders(tmp_path)
    run_here(file)
    done = here("dlq", "list", file)
    assert done.code == 0
    lines = done.out.splitlines()
    assert len(lines) == LETTERS
    assert lines[0].split(maxsplit=3) == ["in/in.jsonl:0", "1x", "check", "a tenth"]
    assert "21 dead letters" in done.err
    assert "20  check: a tenth" in done.err
    assert here("dlq", "list", "--file", tmp_path / "orders.dead-letters.jsonl").out == done.out


def test_list_can_be_narrowed(tmp_path: Path) -> None:
    file = orders(tmp_path)
    run_here(file)
    assert len(listed(file)) == LETTERS
    assert listed(file, "--reason", "VALUEerror") == ["in/in.jsonl:77"]
    assert len(listed(file, "--stage", "Check")) == LETTERS
    assert listed(file, "--stage", "output") == []


def test_list_of_a_run_that_rejected_nothing_is_empty(tmp_path: Path) -> None:
    file = orders(tmp_path)
    (tmp_path / "fixed").touch()
    assert here("dlq", "list", file).code == 0
    run_here(file)
    done = here("dlq", "list", file)
    assert (done.code, done.out) == (0, "")
    assert "0 dead letters" in done.err
    assert "no dead letters to replay" in here("dlq", "replay", file).err


def test_who_reads_the_list_may_stop(tmp_path: Path) -> None:
    orders(tmp_path)
    done = shell(
        "$MONITOR run orders.py --headless >/dev/null; $MONITOR dlq list orders.py | head -1", cwd=tmp_path
    )
    assert len(done.out.splitlines()) == 1
    assert "Traceback" not in done.err


def test_show_tells_all_and_lets_no_control_character_through(tmp_path: Path) -> None:
    file = orders(tmp_path)
    run_here(file)
    done = here("dlq", "show", "in/in.jsonl:77", file)
    assert done.code == 0, done.told
    assert '    {"id": 77, "text": "\\u00fcber 77"}' in done.out
    assert "ValueError: an \\x1b[31mescape" in done.out
    assert "attempts  1" in done.out
    assert 'raise ValueError("an' in done.out
    assert "\x1b" not in done.out
    letter = json.loads(here("dlq", "show", "in/in.jsonl:77", file, "--json").out)
    assert letter["reason"] == "ValueError: an \x1b[31mescape"


def test_show_finds_the_file_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_here(orders(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert "a tenth" in here("dlq", "show", "in/in.jsonl:10").out
    monkeypatch.chdir(tmp_path.parent)
    assert "a tenth" in here("dlq", "show", "in/in.jsonl:10").out


@pytest.mark.parametrize("sink", SINKS)
def test_replay_brings_what_is_mended_into_the_same_sink(tmp_path: Path, sink: str) -> None:
    file = orders(tmp_path, SINKS[sink])
    run_here(file)
    assert len(ids(tmp_path)) == RECORDS - LETTERS
    (tmp_path / "fixed").touch()
    done = here("dlq", "replay", file, "in/in.jsonl:77", "in/in.jsonl:10", "--json", "-")
    assert done.code == 0, done.told
    records = json.loads(done.out)["records"]
    assert (records["read"], records["delivered"], records["resumed"]) == (2, 2, 0)
    assert "2 came off the list, 19 left" in done.err
    assert len(listed(file)) == LETTERS - 2
    assert here("dlq", "replay", file).code == 0
    assert ids(tmp_path) == list(range(RECORDS))
    assert listed(file) == []
    report = report_of(run_here(file))
    assert report["records"]["delivered"] == RECORDS
    assert report["records"]["rejected"] == 0


def test_replay_keeps_what_fails_again(tmp_path: Path) -> None:
    file = orders(tmp_path)
    run_here(file)
    done = here("dlq", "replay", file)
    assert done.code == 4, done.told
    assert len(listed(file)) == LETTERS
    letter = json.loads(here("dlq", "show", "in/in.jsonl:77", file, "--json").out)
    assert letter["attempts"] == 2
    assert letter["original"] == '{"id": 77, "text": "\\u00fcber 77"}'


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say what to do"),
        (["lst"], "did you mean 'list'"),
        (["list"], "say whose dead letters"),
        (["list", "p.py", "--file", "x"], "not both"),
        (["list", "--file", "none.jsonl"], "there is no file none.jsonl"),
        (["list", "none.py"], "there is no such file"),
        (["show"], "arguments are required: ID"),
        (["replay"], "say which file"),
        (["list", "p.py", "--stge", "x"], "did you mean --stage"),
    ],
)
def test_a_wrong_command_says_what_is_wrong(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "p.py", files.HEALTHY)
    monkeypatch.chdir(tmp_path)
    done = here("dlq", *arguments)
    assert done.code == 2, done.told
    assert said in done.err
    assert "Traceback" not in done.err


def test_help_tells_the_three() -> None:
    assert "list|show|replay" in here("dlq", "--help").out
    assert "ID" in here("dlq", "replay", "--help").out


def test_an_id_that_is_not_there_is_refused(tmp_path: Path) -> None:
    file = orders(tmp_path)
    run_here(file)
    for command in (["show", "in/in.jsonl:1", str(file)], ["replay", str(file), "in/in.jsonl:1"]):
        done = here("dlq", *command)
        assert done.code == 2
        assert "no dead letter has the id 'in/in.jsonl:1'" in done.err
    assert "did you mean in/in.jsonl:10" in here("dlq", "replay", file, "in/in.json:10").err


@pytest.mark.parametrize("sink", ["count()", "lambda order: None"])
def test_a_sink_that_cannot_go_on_is_not_replayed_into(tmp_path: Path, sink: str) -> None:
    file = orders(tmp_path, sink)
    run_here(file)
    done = here("dlq", "replay", file)
    assert done.code == 2
    assert "cannot be replayed" in done.err
    assert len(listed(file)) == LETTERS


def test_what_was_piped_in_is_not_replayed(tmp_path: Path) -> None:
    file = orders(tmp_path)
    write(
        file,
        file.read_text()
        .replace('files(here / "in.jsonl", name="in")', 'stdin("jsonl")')
        .replace("import Pipeline", "import Pipeline, stdin"),
    )
    call("run", file, "--headless", stdin=(tmp_path / "in.jsonl").read_text())
    done = here("dlq", "replay", file)
    assert done.code == 2
    assert "'stdin' does not give the same records again" in done.err


def test_what_never_ran_is_not_replayed(tmp_path: Path) -> None:
    done = here("dlq", "replay", orders(tmp_path))
    assert done.code == 2
    assert "no run of 'orders' kept progress there" in done.err


# Killed at any point, a replay has happened or it has not


def killed(point: str, *command: str) -> Done:
    done = call(*command, env=environment(**{VARIABLE: point}))
    assert done.code < 0 or done.code == 137, done.told
    return done


@pytest.mark.parametrize("sink", SINKS)
@pytest.mark.parametrize("point", NAMES)
def test_a_killed_replay_neither_loses_nor_doubles(tmp_path: Path, sink: str, point: str) -> None:
    file = orders(tmp_path, SINKS[sink])
    run_here(file)
    (tmp_path / "fixed").touch()
    killed(f"{point}=kill", "dlq", "replay", str(file))
    left = [int(name.rpartition(":")[2]) for name in listed(file)]
    assert len(left) == (0 if point in ("committed", "acknowledged") else LETTERS)
    # Going on with a run and another replay both set right what the crash left behind.
    (tmp_path / "fixed").unlink()
    records = report_of(run_here(file))["records"]
    assert records["delivered"] + len(left) == records["read"] == RECORDS
    assert sorted([*ids(tmp_path), *left]) == list(range(RECORDS))
    assert sorted(int(name.rpartition(":")[2]) for name in listed(file)) == sorted(left)
    (tmp_path / "fixed").touch()
    assert here("dlq", "replay", file).code == 0
    assert ids(tmp_path) == list(range(RECORDS))
    assert listed(file) == []
    assert not [path for path in tmp_path.iterdir() if "replayed" in path.name]


def test_a_replay_killed_again_and_again_gets_there(tmp_path: Path) -> None:
    file = orders(tmp_path)
    run_here(file)
    (tmp_path / "fixed").touch()
    for point in ("before_write", "written", "flushed", "committed"):
        killed(f"{point}=kill", "dlq", "replay", str(file))
    assert listed(file) == []
    assert ids(tmp_path) == list(range(RECORDS)) or here("dlq", "replay", file).code == 0
    assert report_of(run_here(file))["records"]["delivered"] == RECORDS
    assert ids(tmp_path) == list(range(RECORDS))


def test_a_run_that_was_killed_can_be_replayed_before_it_goes_on(tmp_path: Path) -> None:
    file = orders(tmp_path)
    killed("flushed=kill@1", "run", str(file), "--headless", "--rate", "200")
    killed("committed=kill@2", "run", str(file), "--headless", "--rate", "400")
    (tmp_path / "fixed").touch()
    before = len(listed(file))
    assert 0 < before < LETTERS
    assert here("dlq", "replay", file).code == 0
    assert report_of(run_here(file))["records"]["delivered"] == RECORDS
    assert ids(tmp_path) == list(range(RECORDS))
