"""The orders benchmark judges fairly: it accepts a right output, and no output that is off."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.orders import baseline, generate, run
from benchmarks.orders.check import differences

RECORDS = 6_000


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "WORK", tmp_path_factory.mktemp("work"))
        folder = generate.generate(RECORDS)
        assert generate.is_written(RECORDS)
        return folder


@pytest.fixture
def target(source: Path, tmp_path: Path) -> Path:
    baseline.run(source, tmp_path)
    return tmp_path


def off(source: Path, target: Path) -> list[str]:
    return differences(source, target / "priced.jsonl", target / "dead-letters.jsonl")


def test_the_input_is_what_the_manifest_says(source: Path) -> None:
    manifest = generate.read_manifest(source)
    texts = [path.read_bytes() for path in sorted(source.glob("*.jsonl"))]
    assert len(texts) == generate.FILES
    assert sum(map(len, texts)) == manifest.bytes
    assert sum(text.count(b"\n") for text in texts) == manifest.records == RECORDS
    assert manifest.delivered + sum(manifest.rejected.values()) == RECORDS
    assert len(manifest.rejected) == 9


def test_the_hand_tuned_loop_is_right(source: Path, target: Path) -> None:
    assert off(source, target) == []


@pytest.mark.parametrize("slice_bytes", [1, 700, 1 << 20])
def test_the_hand_tuned_loop_is_right_for_any_slice(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slice_bytes: int
) -> None:
    monkeypatch.setattr(baseline, "SLICE", slice_bytes)
    baseline.run(source, tmp_path)
    assert off(source, tmp_path) == []


@pytest.mark.parametrize("name", ["priced.jsonl", "dead-letters.jsonl"])
def test_a_line_that_is_missing_or_there_twice_is_noticed(source: Path, target: Path, name: str) -> None:
    path = target / name
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[1:]))
    assert off(source, target)
    path.write_bytes(b"".join([*lines, lines[0]]))
    assert off(source, target)
    path.unlink()
    assert off(source, target)


def test_the_ratio_is_taken_within_a_turn() -> None:
    def measured(wall_s: float) -> run.Measured:
        return run.Measured(wall_s=wall_s, cpu_s=wall_s, work_s=wall_s, rss=17_000_000)

    # The machine halves its speed after the first turn; the second program is twice as fast all along.
    runs = {
        "baseline": [measured(2), measured(4), measured(4)],
        "product": [measured(1), measured(2), measured(2)],
    }
    heading, first, second = run.table(runs, records=4_000).splitlines()
    assert heading.split()[0] == "program"
    assert first.split() == ["baseline", "1,000", "4.00", "4.00", "4.00", "17", "1.00", "1.00", "1.00"]
    assert second.split() == ["product", "2,000", "2.00", "2.00", "2.00", "17", "2.00", "2.00", "2.00"]
