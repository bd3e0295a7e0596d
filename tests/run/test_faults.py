"""Faults from the command line and live, to the exit code and the report."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import Pipeline, count, generated
from pipeline.engine import Options
from pipeline.errors import ConfigurationError
from pipeline.faults.catalogue import VARIANTS
from run.session import Session
from run.tampering import VARIABLE, sealed, unsealed
from tests.pipeline.running import DEADLINE_S, eventually
from tests.run.command import Report, call, environment, here, parsed


def demo(*options: str) -> tuple[int, Report]:
    done = here("--headless", "--json", "-", *options)
    return done.code, parsed(done.out)


def test_a_leak_is_named_with_its_container_its_stage_and_its_bytes_a_record() -> None:
    code, report = demo("--fault", "leak.dict@transform")
    assert code == 4
    cache = next(each for each in report["memory"]["caches"] if each["name"] == "seen")
    assert cache["stage"] == "transform"
    assert cache["verdict"] == "growing"
    assert cache["len"] == 1_000
    assert 512 <= cache["bytes_per_record"] <= 3_000
    assert any("seen" in reason and "transform" in reason for reason in report["reasons"])
    assert [(each["name"], each["stage"], each["lifted_s"]) for each in report["faults"]] == [
        ("leak.dict", "transform", None)
    ]
    assert report["faults"][0]["params"]["size"] == "512"


def test_without_it_the_same_command_is_healthy() -> None:
    code, report = demo()
    assert code == 0
    assert report["memory"]["verdict"] == "stable"
    assert report["faults"] == []


@pytest.mark.parametrize(
    ("fault", "code", "holds"),
    [
        (
            "race.lost_update@transform",
            3,
            lambda r: stage(r, "transform")["lost"] == r["records"]["lost"] > 0,
        ),
        ("batching.last_partial@validation", 3, lambda r: stage(r, "validation")["lost"] == 8),
        ("batching.retry_twice@transform", 3, lambda r: r["records"]["duplicated_ids"]),
        ("batching.short_write", 3, lambda r: stage(r, "output")["lost"] == r["records"]["lost"] > 0),
        ("handles.file@transform", 4, lambda r: r["resources"]["verdict"] == "growing"),
        ("handles.thread@transform", 4, lambda r: r["resources"]["verdict"] == "growing"),
        ("clock.wall@transform", 0, lambda r: r["rejections"][0]["reason"].startswith("took -")),
        ("clock.timer@transform", 4, lambda r: stage(r, "transform")["latency_ms"]["max"] >= 59_000),
        ("shared_state.buffer@transform", 0, lambda r: "same object" in r["anomalies"][0]["text"]),
        ("lookalike.full_disk", 1, lambda r: "No space left" in r["problem"]),
        ("lookalike.dead_worker@transform", 1, lambda r: "transform" in r["problem"]),
        ("lookalike.warm_up@transform", 0, lambda r: r["memory"]["verdict"] != "growing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_family_shows_in_its_place_of_the_report(
    fault: str, code: int, holds: Callable[[Report], bool]
) -> None:
    found, report = demo("--fault", fault)
    assert found == code, report["reasons"]
    assert holds(report), report
    records = report["records"]
    placed = ("delivered", "filtered", "rejected", "in_flight", "lost")
    assert records["read"] == sum(records[each] for each in placed)


def stage(report: Report, name: str) -> Report:
    return next(each for each in report["stages"] if each["name"] == name)


def test_what_is_wrong_is_said_before_anything_is_thrown_away(tmp_path: Path) -> None:
    file = tmp_path / "shop.py"
    file.write_text(
        "from pipeline import Pipeline, generated, jsonl\n"
        "shop = Pipeline('shop')\n"
        "shop.read(generated('orders', records=50))\n"
        f"shop.write(jsonl({str(tmp_path / 'out.jsonl')!r}))\n"
    )
    assert here("run", file, "--headless").code == 0
    done = here("run", file, "--headless", "--fresh", "--fault", "leek.dict")
    assert done.code == 2
    assert "did you mean leak.dict" in done.err
    assert "Starting over" not in done.err
    assert here("run", file, "--headless", "--fault", "leak.dict").code == 2, "it has no stage of its own"


def test_the_list_says_everything_and_fits_the_catalogue() -> None:
    done = here("faults", "--json")
    assert done.code == 0
    listed = json.loads(done.out)["faults"]
    assert [each["name"] for each in listed] == [each.name for each in VARIANTS]
    assert all(each["symptom"] and each["stages"] and each["help"] for each in listed)
    text = here("faults").out
    assert all(f"\n{each.name}  @ " in text for each in VARIANTS)
    assert here("faults", "race").out.count("\nrace.") == sum(each.family == "race" for each in VARIANTS)


def test_the_list_knows_the_stages_of_a_pipeline() -> None:
    done = here("faults", "leak.dict", "lookalike.slow_sink", "--json", "--of", "examples/flights.py")
    assert [each["stages"] for each in json.loads(done.out)["faults"]] == [["departed", "enrich"], ["output"]]


def test_an_unknown_name_is_a_usage_error() -> None:
    done = here("faults", "nope")
    assert done.code == 2
    assert "there is no fault 'nope'" in done.err


def test_a_fault_comes_and_goes_while_the_run_goes_on(tmp_path: Path) -> None:
    gate = threading.Event()

    def slowly(record: dict[str, object]) -> dict[str, object]:
        gate.wait(0.001)
        return record

    pipeline = Pipeline("live", batch_size=20, dead_letters=tmp_path / "letters.jsonl", chain=False)
    pipeline.read(generated("orders", records=4_000))
    pipeline.stage(slowly)
    pipeline.write(count())
    session = Session(pipeline, Options())
    session.start()
    assert "inject" in session.powers
    assert {each.name for each in session.faults()} == {each.name for each in VARIANTS}
    with pytest.raises(ConfigurationError, match="no stage 'fast'"):
        session.inject("batching.page@fast")
    session.inject("batching.page@SLOWLY,size=5")
    eventually(lambda: session.snapshot.faults)
    eventually(lambda: session.engine.ledger.lost_at("slowly") or session.snapshot.records.delivered)
    session.lift_faults()
    eventually(lambda: session.snapshot.faults[0].lifted_s is not None)
    session.inject("leak.dict")
    gate.set()
    assert session.wait(DEADLINE_S)
    last = session.snapshot
    assert [(each.name, each.lifted_s is None) for each in last.faults] == [
        ("batching.page", False),
        ("leak.dict", True),
    ]
    assert last.faults[0].at_s < (last.faults[0].lifted_s or 0) <= last.faults[1].at_s
    assert last.records.lost > 0
    assert last.records.delivered > 1_000
    assert not last.disagreements


def test_a_sealed_fault_is_there_and_nobody_says_so(tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.write_text(sealed(["batching.last_partial@transform"]))
    assert not {"batching", "partial", "transform"} & set(context.read_text().split())
    assert unsealed({VARIABLE: str(context)}) == ["batching.last_partial@transform"]
    done = call("--headless", "--json", "-", cwd=tmp_path, env=environment(**{VARIABLE: str(context)}))
    report = parsed(done.out)
    assert done.code == 3
    assert report["records"]["lost"] == 8
    assert report["faults"] == []
    assert "last_partial" not in done.told
    assert "fault" not in done.err


def test_a_broken_seal_is_told(tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.write_text("leak.dict")
    done = call("--headless", env=environment(**{VARIABLE: str(context)}))
    assert done.code == 2
    assert VARIABLE in done.err


def test_the_busy_neighbour_ends_with_a_run_that_is_killed(tmp_path: Path) -> None:
    import psutil

    from tests.run.command import running

    ready = tmp_path / "ready"
    file = tmp_path / "waits.py"
    file.write_text(
        "import pathlib, time\n"
        "from pipeline import Pipeline, count, values\n"
        "def rows():\n"
        "    yield 0, 0\n"
        f"    pathlib.Path({str(ready)!r}).touch()\n"
        "    time.sleep(60)\n"
        "waits = Pipeline('waits')\n"
        "waits.read(values(rows))\n"
        "waits.write(count())\n"
    )
    with running("run", file, "--headless", "--fault", "lookalike.busy_neighbour", ready=ready) as run:
        run.until_ready()
        children = psutil.Process(run.pid).children()
        assert len(children) == 2
    eventually(lambda: not any(child.is_running() for child in children))
