"""A few records are at fault by themselves."""

from __future__ import annotations

from diagnosis.hypotheses.base import Hypothesis

POISON_RECORD = Hypothesis(
    "poison_record",
    0.08,
    "a few records are such that the code fails on them, whenever they come",
    says={
        "symptom": {
            "rejected": 0.6,
            "failed": 0.25,
            "stall": 0.08,
            "changed": 0.02,
            "lost": 0.01,
            "duplicated": 0.002,
            "memory": 0.002,
            "handles": 0.002,
            "slow": 0.006,
            "books": 0.001,
        },
        "words": {"value": 0.85, "count": 0.02, "time": 0.02},
        "stacks": {"computing": 0.85, "waiting": 0.1},
        "drift": {"from_one_on": 0.01, "few": 0.8, "anywhere": 0.19},
        "again": {"same": 0.98, "differs": 0.01, "gone": 0.01},
        "subset": {"alone": 0.97, "needs_others": 0.03},
        "elsewhere": {"records": 0.96, "places": 0.01, "gone": 0.03},
        "batches": {
            "same": 0.5,
            "none": 0.44,
            "boundary": 0.002,
            "stride": 0.015,
            "tail": 0.003,
            "only_many": 0.001,
            "size": 0.03,
        },
        "copy": {"same": 0.99, "cured": 0.005, "less": 0.005},
        "serial": {"same": 0.98, "cured": 0.01, "less": 0.01},
        "schedules": {"none": 0.01, "by_order": 0.03, "all": 0.96},
    },
    confirmed_by={"subset": ("alone",)},
)
