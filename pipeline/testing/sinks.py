"""What every sink must do."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar
from unittest import SkipTest

from pyroaring import BitMap64

from pipeline.batch import Partition
from pipeline.checkpoint import Checkpoint, CheckpointStore, FileStore, Progress
from pipeline.ids import Ids
from pipeline.sinks.base import RefusedRecords, Sink

BATCHES = (range(3), range(3, 4), range(4, 8), range(8, 10), range(10, 15))
"""The values that are written, by their numbers, batch by batch."""
VALUES = 15

_TEXTS = ('quo"te', "new\nline", "comma,semi;", " spaces ", "Zürich 東京 🛫", "\t", "'", "plain")
_PARTITION = Partition("contract", "values")


class SinkContract:
    """Subclass it as ``Test...`` and define :meth:`make` and :meth:`rows`; pytest does the rest.

    The tests drive the sink as the engine does: ``check``, ``open`` or ``resume``, then ``write`` batch by
    batch with a ``flush`` and a stored checkpoint here and there, then ``close``; or the process is
    gone without it. What a sink says that it cannot do is skipped.
    """

    keeps_order: ClassVar[bool] = True
    """Whether :meth:`rows` gives the values in the order in which they were written."""

    def make(self, folder: Path) -> Sink:
        """A new sink that writes into ``folder``; as each run of the same command makes one."""
        raise NotImplementedError

    def rows(self, folder: Path) -> Sequence[Any]:
        """Every value that the output in ``folder`` holds now, in the form in which it was written."""
        raise NotImplementedError

    def value(self, number: int) -> Any:
        """The value of this number; each is another one."""
        return {"id": number, "text": _TEXTS[number % len(_TEXTS)]}

    def bad(self) -> Any:
        """A value that the sink cannot take; None where it takes them all."""
        return None

    # The tests

    def test_the_guarantee_is_one_that_it_can_keep(self, tmp_path: Path) -> None:
        run = _Run(self, tmp_path)
        assert run.sink.guarantee in ("exactly once", "at least once"), (
            f"{run.sink.name}: guarantee={run.sink.guarantee!r}; say 'exactly once' or 'at least once'"
        )
        if run.sink.guarantee == "at least once" or not run.sink.resumes:
            return
        run.begin()
        run.write(BATCHES[0])
        assert isinstance(run.sink.flush(), str), (
            f"{run.sink.name}: to go on exactly once, it needs a flush() that returns a note for resume()"
        )
        run.end()

    def test_checking_makes_nothing(self, tmp_path: Path) -> None:
        run = _Run(self, tmp_path)
        run.sink.check()
        found = sorted(path.name for path in run.folder.iterdir())
        assert not found, f"{run.sink.name}: check() made {found}"

    def test_every_value_is_there_once_and_in_order(self, tmp_path: Path) -> None:
        run = self._finished(tmp_path)
        self._holds(run, range(VALUES))

    def test_it_returns_the_ids_that_it_wrote(self, tmp_path: Path) -> None:
        run = _Run(self, tmp_path)
        run.begin()
        for batch in BATCHES:
            ids = Ids.of(batch)
            written = list(run.sink.write(ids, run.payload(batch)))
            assert written == list(ids), f"{run.sink.name}: write() returned {written} for {ids}"
        run.commit(VALUES)
        run.end()

    def test_batches_may_come_in_any_order_of_their_ids(self, tmp_path: Path) -> None:
        run = _Run(self, tmp_path)
        run.begin()
        numbers = [number for batch in reversed(BATCHES) for number in batch]
        for batch in reversed(BATCHES):
            run.write(batch)
        run.commit(VALUES)
        run.end()
        self._holds(run, numbers)

    def test_encoding_in_slices_of_any_size_changes_nothing(self, tmp_path: Path) -> None:
        if self.make(tmp_path).encode is None:
            raise SkipTest("it has no encode")
        for size in (1, 2, VALUES):
            run = _Run(self, tmp_path / str(size), slice_size=size)
            run.begin()
            run.write(range(VALUES))
            run.commit(VALUES)
            run.end()
            self._holds(run, range(VALUES))

    def test_a_new_run_writes_the_output_anew(self, tmp_path: Path) -> None:
        self._needs_exactly_once(tmp_path)
        first = self._finished(tmp_path)
        first.forget()
        second = _Run(self, tmp_path)
        second.begin()
        second.write(BATCHES[1])
        second.commit(1)
        second.end()
        self._holds(second, BATCHES[1])

    def test_a_run_that_vanished_before_it_committed_is_written_anew(self, tmp_path: Path) -> None:
        self._needs_exactly_once(tmp_path)
        for written in range(len(BATCHES) + 1):
            folder = tmp_path / str(written)
            run = _Run(self, folder)
            run.begin()
            self._write(run, BATCHES[:written], commit=False)
            run.vanish()
            self._goes_on(folder, 0)

    def test_refused_values_leave_nothing_behind(self, tmp_path: Path) -> None:
        bad = self.bad()
        if bad is None:
            raise SkipTest("it takes every value")
        for position in range(len(BATCHES[2])):
            run = _Run(self, tmp_path / str(position))
            run.begin()
            run.write(BATCHES[0])
            values = [self.value(number) for number in BATCHES[2]]
            values[position] = bad
            refused = run.refused(Ids.of(BATCHES[2]), values)
            assert refused == [position], f"{run.sink.name}: it refused {refused}, not position {position}"
            rest = [number for at, number in enumerate(BATCHES[2]) if at != position]
            run.write(rest)
            run.commit(VALUES)
            run.end()
            self._holds(run, [*BATCHES[0], *rest])

    def test_it_goes_on_at_every_batch_boundary(self, tmp_path: Path) -> None:
        """The process is gone after some batches were committed and more were written."""
        self._needs_resuming(tmp_path)
        for committed in range(len(BATCHES) + 1):
            for written in range(committed, len(BATCHES) + 1):
                folder = tmp_path / f"{committed}-{written}"
                run = _Run(self, folder)
                run.begin()
                self._write(run, BATCHES[:committed], commit=True)
                self._write(run, BATCHES[committed:written], commit=False)
                run.vanish()
                self._goes_on(folder, sum(map(len, BATCHES[:committed])))

    def test_it_goes_on_however_often_the_process_is_gone(self, tmp_path: Path) -> None:
        self._needs_resuming(tmp_path)
        for position, batch in enumerate(BATCHES):
            run = _Run(self, tmp_path)
            run.begin()
            assert run.settled == batch.start, f"{run.sink.name}: the checkpoint speaks of {run.settled}"
            self._write(run, [batch], commit=True)
            self._write(run, BATCHES[position + 1 :], commit=False)
            run.vanish()
        self._goes_on(tmp_path, VALUES)

    def test_what_was_flushed_but_not_acknowledged_is_gone(self, tmp_path: Path) -> None:
        self._needs_resuming(tmp_path)
        run = _Run(self, tmp_path)
        run.begin()
        self._write(run, BATCHES[:2], commit=True)
        self._write(run, BATCHES[2:4], commit=False)
        run.sink.flush()
        run.vanish()
        self._goes_on(tmp_path, BATCHES[2].start)

    def test_what_was_acknowledged_stays_though_the_run_fails_then(self, tmp_path: Path) -> None:
        self._needs_resuming(tmp_path)
        run = _Run(self, tmp_path)
        run.begin()
        self._write(run, BATCHES[:2], commit=True)
        self._write(run, BATCHES[2:4], commit=False)
        run.end()
        self._goes_on(tmp_path, BATCHES[2].start)

    def test_flushing_again_changes_nothing(self, tmp_path: Path) -> None:
        run = _Run(self, tmp_path)
        run.begin()
        for batch in BATCHES:
            run.write(batch)
            first, second = run.sink.flush(), run.sink.flush()
            assert first == second, f"{run.sink.name}: flush() returned {first!r}, then {second!r}"
        run.commit(VALUES)
        run.end()
        self._holds(run, range(VALUES))

    def test_closing_twice_and_closing_what_was_never_opened_is_fine(self, tmp_path: Path) -> None:
        unopened = self.make(tmp_path)
        unopened.close()
        unopened.close()
        run = self._finished(tmp_path)
        run.sink.close()
        self._holds(run, range(VALUES))

    # What they are made of

    def _finished(self, folder: Path) -> _Run:
        run = _Run(self, folder)
        run.begin()
        self._write(run, BATCHES, commit=True)
        run.end()
        return run

    def _write(self, run: _Run, batches: Sequence[range], *, commit: bool) -> None:
        for batch in batches:
            run.write(batch)
            if commit:
                run.commit(batch.stop)

    def _goes_on(self, folder: Path, settled: int) -> None:
        run = _Run(self, folder)
        run.begin()
        assert run.settled == settled, f"{run.sink.name}: the checkpoint speaks of {run.settled} values"
        rest = range(run.settled, VALUES)
        if rest:
            run.write(rest)
            run.commit(VALUES)
        run.end()
        self._holds(run, range(VALUES))

    def _holds(self, run: _Run, numbers: Sequence[int]) -> None:
        found = list(self.rows(run.folder))
        expected = [self.value(number) for number in numbers]
        if not self.keeps_order:
            found, expected = sorted(found, key=repr), sorted(expected, key=repr)
        if run.sink.guarantee == "at least once":
            missing = [value for value in expected if value not in found]
            assert not missing, f"{run.sink.name}: {missing} are missing from {found}"
        else:
            assert found == expected, f"{run.sink.name}: the output holds {found}, not {expected}"

    def _needs_exactly_once(self, folder: Path) -> None:
        if self.make(folder).guarantee != "exactly once":
            raise SkipTest("it is written at least once")

    def _needs_resuming(self, folder: Path) -> None:
        if not self.make(folder).resumes:
            raise SkipTest("no run goes on with what an earlier one wrote")


class _Run:
    """One process's life with a sink, driven as the engine drives it."""

    def __init__(self, contract: SinkContract, folder: Path, slice_size: int = 2) -> None:
        self.folder = folder / "output"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._contract = contract
        self._slice_size = slice_size
        self.sink = contract.make(self.folder)
        inside = self.sink.store("contract") if self.sink.resumes else None
        self._store: CheckpointStore = inside or FileStore(folder / "state.db", "contract")
        self.settled = 0

    def begin(self) -> None:
        """Go on where the checkpoint says, or begin anew."""
        self.sink.check()
        checkpoint = self._store.load() if self.sink.resumes else None
        if checkpoint is None or checkpoint.sink is None:
            self.sink.open()
        else:
            self.sink.resume(checkpoint.sink)
        if checkpoint is not None:
            self.settled = checkpoint.settled
        self._store.open()

    def payload(self, numbers: Sequence[int]) -> list[Any]:
        return self._encoded([self._contract.value(number) for number in numbers])

    def write(self, numbers: Sequence[int]) -> None:
        self.sink.write(Ids.of(numbers), self.payload(numbers))

    def refused(self, ids: Ids, values: list[Any]) -> list[int]:
        """The positions that the sink cannot take, by its encode or by its write."""
        encode = self.sink.encode
        if encode is not None:
            for position, value in enumerate(values):
                try:
                    encode([value])
                except Exception:  # noqa: BLE001 - the engine, too, takes any as a refusal
                    return [position]
        try:
            self.sink.write(ids, self._encoded(values))
        except RefusedRecords as refusal:
            return sorted(refusal.positions)
        return []

    def commit(self, settled: int) -> None:
        """Progress that speaks of so many values is stored."""
        progress = Progress("", settled, BitMap64(), settled, 0, 0)
        self._store.save(Checkpoint({_PARTITION: progress}, self.sink.flush(), saved_at="now"))

    def end(self) -> None:
        self.sink.close()
        self._store.close()

    def vanish(self) -> None:
        """The process is gone: nobody closes anything."""
        sink, store = self.sink, self._store
        del self.sink, self._store
        del sink, store
        gc.collect()

    def forget(self) -> None:
        """Start over: the checkpoint is thrown away."""
        self._store.clear()

    def _encoded(self, values: list[Any]) -> list[Any]:
        encode = self.sink.encode
        if encode is None:
            return values
        return [encode(values[at : at + self._slice_size]) for at in range(0, len(values), self._slice_size)]
