"""An answer depends on what time it is."""

from __future__ import annotations

from diagnosis.hypotheses.base import Hypothesis

CLOCK = Hypothesis(
    "clock",
    0.09,
    "the wall clock, or the time that work takes, decides what becomes of records",
    says={
        "symptom": {
            "changed": 0.28,
            "rejected": 0.28,
            "lost": 0.09,
            "duplicated": 0.05,
            "slow": 0.09,
            "stall": 0.08,
            "failed": 0.05,
            "memory": 0.01,
            "handles": 0.01,
            "books": 0.06,
        },
        "disagreement": {"times": 0.99, "counts": 0.01},
        "steady": {"cured": 0.95, "less": 0.02, "same": 0.03},
        "time_asked": {"asked": 0.9, "never": 0.1},
        "smell_clock": {"there": 0.9, "not_there": 0.1},
        "words": {"time": 0.6, "value": 0.2},
        "again": {"differs": 0.6, "same": 0.35, "gone": 0.05},
        "serial": {"same": 0.75, "less": 0.15, "cured": 0.1},
        "schedules": {"none": 0.1, "by_order": 0.45, "all": 0.45},
        "lock": {"same": 0.9, "less": 0.07, "cured": 0.03},
        "delay": {"same": 0.5, "worse": 0.45, "better": 0.05},
        "copy": {"same": 0.97, "less": 0.02, "cured": 0.01},
        "clock_step": {"changes": 0.6, "same": 0.4},
        "clock_slew": {"changes": 0.6, "same": 0.4},
        "clock_frozen": {"cured": 0.6, "steadies": 0.25, "same": 0.15},
        "batches": {"boundary": 0.01, "size": 0.4, "same": 0.4, "only_many": 0.05},
        "subset": {"alone": 0.3, "needs_others": 0.7},
        "elsewhere": {"records": 0.3, "places": 0.5, "gone": 0.2},
    },
    confirmed_by={
        "clock_slew": ("changes",),
        "clock_step": ("changes",),
        "clock_frozen": ("cured", "steadies"),
        "steady": ("cured",),
    },
)
