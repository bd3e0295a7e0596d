"""A run must not write over what it reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import ConfigurationError, Pipeline, files, jsonl
from pipeline.clock import ManualClock
from pipeline.engine import Engine, Options
from pipeline.events import EventBus


def _start(pipeline: Pipeline) -> None:
    Engine(pipeline, Options(), ManualClock(), EventBus())


def test_the_sink_may_not_be_the_input(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"a": 1}\n')
    pipeline = Pipeline("same").read(files(path)).write(jsonl(tmp_path / "." / "in.jsonl"))
    with pytest.raises(ConfigurationError, match=r"in\.jsonl is read by the source 'in'"):
        _start(pipeline)
    assert path.read_text() == '{"a": 1}\n'


def test_the_dead_letters_may_not_be_the_input_or_the_sink(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"a": 1}\n')
    pipeline = Pipeline("letters", dead_letters=path).read(files(path)).write(jsonl(tmp_path / "out.jsonl"))
    with pytest.raises(ConfigurationError, match=r"dead letters: .* is read by"):
        _start(pipeline)
    out = tmp_path / "out.jsonl"
    pipeline = Pipeline("letters", dead_letters=out).read(files(path)).write(jsonl(out))
    with pytest.raises(ConfigurationError, match="is the sink's file"):
        _start(pipeline)
