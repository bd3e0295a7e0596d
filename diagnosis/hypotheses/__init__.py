"""The hypotheses, in one list; :mod:`diagnosis.hypotheses.base` says what one is."""

from __future__ import annotations

from diagnosis.hypotheses.backpressure import BACKPRESSURE
from diagnosis.hypotheses.base import Hypothesis
from diagnosis.hypotheses.batching import BATCHING
from diagnosis.hypotheses.clock import CLOCK
from diagnosis.hypotheses.dead_worker import DEAD_WORKER
from diagnosis.hypotheses.deadlock import DEADLOCK
from diagnosis.hypotheses.disk_full import DISK_FULL
from diagnosis.hypotheses.gc_pause import GC_PAUSE
from diagnosis.hypotheses.handles import HANDLES
from diagnosis.hypotheses.healthy import HEALTHY
from diagnosis.hypotheses.input_drift import INPUT_DRIFT
from diagnosis.hypotheses.leak import LEAK
from diagnosis.hypotheses.noisy_neighbour import NOISY_NEIGHBOUR
from diagnosis.hypotheses.poison_record import POISON_RECORD
from diagnosis.hypotheses.race import RACE
from diagnosis.hypotheses.shared_state import SHARED_STATE
from diagnosis.hypotheses.slow_sink import SLOW_SINK
from diagnosis.hypotheses.unknown import UNKNOWN
from diagnosis.hypotheses.warm_up import WARM_UP

HYPOTHESES: tuple[Hypothesis, ...] = (
    RACE,
    LEAK,
    BATCHING,
    SHARED_STATE,
    CLOCK,
    HANDLES,
    SLOW_SINK,
    BACKPRESSURE,
    GC_PAUSE,
    NOISY_NEIGHBOUR,
    INPUT_DRIFT,
    POISON_RECORD,
    DISK_FULL,
    DEADLOCK,
    DEAD_WORKER,
    WARM_UP,
    HEALTHY,
    UNKNOWN,
)

__all__ = ["HYPOTHESES", "Hypothesis"]
