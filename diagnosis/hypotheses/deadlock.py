"""Threads wait for one another."""

from __future__ import annotations

from diagnosis.hypotheses.base import Hypothesis

DEADLOCK = Hypothesis(
    "deadlock",
    0.05,
    "threads hold what others wait for, in a ring",
    says={
        "symptom": {
            "stall": 0.97,
            "failed": 0.01,
            "slow": 0.01,
            "lost": 0.001,
            "duplicated": 0.001,
            "rejected": 0.004,
            "changed": 0.001,
            "memory": 0.001,
            "handles": 0.001,
            "books": 0.001,
        },
        "stacks": {"locks": 0.92, "waiting": 0.05, "dead": 0.005, "full": 0.005, "computing": 0.02},
        "serial": {"cured": 0.5, "less": 0.01, "same": 0.49},
        "again": {"same": 0.6, "differs": 0.38, "gone": 0.02},
        "subset": {"needs_others": 0.7, "alone": 0.3},
    },
    confirmed_by={"serial": ("cured", "same"), "subset": ("needs_others", "alone")},
)
