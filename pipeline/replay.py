"""Sends dead letters through the pipeline once more, under the names that their records have.

A replay is one commit. The rows go to the sink; the dead letters that are left go to a new
file; then one transaction stores the sink's note, the progress and the number of the new file, which
afterwards takes the place of the old one. A crash before that transaction leaves everything as
it was, one after it leaves only the change of names to be made up for.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import msgspec

from pipeline.batch import Partition, Rejection
from pipeline.checkpoint import Checkpoint, Progress
from pipeline.dead_letters import OWNER, DeadLetter, DeadLetters, adopt, placed, replacement
from pipeline.errors import ConfigurationError, SinkError
from pipeline.pipeline import Pipeline, SourceSpec, StageSpec
from pipeline.selection import Selection, Wanted, parse
from pipeline.sinks.output_file import OutputFile
from pipeline.sources.letters import LetterSource
from pipeline.stages import Dropped, Record, Stage

_BLOCK = 1 << 20

SETTLED_BEFORE = "settled before"
"""The stage that keeps back what was made out of the same records and is in the sink already."""


class Replay:
    """What an engine needs to know to replay dead letters instead of reading on."""

    def __init__(self, pipeline: Pipeline, checkpoint: Checkpoint, selection: Selection) -> None:
        """Raises :class:`~pipeline.errors.ConfigurationError` where a source of the letters is not known."""
        self.checkpoint = checkpoint
        self.selection = selection
        self.sources = _sources(pipeline, checkpoint, selection)
        self.pipeline = _sending(pipeline, self.sources, selection)
        self.letters = RemainingLetters(selection, checkpoint, self.sources)

    def progress(self, partition: Partition, now: Progress) -> Progress:
        """The progress to be stored, where this replay has settled what ``now`` says.

        All of these records were counted as rejected.
        """
        self.letters.settle(partition, now)
        before = self.checkpoint.partitions[partition]
        return replace(
            before,
            delivered=before.delivered + now.delivered,
            filtered=before.filtered + now.filtered,
            rejected=before.rejected - now.delivered - now.filtered,
        )

    @property
    def out_of_reach(self) -> list[str]:
        """The names of records that could not be sent, since no whole copy of them is left."""
        return [name for source in self.sources.values() for name in source.out_of_reach]


class RemainingLetters(DeadLetters):
    """Keeps the dead letters that are not settled by the replay, and those that have failed again."""

    def __init__(
        self, selection: Selection, checkpoint: Checkpoint, sources: dict[str, LetterSource]
    ) -> None:
        super().__init__(selection.path)
        self._selection = selection
        self._before = checkpoint
        self._sources = sources
        self._now: dict[Partition, Progress] = {}
        self._again: list[bytes] = []
        self._as_they_were: set[tuple[Partition, int]] = set()
        self._by_name = {str(partition): partition for partition in checkpoint.partitions}
        self.left = selection.letters
        """How many dead letters there are after the last commit."""

    def open(self) -> None:
        """A replay always goes on with what there is."""
        raise SinkError(f"{OWNER}: {self.path}: there is nothing to replay")

    def resume(self, length: int, generation: int) -> None:
        """Begin a new generation; what a crash has left of one is removed."""
        if (length, generation) != (self._selection.length, self._before.generation):
            raise SinkError(f"{OWNER}: {self.path} has changed since it was looked at; run the command again")
        adopt(self.path, generation)
        self.generation = generation + 1

    def write(self, partition: Partition, rejections: Sequence[Rejection]) -> None:
        """Take note of the records that have failed again."""
        wanted = self._selection.partitions[partition] if rejections else Wanted()
        for rejection in rejections:
            if wanted.covers(rejection.id):
                self._as_they_were.add((partition, rejection.id.offset))
            elif wanted.wants(rejection.id):
                self._again.append(self.line(partition, self._as_before(wanted, rejection)) + b"\n")
                self.written += 1

    def settle(self, partition: Partition, now: Progress) -> None:
        """Take note of which records of a partition are settled."""
        self._now[partition] = now

    def flush(self) -> int:
        """Write the new generation to the disk; returns its length in bytes."""
        new = OutputFile(replacement(self.path, self.generation), OWNER, compress=False)
        new.open()
        try:
            for block in _blocks(self._remaining()):
                new.append(block)
            return new.flush()
        finally:
            new.close()

    def committed(self) -> None:
        adopt(self.path, self.generation)
        if not self.left:
            self.path.unlink(missing_ok=True)

    def close(self) -> None:
        return

    def _remaining(self) -> Iterable[bytes]:
        self.left = 0
        with self.path.open("rb") as file:
            for position, letter in placed(self.path, self._selection.length):
                partition, id = parse(letter.id, self._by_name)
                if not self._is_settled(partition, id.offset):
                    file.seek(position)
                    self.left += 1
                    yield file.readline()
        self.left += len(self._again)
        yield from self._again

    def _is_settled(self, partition: Partition, offset: int) -> bool:
        now = self._now.get(partition)
        wanted = self._selection.partitions.get(partition)
        if now is None or wanted is None or offset not in wanted.offsets:
            return False
        if (partition, offset) in self._as_they_were:
            return False
        read = offset < now.high and self._sources[partition.source].reaches(partition.name, offset)
        return read and offset not in now.open

    def _as_before(self, wanted: Wanted, rejection: Rejection) -> Rejection:
        """With all its attempts, and the original as it was read at first."""
        position = wanted.lines.get(rejection.id.offset)
        if position is None:
            return rejection
        with self.path.open("rb") as file:
            file.seek(position)
            before = msgspec.json.decode(file.readline(), type=DeadLetter)
        attempts = before.attempts + rejection.attempts
        if before.form == "shown" or rejection.whole:
            return replace(rejection, attempts=attempts)
        return replace(
            rejection, original=before.as_read, value=rejection.original, whole=True, attempts=attempts
        )


@dataclass(frozen=True)
class _Named:
    """Makes the stage that lets only what is wanted pass."""

    partitions: dict[str, Wanted]

    def __call__(self) -> Stage:
        return SettledBefore(self.partitions)


class SettledBefore(Stage):
    """Of a record that went on as several, only some may have been rejected: the others are in the sink
    already, and must not get there twice."""

    def __init__(self, partitions: dict[str, Wanted]) -> None:
        self._partitions = partitions

    def process(self, records: list[Record]) -> list[Record | Dropped]:
        return [self._judge(record) for record in records]

    def _judge(self, record: Record) -> Record | Dropped:
        wanted = self._partitions[record.partition]
        if record._merged or wanted.wants(record._id):
            return record
        if wanted.covers(record._id):
            return record.rejected(
                "it went on as several records before, of which some are in the sink already, and now goes "
                "on as one: what of it is missing there cannot be told"
            )
        return record.filtered()


def _blocks(lines: Iterable[bytes]) -> Iterable[bytes]:
    held: list[bytes] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= _BLOCK:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)


def _sources(pipeline: Pipeline, checkpoint: Checkpoint, selection: Selection) -> dict[str, LetterSource]:
    declared = {spec.source.name: spec for spec in pipeline.sources}
    gone = {partition.source for partition in selection.partitions} - declared.keys()
    if gone:
        raise ConfigurationError(
            f"pipeline {pipeline.name!r} has no source {min(gone)!r} any more, from which dead letters are; "
            "put it back, or name the ids to be replayed"
        )
    sources = {}
    for partition in selection.partitions:
        spec = declared[partition.source]
        known = {each.name: p for each, p in checkpoint.partitions.items() if each.source == partition.source}
        if partition.source not in sources:
            sources[partition.source] = LetterSource(spec.source, selection, spec.schema, known)
    return sources


def _sending(pipeline: Pipeline, sources: dict[str, LetterSource], selection: Selection) -> Pipeline:
    """The same pipeline, but for where its records come from."""
    sending = copy.copy(pipeline)
    schemas = {spec.source.name: spec.schema for spec in pipeline.sources}
    sending.sources = [SourceSpec(source, schemas[name]) for name, source in sources.items()]
    if any(wanted.children for wanted in selection.partitions.values()):
        by_name = {str(partition): wanted for partition, wanted in selection.partitions.items()}
        keep = StageSpec(
            SETTLED_BEFORE, "stateful", _Named(by_name), 1, None, "fail", ordered=True, container="list"
        )
        sending.stages = [*pipeline.stages, keep]
    return sending
