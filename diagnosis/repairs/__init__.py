"""The repairs, in one table by cause."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from diagnosis.experiments import Case
from diagnosis.repairs import batching, clock, handles, leak, others, race, shared_state
from diagnosis.repairs.base import Repair
from metrics.findings import Cause

REPAIRS: Mapping[Cause, Callable[[Case], list[Repair]]] = {
    "race": race.repairs,
    "leak": leak.repairs,
    "batching": batching.repairs,
    "shared_state": shared_state.repairs,
    "clock": clock.repairs,
    "handles": handles.repairs,
    "poison_record": others.poison_record,
    "input_drift": others.input_drift,
    "gc_pause": others.gc_pause,
    "slow_sink": others.slow_sink,
    "deadlock": others.deadlock,
    "dead_worker": others.dead_worker,
    "backpressure": others.backpressure,
    "disk_full": others.disk_full,
}

__all__ = ["REPAIRS", "Repair"]
