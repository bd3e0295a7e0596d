"""Two threads at once in what only one may be in."""

from __future__ import annotations

from diagnosis.hypotheses.base import Hypothesis

RACE = Hypothesis(
    "race",
    0.12,
    "two threads read and write the same thing, and one comes in between",
    says={
        "symptom": {
            "lost": 0.2,
            "duplicated": 0.15,
            "rejected": 0.2,
            "changed": 0.33,
            "failed": 0.06,
            "memory": 0.01,
            "handles": 0.01,
            "slow": 0.01,
            "stall": 0.01,
            "books": 0.02,
        },
        "smell_write": {"there": 0.85, "not_there": 0.15},
        "words": {
            "at_once": 0.25,
            "value": 0.45,
            "count": 0.05,
            "no_space": 0.001,
            "too_many": 0.001,
            "memory": 0.001,
        },
        "disagreement": {"counts": 0.99, "times": 0.01},
        "again": {"differs": 0.9, "same": 0.05, "gone": 0.05},
        "serial": {"cured": 0.95, "less": 0.02, "same": 0.03},
        "schedules": {"none": 0.7, "by_order": 0.25, "all": 0.05},
        "lock": {"cured": 0.7, "less": 0.15, "same": 0.15},
        "delay": {"worse": 0.6, "better": 0.02, "same": 0.38},
        "copy": {"same": 0.85, "less": 0.1, "cured": 0.05},
        "batches": {
            "boundary": 0.002,
            "stride": 0.002,
            "tail": 0.01,
            "same": 0.15,
            "size": 0.4,
            "only_many": 0.15,
            "none": 0.28,
        },
        "subset": {"alone": 0.01, "needs_others": 0.99},
        "elsewhere": {"places": 0.6, "records": 0.1, "gone": 0.3},
        "drift": {"from_one_on": 0.02, "few": 0.4, "anywhere": 0.58},
    },
    confirmed_by={"schedules": ("none",), "serial": ("cured",), "lock": ("cured",), "delay": ("worse",)},
)
