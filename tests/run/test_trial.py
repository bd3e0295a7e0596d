"""One experiment: what it shows, and what it leaves alone."""

from __future__ import annotations

import os
import py_compile
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from diagnosis.change import Change, ClockChange, Delay, Patch, from_json, to_json
from diagnosis.observation import Observation
from run.diagnose.launcher import TrialLauncher
from tests.run.command import call, write

KEEPS = """
from pipeline import Pipeline, jsonl, values

kept = {}
many = Pipeline("many", batch_size=10)
many.read(values(lambda: ((number, number) for number in range(200))))


@many.stage
def keep(number):
    kept[number] = str(number)
    return number * 2


many.write(jsonl("out.jsonl"))
"""


def launched(file: Path, change: Change = Change()) -> Observation:  # noqa: B008 - frozen
    return TrialLauncher(str(file)).launch(change, 60.0)


def test_a_trial_counts_and_hashes_and_writes_nothing(tmp_path: Path) -> None:
    file = write(tmp_path / "many.py", KEEPS)
    run = launched(file)
    assert (run.ending, run.read, run.delivered, run.lost) == ("complete", 200, 200, 0)
    assert len(set(run.hashes.values())) == 200
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix) == ["many.py"]


def test_a_trial_names_what_grows_and_where_it_is(tmp_path: Path) -> None:
    run = launched(write(tmp_path / "many.py", KEEPS))
    grown = {each.name: each for each in run.containers}
    assert grown["kept"].lengths[-1] == 200
    assert (grown["kept"].stage, grown["kept"].type) == ("keep", "dict")


def test_the_same_input_gives_the_same_hashes_in_one_thread_and_in_many(tmp_path: Path) -> None:
    file = write(tmp_path / "many.py", KEEPS)
    serial = launched(file, Change(driver="serial", batch_size=1))
    assert serial.hashes == launched(file, Change(batch_size=7)).hashes


@pytest.mark.parametrize(
    ("change", "offsets"),
    [
        (Change(limit=5), [0, 1, 2, 3, 4]),
        (Change(start=195), [195, 196, 197, 198, 199]),
        (Change(only=("values/values:3", "values/values:77")), [3, 77]),
    ],
    ids=["limit", "start", "only"],
)
def test_a_part_of_the_input(change: Change, offsets: list[int], tmp_path: Path) -> None:
    text = KEEPS.replace("values(lambda: ((number", "values(lambda: ((number").replace(
        "range(200))))", 'range(200)), name="values"))'
    )
    run = launched(write(tmp_path / "many.py", text), change)
    assert sorted(int(id.rpartition(":")[2]) for id in run.hashes) == offsets


def test_a_patch_is_run_in_the_place_of_the_lines(tmp_path: Path) -> None:
    file = write(tmp_path / "many.py", KEEPS)
    at = KEEPS.splitlines().index("    kept[number] = str(number)") + 1
    change = Change(patches=(Patch(str(file.resolve()), at, at, ("    pass",)),))
    run = launched(file, change)
    assert run.delivered == 200
    assert "kept" not in {each.name for each in run.containers}
    assert file.read_text(encoding="utf-8") == KEEPS


def test_a_container_is_emptied_when_it_is_told_to(tmp_path: Path) -> None:
    run = launched(write(tmp_path / "many.py", KEEPS), Change(clear=("kept",), clear_above=20))
    kept = next(each for each in run.containers if each.name == "kept")
    assert max(kept.lengths) <= 60


def test_the_users_code_sees_the_clock_that_it_is_given(tmp_path: Path) -> None:
    text = """
        import time

        from pipeline import Pipeline, count, values

        old = Pipeline("old")
        old.read(values(lambda: ((number, number) for number in range(50))))
        began = time.time()

        @old.stage
        def young(number):
            return number if time.time() - began < 100 else None

        old.write(count())
    """
    file = write(tmp_path / "old.py", text)
    assert launched(file).delivered == 50
    assert launched(file, Change(clock=ClockChange(step_s=500.0, step_at=1), batch_size=1)).filtered > 0
    reads = launched(file).clock_reads
    assert any(place.endswith(" time") and times == 50 for place, times in reads.items()), reads


def test_what_is_left_open_is_told_with_its_line(tmp_path: Path) -> None:
    text = """
        from pipeline import Pipeline, count, values

        opened = []
        files = Pipeline("files")
        files.read(values(lambda: ((number, number) for number in range(20))))

        @files.stage
        def peek(number):
            opened.append(open(__file__))
            return number

        files.write(count())
    """
    run = launched(write(tmp_path / "files.py", text))
    left = next(each for each in run.opened if each.kind == "file")
    assert (left.times, left.left, left.stage) == (20, 20, "peek")
    assert left.place is not None
    assert left.place.endswith("files.py:10")


def test_a_wait_before_a_line_takes_its_time(tmp_path: Path) -> None:
    file = write(tmp_path / "many.py", KEEPS)
    at = KEEPS.splitlines().index("    kept[number] = str(number)") + 1
    change = Change(limit=20, delays=(Delay(str(file.resolve()), at, 0.01),))
    assert launched(file, change).duration_s >= 0.2


def test_a_stall_is_ended_and_says_where_the_threads_stood(tmp_path: Path) -> None:
    text = """
        import threading

        from pipeline import Pipeline, count, values

        never = threading.Event()
        stuck = Pipeline("stuck")
        stuck.read(values(lambda: ((number, number) for number in range(20))))

        @stuck.stage
        def wait(number):
            never.wait()
            return number

        stuck.write(count())
    """
    run = launched(write(tmp_path / "stuck.py", text))
    assert run.ending == "stalled"
    assert any(each.stage == "wait" and "stuck.py:12" in each.frames[-1] for each in run.stacks), run.stacks


def test_a_process_that_ends_without_a_word_is_told(tmp_path: Path) -> None:
    text = """
        import os

        from pipeline import Pipeline, count, values

        gone = Pipeline("gone")
        gone.read(values(lambda: ((number, number) for number in range(20))))

        @gone.stage
        def leave(number):
            os._exit(9)

        gone.write(count())
    """
    run = launched(write(tmp_path / "gone.py", text))
    assert run.ending == "died"
    assert run.problem is not None
    assert "exit 9" in run.problem


def test_a_bad_change_is_told_in_a_line(tmp_path: Path) -> None:
    file = write(tmp_path / "many.py", KEEPS)
    done = call("trial", file, "--change", '{"workers": "many"}')
    assert done.code == 2
    assert "--change" in done.err
    assert "Traceback" not in done.err


def test_changes_come_through_as_json() -> None:
    change = Change(
        limit=5, only=("a/b:1",), delays=(Delay("x.py", 3, 0.5),), clock=ClockChange(slew=2.0), copy=("one",)
    )
    assert from_json(to_json(change)) == change
    assert to_json(Change()) == "{}"
    with pytest.raises(ValueError, match="workers"):
        from_json('{"workers": "many"}')


assert sys.version_info >= (3, 11)


LEAVES = """
import os
import subprocess
import sys

from pipeline import Pipeline, count, values

one = Pipeline("one")
one.read(values(lambda: ((0, 1),)))


@one.stage
def told(number):
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    with open("pids", "a") as file:
        file.write(f"{os.getpid()} {left.pid}\\n")
    return number


one.write(count())
"""


def _ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_what_a_trial_leaves_running_ends_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = launched(write(tmp_path / "one.py", LEAVES))
    assert (run.ending, run.delivered) == ("complete", 1)
    trial, left = map(int, (tmp_path / "pids").read_text().split())
    deadline = time.monotonic() + 20.0
    while not (_ended(trial) and _ended(left)):
        assert time.monotonic() < deadline, (trial, left)
        time.sleep(0.02)


def test_trials_are_fresh_and_chance_is_another_one_in_each(tmp_path: Path) -> None:
    text = KEEPS.replace("from pipeline import", "import random\n\nfrom pipeline import")
    text = text.replace("return number * 2", "return len(kept), random.random()")
    launcher = TrialLauncher(str(write(tmp_path / "many.py", text)))
    first, second = (launcher.launch(Change(), 60.0) for _ in range(2))
    assert [each.containers[0].lengths[-1] for each in (first, second)] == [200, 200]
    assert first.hashes != second.hashes
    seeded = [launcher.launch(Change(seeded=True), 60.0).hashes for _ in range(2)]
    assert seeded[0] == seeded[1]


def test_several_trials_at_once_do_not_mix(tmp_path: Path) -> None:
    launcher = TrialLauncher(str(write(tmp_path / "many.py", KEEPS)))
    with ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(lambda limit: launcher.launch(Change(limit=limit), 60.0), (5, 50, 150, 20)))
    assert [run.read for run in runs] == [5, 50, 150, 20]


@pytest.mark.parametrize("forked", [True, False], ids=["forked", "started"])
def test_a_trial_that_takes_too_long_is_killed(
    forked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not forked:
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    text = KEEPS.replace("    kept[number]", "    import time; time.sleep(30)\n    kept[number]")
    began = time.monotonic()
    run = TrialLauncher(str(write(tmp_path / "many.py", text))).launch(Change(), 1.5)
    assert run.ending == "stalled"
    assert time.monotonic() - began < 20.0


HOURS = """
    from datetime import datetime, timezone


    def young(made):
        return (datetime.now(timezone.utc) - made).total_seconds() < 3600
"""


def test_a_module_beside_that_asks_for_the_time_sees_the_clock_that_it_is_given(tmp_path: Path) -> None:
    write(tmp_path / "hours.py", HOURS)
    text = """
        from datetime import datetime, timezone

        from hours import young
        from pipeline import Pipeline, count, values

        began = datetime.now(timezone.utc)
        old = Pipeline("old")
        old.read(values(lambda: ((number, number) for number in range(50))))
        old.stage(lambda number: number if young(began) else None, name="young")
        old.write(count())
    """
    file = write(tmp_path / "old.py", text)
    for _ in range(2):
        assert launched(file).delivered == 50
        assert launched(file, Change(clock=ClockChange(step_s=7200.0, step_at=1), batch_size=1)).filtered > 0
        py_compile.compile(str(tmp_path / "hours.py"))


def test_a_schema_with_a_date_stays_what_it_is_where_the_code_asks_for_one(tmp_path: Path) -> None:
    text = """
        from datetime import date, datetime, timezone

        import msgspec

        from pipeline import Pipeline, count, files


        class Order(msgspec.Struct):
            id: int
            at: datetime


        orders = Pipeline("orders")
        orders.read(files(INPUT), schema=Order)


        @orders.stage
        def of_the_past(order):
            assert type(datetime.now(timezone.utc)) is datetime
            assert type(date.today()) is date
            return order if order.at < datetime.now(timezone.utc) else None


        orders.write(count())
    """
    lines = tmp_path / "orders.jsonl"
    lines.write_text('{"id": 1, "at": "2026-01-02T03:04:05Z"}\n' * 20)
    file = write(tmp_path / "dated.py", text.replace("INPUT", repr(str(lines))))
    observed = launched(file)
    assert (observed.delivered, observed.rejected) == (20, 0)
    assert sum(place.endswith(" datetime.now") for place in observed.clock_reads) == 2
    # That clock begins in 2023.
    assert launched(file, Change(clock=ClockChange(frozen=True))).filtered == 20
