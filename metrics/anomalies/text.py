"""An anomaly in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from metrics.definitions import metric_named
from metrics.definitions.metric import Labels
from metrics.definitions.units import BYTES, MILLISECONDS, RATE, SHARE, Unit
from metrics.detectors import Alarm
from metrics.format import millis, number, percent, rate, size


def sentence(
    metric: str, stage: str | None, labels: Labels, title: str, alarm: Alarm, others: Sequence[str] = ()
) -> str:
    """``transform: latency 48ms, expected at most 9.2ms (also validation)``."""
    unit = metric_named(metric).unit
    beside = dict(labels)
    named = beside.get("cache") or beside.get("source") or beside.get("thread")
    what = f"{title} {named!r}" if named else title
    where = f"{stage}: " if stage else ""
    grows = " and grows" if alarm.kind == "trend" else ""
    also = f" (also {', '.join(others)})" if others else ""
    return f"{where}{what} {said(alarm.value, unit)}{grows}, expected {_expected(alarm, unit)}{also}"


def said(value: float, unit: Unit) -> str:
    """A number with its unit, as people read it."""
    if unit is MILLISECONDS:
        return millis(value)
    if unit is SHARE:
        return percent(value)
    if unit is BYTES:
        return size(value)
    if unit is RATE:
        return f"{rate(value)}/s"
    return f"{number(value)}{' ' if unit.name else ''}{unit.name}"


def _expected(alarm: Alarm, unit: Unit) -> str:
    low, high = alarm.expected
    if low is None:
        return "anything" if high is None else f"at most {said(high, unit)}"
    return f"at least {said(low, unit)}" if high is None else f"{said(low, unit)} to {said(high, unit)}"
