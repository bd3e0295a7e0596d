"""A thread that others wait for is no more."""

from __future__ import annotations

from diagnosis.hypotheses.base import Hypothesis

DEAD_WORKER = Hypothesis(
    "dead_worker",
    0.05,
    "a thread of the pipeline's own has died, and others wait for it",
    says={
        "symptom": {
            "stall": 0.578,
            "failed": 0.27,
            "lost": 0.1,
            "slow": 0.02,
            "duplicated": 0.001,
            "rejected": 0.02,
            "changed": 0.005,
            "memory": 0.003,
            "handles": 0.001,
            "books": 0.001,
        },
        "words": {"ended": 0.7, "value": 0.1},
        "stacks": {"dead": 0.93, "waiting": 0.05, "locks": 0.005, "full": 0.01, "computing": 0.005},
        "serial": {"same": 0.9, "cured": 0.05, "less": 0.05},
        "schedules": {"none": 0.05, "by_order": 0.15, "all": 0.8},
    },
    confirmed_by={"subset": ("alone", "needs_others"), "serial": ("same",)},
)
