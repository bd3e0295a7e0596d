"""The engine's own accounts, in the form in which the collector asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from metrics.books import PartitionCount, QueueCount
from metrics.report import SinkInfo
from metrics.snapshot import Records
from pipeline.engine import Engine
from pipeline.ids import Id
from pipeline.ledger_accounts import NAMES_KEPT
from pipeline.ledger_books import Counts
from pipeline.pipeline import INGESTION, OUTPUT


class EngineBooks:
    """Reads the ledger and the queues of a running engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def records(self) -> Records:
        """The ledger of the whole run."""
        return self._records(self._engine.ledger.counts())

    def ledger(self) -> tuple[Records, Sequence[PartitionCount]]:
        """The ledger of the whole run and its lines, of one moment."""
        book = self._engine.ledger.partitions()
        lines = [
            PartitionCount(
                partition,
                counts.read,
                counts.delivered,
                counts.filtered,
                counts.rejected,
                counts.in_flight,
                counts.lost,
                self._engine.ledger.resumed(partition),
                counts.since,
            )
            for partition, counts in book
        ]
        return self._records(sum((counts for _, counts in book), Counts())), lines

    def _records(self, counts: Counts) -> Records:
        ledger = self._engine.ledger
        lost_ids = tuple(ledger.lost_ids()) if counts.lost else ()
        duplicated_ids = tuple(ledger.duplicated_ids()) if counts.duplicated else ()
        return Records(
            read=counts.read,
            delivered=counts.delivered,
            filtered=counts.filtered,
            rejected=counts.rejected,
            in_flight=counts.in_flight,
            lost=counts.lost,
            duplicated=counts.duplicated,
            lost_ids=lost_ids,
            duplicated_ids=duplicated_ids,
            resumed=self._engine.resumed,
            truncated=counts.lost > NAMES_KEPT or counts.duplicated > NAMES_KEPT,
        )

    def queues(self) -> Sequence[QueueCount]:
        """All queues, in flow order, each as its two ends counted."""
        counts = []
        for hop in self._engine.hops:
            queue = hop.queue
            # What could not even be cut out of the input is read and rejected without passing the queue.
            beside = (
                sum(reader.beside_the_queue for reader in self._engine.readers)
                if hop.consumer == INGESTION
                else 0
            )
            counts.append(
                QueueCount(
                    stage=hop.consumer,
                    producer=hop.producer,
                    put_records=queue.put_records + beside,
                    taken_records=queue.taken_records + beside,
                    size_records=queue.records,
                    size_bytes=queue.size,
                    capacity_records=queue.capacity_records,
                    peak_records=queue.peak_records,
                    capacity_bytes=queue.capacity_bytes,
                )
            )
        return counts

    def lost_at(self, stage: str) -> int:
        """Lost records that were last seen in ``stage`` or on their way to it."""
        ledger = self._engine.ledger
        unwritten = ledger.unwritten() if stage == OUTPUT else 0
        return ledger.lost_at(stage) + unwritten


def sink_info(engine: Engine) -> SinkInfo:
    """What the sink promises, and which records it may have twice."""
    repeated = engine.repeated.items()
    names = (partition.record(Id(offset)) for partition, offsets in repeated for offset in offsets)
    return SinkInfo(
        engine.sink.name,
        engine.sink.guarantee,
        sum(len(offsets) for _, offsets in repeated),
        tuple(islice(names, NAMES_KEPT)),
    )
