"""``--baseline``: a run held against an earlier one."""

from __future__ import annotations

import json
from pathlib import Path

from tests.run.command import here

LIMIT = ("--headless", "--limit", "300")


def test_a_run_is_held_against_the_report_of_an_earlier_one(tmp_path: Path) -> None:
    before, after, page = (str(tmp_path / name) for name in ("before.json", "after.json", "after.html"))
    assert here(*LIMIT, "--json", before).code == 0
    assert here(*LIMIT, "--baseline", before, "--json", after, "--report", page).code == 0
    found = json.loads(Path(after).read_text(encoding="utf-8"))["baseline"]
    assert found["path"] == before
    assert {change["name"] for change in found["changes"]} >= {"throughput", "latency", "peak memory"}
    assert "from 5.0s on changes are judged" in found["not_judged"]
    assert "Compared with" in Path(page).read_text(encoding="utf-8")


def test_a_baseline_that_is_none_costs_nothing(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no report")
    target = tmp_path / "out.json"
    for wrong, says in ((text, "this is no report of a run"), (tmp_path / "gone.json", "cannot be read")):
        done = here(*LIMIT, "--baseline", str(wrong), "--json", str(target))
        assert done.code == 2
        assert f"--baseline {wrong}: " in done.err
        assert says in done.err
    assert not target.exists()
