"""The cyclic collector takes the time."""

from __future__ import annotations

from diagnosis.hypotheses.base import Hypothesis

GC_PAUSE = Hypothesis(
    "gc_pause",
    0.03,
    "collections of garbage over many live objects take the time",
    says={
        "where": {"collector": 0.9, "more_and_more": 0.08},
        "symptom": {
            "slow": 0.96,
            "memory": 0.02,
            "lost": 0.001,
            "duplicated": 0.001,
            "rejected": 0.001,
            "changed": 0.001,
            "handles": 0.001,
            "stall": 0.01,
            "failed": 0.001,
            "books": 0.001,
        },
        "collector_off": {"cured": 0.9, "same": 0.1},
        "collect": {"held": 0.7, "freed": 0.3},
    },
    confirmed_by={"collector_off": ("cured",)},
)
