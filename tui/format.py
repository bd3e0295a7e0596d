"""Numbers that must fit a column. None, "not known", is a dash and never a zero.

Figures that have room are written as in the reports, by :mod:`metrics.format`.
"""

from __future__ import annotations

from typing import Final

from metrics import format as written
from metrics.definitions.units import (
    BYTES,
    BYTES_PER_RECORD,
    CORES,
    MILLISECONDS,
    RATE,
    SECONDS,
    SHARE,
    Unit,
)

UNKNOWN: Final = "-"


def compact(value: int, width: int) -> str:
    """Records: in full where they fit in ``width`` cells, else in thousands, millions, billions."""
    full = f"{value:,}"
    if len(full) <= width:
        return full
    for size, unit in ((1_000_000_000_000, "T"), (1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if value >= size:
            # Rounded down: a count that is shown was reached.
            if value < 10 * size and width >= 5:
                return f"{value * 100 // size / 100:.2f}{unit}"
            if value < 100 * size or (value < 1_000 * size and width >= 6):
                return f"{value * 10 // size / 10:.1f}{unit}"
            return f"{value // size}{unit}"
    return full


def pace(value: float) -> str:
    """Records per second in at most six cells: ``16.7``, ``12,345``, ``1.23M``."""
    if value < 0.05:
        return "0"
    return f"{value:.1f}" if value < 999.95 else compact(round(value), 6)


def measured(value: float | None, unit: Unit) -> str:
    """A number of a metric, in its unit."""
    if value is None:
        return UNKNOWN
    if unit is RATE:
        return f"{pace(value)} {unit.words}"
    if unit is BYTES_PER_RECORD:
        return f"{written.size(value)} {unit.words}"
    if unit is BYTES:
        return written.size(value)
    if unit is MILLISECONDS:
        return written.millis(value)
    if unit is SECONDS:
        return written.seconds(value)
    if unit is SHARE:
        return written.percent(value)
    return written.number(value) if unit is CORES else written.count(round(value))


def elapsed(value: float | None) -> str:
    """A time span as a clock: ``0:42``, ``12:05``, ``1:02:03``, ``3d 04h``."""
    if value is None:
        return UNKNOWN
    whole = max(0, int(value))
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24}d {hours % 24:02}h"
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def share(value: float | None) -> str:
    """A share of 1 in percent, without decimals; 100 % only when it is all."""
    if value is None:
        return UNKNOWN
    return f"{min(100, int(value * 100 + 1e-9))}%"


def took(ms: float | None) -> str:
    """A time in milliseconds in at most five cells: ``45us``, ``2.5ms``, ``120ms``, ``1.2s``, ``12m``."""
    if ms is None:
        return UNKNOWN
    if ms < 0.9995:
        return f"{ms * 1000:.0f}us"
    if ms < 9.95:
        return f"{ms:.1f}ms"
    if ms < 999.5:
        return f"{ms:.0f}ms"
    if ms < 99_950:
        return f"{ms / 1000:.1f}s"
    if ms < 5_999_500:
        return f"{ms / 60_000:.0f}m"
    return f"{min(ms / 3_600_000, 9999):.0f}h"


def signed(value: int, width: int) -> str:
    """A difference with its sign: ``+120``, ``-1,200``, ``0``."""
    if value == 0:
        return "0"
    return f"{'+' if value > 0 else '-'}{compact(abs(value), width - 1)}"


def when(text: str) -> float | None:
    """The seconds that ``90``, ``1:30`` or ``1:02:03`` mean; None for what means no time."""
    parts = text.strip().split(":")
    if not 1 <= len(parts) <= 3:
        return None
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        return None
    if any(not 0 <= number < float("inf") for number in numbers):
        return None
    seconds = 0.0
    for number in numbers:
        seconds = seconds * 60 + number
    return seconds
