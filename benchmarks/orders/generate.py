"""Write the benchmark's input: orders as JSON Lines in four files, and a manifest of what must come out.

    python -m benchmarks.orders.generate --records 1000000

The files are ``orders-0.jsonl`` to ``orders-3.jsonl``; ``manifest.json`` is written last, so that a
folder with a manifest is whole, and is used again as it is.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

import msgspec

from benchmarks.orders.job import Order, price
from data.generator import break_of, broken_order, orders

FILES = 4
SEED = 20_260_101
FORMAT = 2
"""Raised whenever the lines or the manifest change, so that old files are written anew."""

WORK = Path(__file__).resolve().parent / "work"


class Manifest(msgspec.Struct):
    """What the input holds and what must come out of it.

    ``cents`` sums the amounts in EUR cents, ``quantities`` the items, ``ids`` the ids of the ``delivered``
    orders. ``rejected`` counts the broken lines by the way they are broken; ``rejected_crc32`` sums
    the CRC-32 of those that are valid UTF-8.
    """

    format: int
    seed: int
    records: int
    bytes: int
    delivered: int
    ids: int
    cents: int
    quantities: int
    buckets: dict[str, int]
    rejected: dict[str, int]
    rejected_crc32: int


@dataclass
class Totals:
    """The sums over one file."""

    bytes: int = 0
    delivered: int = 0
    ids: int = 0
    cents: int = 0
    quantities: int = 0
    crc32: int = 0
    buckets: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)


def input_folder(records: int) -> Path:
    """Where the input of so many records lies."""
    return WORK / f"input-{records}"


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an input folder; OSError where there is none."""
    return msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)


def is_written(records: int) -> bool:
    """Whether the whole input is there already."""
    try:
        manifest = read_manifest(input_folder(records))
    except (OSError, msgspec.DecodeError):
        return False
    return (manifest.format, manifest.seed, manifest.records) == (FORMAT, SEED, records)


def generate(records: int) -> Path:
    """Write the input unless it is there, on all cores; return its folder."""
    folder = input_folder(records)
    if is_written(records):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").unlink(missing_ok=True)
    bounds = [records * number // FILES for number in range(FILES + 1)]
    paths = [folder / f"orders-{number}.jsonl" for number in range(FILES)]
    with ProcessPoolExecutor() as pool:
        totals = list(pool.map(write_file, paths, bounds[:-1], bounds[1:]))
    manifest = _manifest(records, totals)
    (folder / "manifest.json").write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    return folder


def write_file(path: Path, start: int, stop: int) -> Totals:
    """Write the lines of the indexes from ``start`` up to ``stop``; return their sums."""
    totals = Totals()
    with path.open("wb", buffering=1 << 20) as file:
        for index in range(start, stop):
            line = broken_order(SEED, index)
            how = break_of(SEED, index)
            if how is None:
                _add(totals, index)
            else:
                totals.rejected[how] += 1
                if how != "bad_utf8":
                    totals.crc32 += crc32(line)
            totals.bytes += len(line) + 1
            file.write(line + b"\n")
    return totals


def _add(totals: Totals, index: int) -> None:
    priced = price(msgspec.convert(orders(SEED, index), Order))
    totals.delivered += 1
    totals.ids += priced.id
    totals.cents += priced.cents
    totals.quantities += priced.quantity
    totals.buckets[priced.bucket] += 1


def _manifest(records: int, totals: Sequence[Totals]) -> Manifest:
    return Manifest(
        format=FORMAT,
        seed=SEED,
        records=records,
        bytes=sum(part.bytes for part in totals),
        delivered=sum(part.delivered for part in totals),
        ids=sum(part.ids for part in totals),
        cents=sum(part.cents for part in totals),
        quantities=sum(part.quantities for part in totals),
        buckets=dict(sum((part.buckets for part in totals), Counter())),
        rejected=dict(sum((part.rejected for part in totals), Counter())),
        rejected_crc32=sum(part.crc32 for part in totals),
    )


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write the input of the orders benchmark.")
    parser.add_argument("--records", type=int, default=1_000_000)
    print(generate(parser.parse_args(argv).records))
    return 0


if __name__ == "__main__":
    sys.exit(main())
