"""What every source must do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar
from unittest import SkipTest

from pyroaring import BitMap64

from pipeline.batch import Chunk
from pipeline.checkpoint import Progress
from pipeline.errors import ConfigurationError
from pipeline.sources.base import PartitionSpec, Source

_OPEN_FILES = Path("/proc/self/fd")
LONG_ENOUGH = 10_000
"""No more records than this of an input that has no end are looked at."""

Known = dict[str, tuple[str, int]]
"""Of each partition its identity, and how many records it has."""

Records = dict[int, Any]
"""What a partition holds, by offset; of a record that cannot be read, the reason or the type of it."""


class SourceContract:
    """Subclass it as ``Test...`` and define :meth:`make`; pytest does the rest.

    The tests read the source as the engine does. What cannot be shown with it, such as that a swapped
    input is refused where :meth:`swap` is not defined, is skipped.
    """

    schema: ClassVar[type | None] = None
    """What the records are decoded to."""

    def make(self, folder: Path) -> Source:
        """A new source over an input of at least three records; as each run of the same command makes one.

        The input is put into ``folder`` where it is not there yet, and left as it is where it is.
        """
        raise NotImplementedError

    def swap(self, folder: Path) -> bool:  # noqa: ARG002
        """Put other records in the place of the input in ``folder``; False where that cannot be."""
        return False

    def grow(self, folder: Path) -> bool:  # noqa: ARG002
        """Put more records behind those of the input in ``folder``; False where that cannot be."""
        return False

    # The tests

    def test_it_is_named_and_so_are_its_partitions(self, tmp_path: Path) -> None:
        source, specs = self._opened(tmp_path)
        assert source.name, "a source needs a name"
        names = [spec.name for spec in specs]
        assert names, f"{source.name}: it has no partition"
        assert len(set(names)) == len(names), f"{source.name}: two partitions have one name: {names}"
        again = [spec.name for spec in self._opened(tmp_path)[1]]
        assert names == again, f"{source.name}: the partitions are {names}, then {again}"

    def test_offsets_rise_and_each_record_has_one(self, tmp_path: Path) -> None:
        for source, partition in self._partitions(tmp_path):
            last = -1
            for chunk in self._chunks(source, partition, 0):
                offsets = _offsets(chunk)
                assert offsets == sorted(set(offsets)), f"{partition}: a chunk has the offsets {offsets}"
                assert not offsets or offsets[0] > last, f"{partition}: {offsets[0]} comes after {last}"
                last = offsets[-1] if offsets else last
                raw = chunk.raw.split(b"\n") if isinstance(chunk.raw, bytes) and chunk.ids else chunk.raw
                assert len(raw) == len(chunk.ids), (
                    f"{partition}: a chunk has {len(raw)} raw records and {len(chunk.ids)} ids"
                )

    def test_the_total_is_right_where_it_is_told(self, tmp_path: Path) -> None:
        source, specs = self._opened(tmp_path)
        for spec in specs:
            if spec.total is not None:
                found = len(self._read(source, spec.name, 0))
                assert found == spec.total, f"{spec.name}: {spec.total} records were told, {found} came"

    def test_it_gives_the_same_records_every_time(self, tmp_path: Path) -> None:
        self._needs_repeating(tmp_path)
        for source, partition in self._partitions(tmp_path):
            first = self._read(source, partition, 0)
            assert len(first) >= 3, "make() must give at least three records, or this shows little"
            assert self._read(source, partition, 0) == first, f"{partition}: other records the second time"
            again, _ = self._opened(tmp_path)
            assert self._read(again, partition, 0) == first, f"{partition}: another run reads other records"

    def test_it_goes_on_at_every_offset(self, tmp_path: Path) -> None:
        self._needs_repeating(tmp_path)
        for source, partition in self._partitions(tmp_path):
            whole = self._read(source, partition, 0)
            beyond = max(whole) + 1
            for start in [*whole, *(offset + 1 for offset in whole), beyond + 1]:
                found = self._read(source, partition, start)
                expected = {offset: value for offset, value in whole.items() if offset >= start}
                assert found == expected, f"{partition}: from offset {start} on it gives {found}"

    def test_closing_early_closes_what_is_open(self, tmp_path: Path) -> None:
        for source, partition in self._partitions(tmp_path):
            files, threads = _open_files(), threading.active_count()
            chunks = source.read(partition, 0, self.schema)
            next(chunks, None)
            close: Callable[[], object] | None = getattr(chunks, "close", None)
            assert close is not None, f"{partition}: what read() returns cannot be closed; yield the chunks"
            close()
            assert _open_files() <= files, f"{partition}: {_open_files() - files} files are left open"
            assert threading.active_count() <= threads, f"{partition}: threads are left"
            assert next(chunks, None) is None, f"{partition}: it goes on though it is closed"

    def test_partitions_are_read_apart(self, tmp_path: Path) -> None:
        self._needs_repeating(tmp_path)
        source, specs = self._opened(tmp_path)
        names = [spec.name for spec in specs]
        alone = {name: self._read(source, name, 0) for name in names}
        open = {name: self._chunks(source, name, 0) for name in names}
        found: dict[str, Records] = {name: {} for name in names}
        while open:
            for name, chunks in list(open.items()):
                chunk = next(chunks, None)
                if chunk is None:
                    del open[name]
                else:
                    found[name].update(_values(chunk))
        assert found == alone, f"{source.name}: partitions read in turns give other records"

    def test_it_knows_its_input_again(self, tmp_path: Path) -> None:
        for source, partition in self._partitions(tmp_path):
            known = source.identify(partition, None)
            assert "\n" not in known, f"{partition}: identify() must return one line, not {known!r}"
            again, _ = self._opened(tmp_path)
            assert again.identify(partition, None) == known, f"{partition}: identify() changes"
            again.identify(partition, known)

    def test_another_input_in_its_place_is_refused(self, tmp_path: Path) -> None:
        known = self._known(tmp_path)
        if not self.swap(tmp_path):
            raise SkipTest("its input cannot be swapped")
        try:
            source, specs = self._opened(tmp_path, known)
            for spec in specs:
                identity, _ = known.get(spec.name, (None, 0))
                source.identify(spec.name, identity)
        except ConfigurationError:
            return
        # A source that follows files takes it for a new one, and reads it from its beginning.
        new = {spec.name for spec in specs} - known.keys()
        assert new, "the input was swapped, and identify() took it for the same"

    def test_an_input_that_has_grown_is_the_same(self, tmp_path: Path) -> None:
        known = self._known(tmp_path)
        before = {
            partition: self._read(source, partition, 0) for source, partition in self._partitions(tmp_path)
        }
        if not self.grow(tmp_path):
            raise SkipTest("its input cannot grow")
        source, specs = self._opened(tmp_path, known)
        more = 0
        for spec in specs:
            identity, _ = known.get(spec.name, (None, 0))
            records = before.get(spec.name, {})
            source.identify(spec.name, identity)
            found = self._read(source, spec.name, 0)
            assert found | records == found, f"{spec.name}: growing changed what was there before"
            more += len(found) - len(records)
        assert more > 0, "grow() added nothing"

    # What they are made of

    def _opened(self, folder: Path, known: Known | None = None) -> tuple[Source, Sequence[PartitionSpec]]:
        """A source, made ready as the engine does; ``known`` is what an earlier run has settled."""
        source = self.make(folder)
        source.check()
        source.remember(
            {
                name: Progress(identity, records, BitMap64(), records, 0, 0)
                for name, (identity, records) in (known or {}).items()
            }
        )
        return source, source.partitions()

    def _partitions(self, folder: Path) -> Iterator[tuple[Source, str]]:
        """Each partition with a source of its own, since some can be read once only."""
        for spec in self._opened(folder)[1]:
            yield self._opened(folder)[0], spec.name

    def _known(self, folder: Path) -> Known:
        known: Known = {}
        for source, partition in self._partitions(folder):
            identity, records = source.identify(partition, None), 0
            for chunk in self._chunks(source, partition, 0):
                # Reading may have shown more than there was to know before.
                identity = chunk.identity or identity
                records += len(_offsets(chunk))
            known[partition] = (identity, records)
        return known

    def _needs_repeating(self, folder: Path) -> None:
        if not self.make(folder).repeats:
            raise SkipTest("it does not give the same records again")

    def _chunks(self, source: Source, partition: str, start: int) -> Iterator[Chunk]:
        """The chunks up to the end, or to where a source that grows has nothing more for now."""
        seen = 0
        chunks = source.read(partition, start, self.schema)
        try:
            for chunk in chunks:
                if chunk.empty:
                    if source.grows:
                        return
                    continue
                yield chunk
                seen += len(_offsets(chunk))
                if seen >= LONG_ENOUGH:
                    return
        finally:
            close: Callable[[], object] | None = getattr(chunks, "close", None)
            if close is not None:
                close()

    def _read(self, source: Source, partition: str, start: int) -> Records:
        records: Records = {}
        for chunk in self._chunks(source, partition, start):
            records.update(_values(chunk))
        return records


def _offsets(chunk: Chunk) -> list[int]:
    return sorted([*chunk.ids.offsets(), *(letter.id.offset for letter in chunk.rejected)])


def _values(chunk: Chunk) -> Records:
    raw = chunk.raw.split(b"\n") if isinstance(chunk.raw, bytes) else chunk.raw
    records: Records = {letter.id.offset: ("rejected", letter.reason) for letter in chunk.rejected}
    if not chunk.ids:
        return records
    values = chunk.decode(list(raw))
    for offset in chunk.ids.offsets():
        try:
            records[offset] = next(values)
        except StopIteration:
            raise AssertionError(f"decode gave no value for offset {offset}") from None
        except Exception as error:  # noqa: BLE001 - a record that does not fit is no fault of the source
            records[offset] = ("rejected", type(error).__name__)
    return records


def _open_files() -> int:
    return len(list(_OPEN_FILES.iterdir())) if _OPEN_FILES.exists() else 0
