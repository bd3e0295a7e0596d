"""Records, or calls, share something mutable."""

from __future__ import annotations

from diagnosis.hypotheses.base import Hypothesis

SHARED_STATE = Hypothesis(
    "shared_state",
    0.11,
    "something mutable is shared by records or calls, and one changes what another still uses",
    says={
        "symptom": {
            "changed": 0.717,
            "rejected": 0.1,
            "lost": 0.02,
            "duplicated": 0.04,
            "failed": 0.03,
            "memory": 0.08,
            "handles": 0.001,
            "slow": 0.002,
            "stall": 0.002,
            "books": 0.002,
        },
        "forget": {"cured": 0.93, "less": 0.05, "same": 0.02},
        "one_object": {"rewritten": 0.45, "shared": 0.15, "apart": 0.4},
        "smell_reuse": {"there": 0.85, "not_there": 0.15},
        "holder": {"default": 0.85, "module": 0.06, "object": 0.06},
        "longer": {"goes_on": 0.9, "levels_off": 0.05},
        "flush": {"level": 0.6, "breaks": 0.2},
        "keys": {"grows_anyway": 0.9},
        "again": {"same": 0.85, "differs": 0.13, "gone": 0.02},
        "serial": {"same": 0.85, "less": 0.08, "cured": 0.07},
        "schedules": {"none": 0.05, "by_order": 0.3, "all": 0.65},
        "lock": {"same": 0.93, "less": 0.04, "cured": 0.03},
        "delay": {"same": 0.9, "worse": 0.05, "better": 0.05},
        "copy": {"cured": 0.72, "less": 0.08, "same": 0.2},
        "batches": {
            "boundary": 0.02,
            "stride": 0.01,
            "tail": 0.01,
            "only_many": 0.42,
            "size": 0.26,
            "same": 0.26,
            "none": 0.02,
        },
        "subset": {"needs_others": 0.93, "alone": 0.07},
        "elsewhere": {"places": 0.55, "records": 0.4, "gone": 0.05},
    },
    confirmed_by={
        "keys": ("grows_anyway",),
        "copy": ("cured",),
        "forget": ("cured", "less"),
        "batches": ("only_many",),
        "subset": ("needs_others",),
    },
)
