"""Hold what a program of this benchmark wrote against the manifest.

    python -m benchmarks.orders.check INPUT_FOLDER OUTPUT_FILE DEAD_LETTER_FILE

Exit code 0 where everything is there once, else 1 with a line for each number that is off.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import msgspec

from benchmarks.orders.generate import read_manifest
from benchmarks.orders.job import Priced

INVALID_BYTE = ("\ufffd", "\\xff", "\udcff")
"""What the one byte that is not UTF-8 may look like in a text."""


class Letter(msgspec.Struct):
    """A dead letter; other fields may stand beside these two, and bytes that are no text in another one."""

    reason: str
    original: object = None


def differences(source: Path, output: Path, dead_letters: Path) -> list[str]:
    """What is off, a line each; empty where the run did its job."""
    manifest = read_manifest(source)
    expected: dict[str, object] = {
        "rows": manifest.delivered,
        "sum of ids": manifest.ids,
        "sum of cents": manifest.cents,
        "sum of quantities": manifest.quantities,
        "buckets": manifest.buckets,
        "dead letters": sum(manifest.rejected.values()),
        "dead letters without a reason": 0,
        "dead letters that are not UTF-8": manifest.rejected["bad_utf8"],
        "CRC-32 of the other dead letters": manifest.rejected_crc32,
    }
    found = _rows(output) | _letters(dead_letters)
    return [
        f"{name}: expected {value}, found {found[name]}"
        for name, value in expected.items()
        if found[name] != value
    ]


def _rows(path: Path) -> dict[str, object]:
    rows = ids = cents = quantities = 0
    buckets: Counter[str] = Counter()
    decode = msgspec.json.Decoder(Priced).decode
    for line in _lines(path):
        row = decode(line)
        rows += 1
        ids += row.id
        cents += row.cents
        quantities += row.quantity
        buckets[row.bucket] += 1
    return {
        "rows": rows,
        "sum of ids": ids,
        "sum of cents": cents,
        "sum of quantities": quantities,
        "buckets": dict(buckets),
    }


def _letters(path: Path) -> dict[str, object]:
    count = silent = invalid = crc = 0
    decode = msgspec.json.Decoder(Letter).decode
    for line in _lines(path):
        letter = decode(line)
        count += 1
        silent += not letter.reason
        original = letter.original
        if isinstance(original, str) and not any(mark in original for mark in INVALID_BYTE):
            crc += crc32(original.encode())
        else:
            invalid += 1
    return {
        "dead letters": count,
        "dead letters without a reason": silent,
        "dead letters that are not UTF-8": invalid,
        "CRC-32 of the other dead letters": crc,
    }


def _lines(path: Path) -> Iterator[bytes]:
    if not path.exists():
        return
    with path.open("rb") as file:
        yield from file


def main() -> int:
    source, output, dead_letters = map(Path, sys.argv[1:4])
    off = differences(source, output, dead_letters)
    for line in off:
        print(line)
    return 1 if off else 0


if __name__ == "__main__":
    sys.exit(main())
