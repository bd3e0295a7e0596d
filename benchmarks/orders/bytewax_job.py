"""The same job in bytewax: a source that reads blocks of lines, one operator a step, two sinks.

    python -m benchmarks.orders.bytewax_job INPUT_FOLDER OUTPUT_FOLDER [BLOCK_BYTES]

With ``BLOCK_BYTES`` 1 the source gives one line at a time, as a source that was not tuned does.
One worker in one process, with no recovery store, which is its fastest setting for this machine's two cores.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import bytewax.operators as op
import msgspec
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.run import cli_main

from benchmarks.orders.job import EUR_CENTS_PER, Order, Priced, price

BLOCK = 1 << 17


class Letter(msgspec.Struct, gc=False):
    """A line that is rejected, and why."""

    reason: str
    original: str


class Checked(msgspec.Struct, gc=False):
    """An order together with its line, which a dead letter would have to show."""

    order: Order
    line: bytes


class LinesPartition(StatefulSourcePartition[bytes, None]):
    def __init__(self, path: Path, block: int) -> None:
        self._file = path.open("rb")
        self._block = block

    def next_batch(self) -> Iterable[bytes]:
        lines = self._file.readlines(self._block)
        if not lines:
            raise StopIteration
        return lines

    def next_awake(self) -> datetime | None:
        return None

    def snapshot(self) -> None:
        return None

    def close(self) -> None:
        self._file.close()


class Lines(FixedPartitionedSource[bytes, None]):
    """The lines of all files of a folder, a partition for each file."""

    def __init__(self, folder: Path, block: int) -> None:
        self._folder = folder
        self._block = block

    def list_parts(self) -> list[str]:
        return [path.name for path in self._folder.glob("*.jsonl")]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> LinesPartition:  # noqa: ARG002
        return LinesPartition(self._folder / for_part, self._block)


class JsonlPartition(StatelessSinkPartition[object]):
    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._encode_lines = msgspec.json.Encoder().encode_lines

    def write_batch(self, items: list[object]) -> None:
        self._file.write(self._encode_lines(items))

    def close(self) -> None:
        self._file.close()


class Jsonl(DynamicSink[object]):
    """A file of JSON Lines (of one worker)."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def build(self, step_id: str, worker_index: int, worker_count: int) -> JsonlPartition:  # noqa: ARG002
        return JsonlPartition(self._path)


_decode = msgspec.json.Decoder(Order).decode


def decode(line: bytes) -> Checked | Letter:
    try:
        return Checked(_decode(line), line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _letter(str(error), line)


def validate(item: Checked | Letter) -> Checked | Letter:
    if isinstance(item, Letter):
        return item
    order = item.order
    if order.amount < 0:
        return _letter(f"amount is negative: {order.amount}", item.line)
    if order.currency not in EUR_CENTS_PER:
        return _letter(f"unknown currency: {order.currency}", item.line)
    return item


def transform(item: Checked | Letter) -> Priced | Letter:
    return item if isinstance(item, Letter) else price(item.order)


def is_priced(item: Priced | Letter) -> bool:
    return isinstance(item, Priced)


def _letter(reason: str, line: bytes) -> Letter:
    return Letter(reason, line.rstrip(b"\n").decode("utf-8", "backslashreplace"))


def dataflow(source: Path, target: Path, block: int) -> Dataflow:
    flow = Dataflow("orders")
    lines = op.input("ingestion", flow, Lines(source, block))
    decoded = op.map("decode", lines, decode)
    validated = op.map("validate", decoded, validate)
    transformed = op.map("transform", validated, transform)
    ends = op.branch("priced", transformed, is_priced)
    op.output("output", ends.trues, Jsonl(target / "priced.jsonl"))
    op.output("dead-letters", ends.falses, Jsonl(target / "dead-letters.jsonl"))
    return flow


def main() -> int:
    began = time.perf_counter()
    block = int(sys.argv[3]) if len(sys.argv) > 3 else BLOCK
    cli_main(dataflow(Path(sys.argv[1]), Path(sys.argv[2]), block))
    print(f'{{"duration_s": {time.perf_counter() - began}}}')
    return 0


if __name__ == "__main__":
    sys.exit(main())
