"""What a record holds and what must become of it: a function of its id alone.

Whoever makes the input, whoever processes it and whoever judges the output share nothing but
this file, so that no state of one can hide a fault of another. Standard library only.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Literal

POSTGRES = "CHAOS_POSTGRES"
"""The environment variable with the connection string of a server, where there is one."""


def schema_of(path: Path) -> str:
    """Each job has a schema of its own in the database, named after its folder."""
    return f"{path.parent.parent.name}_{path.parent.name}".replace("-", "_").lower()


Fate = Literal["delivered", "filtered", "rejected", "split"]

FAR = 1_000_000
"""Record ``offset`` of partition ``p`` has the id ``p * FAR + offset``."""

_AWKWARD = ('"', "\\", ",", "\n", "é", "🛫", "'", "\t", " ", ";")


def text(id: int) -> str:
    """The payload: some 20 to 180 characters, of which some are awkward to write down."""
    digest = sha256(str(id).encode()).hexdigest()
    return digest[: 16 + id % 40] + _AWKWARD[id % 10] + digest * (id % 3) + _AWKWARD[id % 7]


def fate(id: int) -> Fate:
    """What must become of a record."""
    if id % 37 == 5:
        return "rejected"
    if id % 53 == 7:
        return "filtered"
    return "split" if id % 41 == 3 else "delivered"


def rows(id: int) -> list[tuple[int, int, str]]:
    """The rows ``(id, part, text)`` that a record must leave in the output."""
    match fate(id):
        case "delivered":
            return [(id, 0, text(id))]
        case "split":
            return [(id, part, f"{text(id)}/{part}") for part in (0, 1)]
        case _:
            return []


def ids(partitions: int, records: int) -> list[int]:
    """Every id of so many partitions with so many records each."""
    return [partition * FAR + offset for partition in range(partitions) for offset in range(records)]


def name(id: int) -> str:
    """How the product names the record."""
    return f"input/{id // FAR}.jsonl:{id % FAR}"


def write_input(folder: Path, partitions: int, records: int) -> None:
    """The input as JSON Lines, a file for each partition."""
    folder.mkdir()
    for partition in range(partitions):
        lines = [
            json.dumps({"id": id, "text": text(id)})
            for id in range(partition * FAR, partition * FAR + records)
        ]
        (folder / f"{partition}.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
