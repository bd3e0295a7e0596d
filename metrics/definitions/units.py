"""The units of metrics: what a limit may be written in, and what exporters call them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """The units that a kind of number may be written in, each as a multiple of the first.

    The first is the unit of the number in the JSON report, and what a number without a unit is in.
    ``example`` is a number as one would write it. ``code`` is the unit in UCUM, as OpenTelemetry writes it.
    Prometheus wants base units: ``suffix`` names them, and a number times ``base`` is in them. ``words``
    stand behind a number where people read it and have room.
    """

    factors: Mapping[str, float]
    example: str
    code: str = "1"
    suffix: str = ""
    base: float = 1.0
    words: str = ""

    @property
    def name(self) -> str:
        """The first unit, empty for a plain number."""
        return next(iter(self.factors))


def counted(noun: str) -> Unit:
    """So many of something."""
    return Unit({"": 1.0}, "0", f"{{{noun}}}")


_SIZES = {
    "B": 1.0,
    "KB": 1e3,
    "MB": 1e6,
    "GB": 1e9,
    "KiB": 1024.0,
    "MiB": 1024.0**2,
    "GiB": 1024.0**3,
}
RECORDS = counted("record")
SHARE = Unit({"": 1.0, "%": 0.01}, "5%", "1", "ratio")
CORES = Unit({"": 1.0, "%": 0.01}, "1.5", "{core}", "cores")
MILLISECONDS = Unit(
    {"ms": 1.0, "us": 1e-3, "µs": 1e-3, "s": 1e3, "min": 6e4}, "200ms", "ms", "seconds", base=1e-3
)
SECONDS = Unit(
    {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "min": 60.0, "h": 3600.0}, "60s", "s", "seconds"
)
RATE = Unit({"/s": 1.0, "/min": 1 / 60}, "1000/s", "{record}/s", "per_second", words="rec/sec")
BYTES = Unit(_SIZES, "100MB", "By", "bytes")
BYTES_PER_RECORD = Unit(
    {f"{unit}/record": factor for unit, factor in _SIZES.items()},
    "1KB/record",
    "By/{record}",
    "bytes_per_record",
    words="per record",
)
