"""Checks that what a run writes destroys nothing that it reads, and where its dead letters go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import ConfigurationError
from pipeline.events import PartitionInfo
from pipeline.pipeline import Pipeline


def safe_name(name: str) -> str:
    """A pipeline's name as a part of file names."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)


def dead_letter_path(pipeline: Pipeline) -> Path:
    """Where a pipeline's dead letters go. Raises ConfigurationError where that is no place."""
    if pipeline.dead_letters is not None:
        path = pipeline.dead_letters
    else:
        folder = pipeline.sink.folder if pipeline.sink is not None else None
        path = Path(folder or ".") / f"{safe_name(pipeline.name)}.dead-letters.jsonl"
    if not path.parent.is_dir():
        raise ConfigurationError(
            f"dead letters of {pipeline.name!r}: there is no folder {str(path.parent)!r}; "
            "make it, or give dead_letters="
        )
    return path


def check_outputs(pipeline: Pipeline, dead_letters: Path) -> None:
    """Raise ConfigurationError where an output is an input, or another output: it would be destroyed."""
    sink = pipeline.sink
    inputs = {
        path.resolve(): spec.source.name for spec in pipeline.sources for path in spec.source.local_files()
    }
    outputs = [("dead letters", dead_letters)]
    if sink is not None and isinstance(path := getattr(sink, "path", None), Path):
        outputs.append((f"sink {sink.name!r}", path))
    for what, path in outputs:
        if (source := inputs.get(path.resolve())) is not None:
            raise ConfigurationError(
                f"{what}: {path} is read by the source {source!r}; write to another file"
            )
    if len({path.resolve() for _, path in outputs}) < len(outputs):
        raise ConfigurationError(f"dead letters: {outputs[0][1]} is the sink's file; give dead_letters=")


def check_partitions(partitions: Sequence[PartitionInfo]) -> None:
    """Raise ConfigurationError where two have one name."""
    for partition, times in Counter(info.partition for info in partitions).items():
        if times > 1:
            raise ConfigurationError(
                f"{partition}: the source has {times} partitions of that name; a name must be unique, "
                "for it is a part of each record's id"
            )
