"""What a change is, for each metric in which anomalies are looked for, and whether it harms a run."""

from __future__ import annotations

from dataclasses import dataclass

from metrics.detectors import Kind, Tolerance

MEBI = 1024.0 * 1024.0
_LASTING: frozenset[Kind] = frozenset({"step", "trend"})
_ALL: frozenset[Kind] = frozenset({"step", "trend", "novelty"})
_SUDDEN: frozenset[Kind] = frozenset({"step", "novelty"})


@dataclass(frozen=True, slots=True)
class Watched:
    """How a metric is watched. ``title`` is what it is called in a sentence. ``weighs`` tells that a large
    change is critical; where it is False, a change is worth knowing and no harm by itself. ``timed`` tells
    that it depends on how much time the machine has for the run."""

    title: str
    tolerance: Tolerance
    kinds: frozenset[Kind]
    weighs: bool
    timed: bool = True


# A user notices a tenth of a second from end to end, a third of the rate, a third of a worker's time, a few
# files. Less is noise on a machine that does other things as well. What a stage takes for a batch is told
# from some milliseconds on, because it says where; whether it harms, the run's own latency and rate say.
WATCHED: dict[str, Watched] = {
    "pipeline.records.rate": Watched("rate", Tolerance(0.3, 1.0, up=False), _SUDDEN, True),
    "pipeline.records.error_rate": Watched(
        "error rate", Tolerance(0.5, 0.05, down=False), _LASTING, True, timed=False
    ),
    "pipeline.records.in_flight": Watched(
        "records in flight", Tolerance(1.0, 1000.0, down=False), _LASTING, False
    ),
    "pipeline.record.latency": Watched("latency", Tolerance(1.0, 100.0, down=False), _ALL, True),
    "pipeline.stage.rate": Watched("rate", Tolerance(0.3, 1.0, up=False), frozenset({"step"}), False),
    "pipeline.stage.error_rate": Watched(
        "error rate", Tolerance(0.5, 0.05, down=False), _LASTING, False, timed=False
    ),
    "pipeline.stage.latency": Watched("latency", Tolerance(1.0, 3.0, down=False), _LASTING, False),
    "pipeline.stage.utilization{state=busy}": Watched(
        "busy share", Tolerance(0.0, 0.3, down=False), _LASTING, False
    ),
    "pipeline.stage.utilization{state=blocked}": Watched(
        "blocked share", Tolerance(0.0, 0.3, down=False), _LASTING, False
    ),
    "pipeline.stage.queue.fill": Watched("queue", Tolerance(0.0, 0.3, down=False), _LASTING, False),
    "process.memory.rss": Watched(
        "memory", Tolerance(0.25, 24 * MEBI, down=False), _LASTING, False, timed=False
    ),
    "pipeline.cache.length": Watched(
        "entries of the cache", Tolerance(0.5, 1000.0, down=False), frozenset({"trend"}), False, timed=False
    ),
    "process.cpu.usage": Watched("use of processors", Tolerance(0.3, 0.5, down=False), _LASTING, False),
    "process.open_files": Watched("open files", Tolerance(0.2, 8.0, down=False), _LASTING, True, timed=False),
    "process.sockets": Watched("sockets", Tolerance(0.2, 8.0, down=False), _LASTING, True, timed=False),
    "process.threads": Watched("threads", Tolerance(0.2, 4.0, down=False), _LASTING, True, timed=False),
}
