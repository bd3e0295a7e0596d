"""A copy of the Numenta Anomaly Benchmark: its series, and the windows in which something was wrong."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.errors import ConfigurationError

PROBATION = 0.15
LONGEST = 5000
"""Of a file, so many rows at most count for the length of its probation."""


@dataclass(frozen=True, slots=True)
class Series:
    """One file. ``windows`` are pairs of row numbers, both included; the first ``probation`` rows are not
    scored."""

    name: str
    values: tuple[float, ...]
    windows: tuple[tuple[int, int], ...]
    probation: int


def load(folder: Path) -> list[Series]:
    """All series of the copy in ``folder``, by name.

    Raises :class:`~pipeline.errors.ConfigurationError` where the folder holds no such copy.
    """
    labels = folder / "labels" / "combined_windows.json"
    try:
        windows: dict[str, list[list[str]]] = json.loads(labels.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"NAB={folder}: {labels} cannot be read ({error.strerror}); give the folder of a copy of "
            "https://github.com/numenta/NAB"
        ) from error
    except ValueError as error:
        raise ConfigurationError(f"NAB={folder}: {labels} is no JSON: {error}") from error
    return [_series(folder / "data" / name, name, spans) for name, spans in sorted(windows.items())]


def _series(path: Path, name: str, spans: list[list[str]]) -> Series:
    times, values = read(path, "value")
    return Series(name, tuple(values), _rows(times, spans), probation(len(values)))


def read(path: Path, column: str) -> tuple[list[datetime], list[float]]:
    """The times of a file's rows, and the numbers in one of its columns.

    Raises :class:`~pipeline.errors.ConfigurationError` for a file that is not of this form.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [(row["timestamp"], float(row[column])) for row in csv.DictReader(file)]
        return [datetime.fromisoformat(at) for at, _ in rows], [value for _, value in rows]
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror}): no whole copy") from error
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(f"{path}: is not a file of the benchmark: {error!r}") from error


def probation(rows: int) -> int:
    """How many rows of a file of ``rows`` rows are for learning alone."""
    return int(PROBATION * min(rows, LONGEST))


def _rows(times: list[datetime], spans: list[list[str]]) -> tuple[tuple[int, int], ...]:
    """The spans of time as row numbers; where a time is there twice, its first row begins and ends."""
    place = {at: row for row, at in reversed(list(enumerate(times)))}
    found = []
    for begin, end in spans:
        found.append((place[datetime.fromisoformat(begin)], place[datetime.fromisoformat(end)]))
    return tuple(found)
