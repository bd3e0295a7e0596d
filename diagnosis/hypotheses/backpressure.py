"""A stage waits for room that nobody makes."""

from __future__ import annotations

from diagnosis.hypotheses.base import Hypothesis

BACKPRESSURE = Hypothesis(
    "backpressure",
    0.03,
    "something bounded is full, and who fills it waits for whoever should empty it",
    says={
        "symptom": {
            "stall": 0.779,
            "slow": 0.2,
            "lost": 0.002,
            "duplicated": 0.001,
            "rejected": 0.005,
            "changed": 0.002,
            "memory": 0.005,
            "handles": 0.001,
            "failed": 0.004,
            "books": 0.001,
        },
        "stacks": {"full": 0.85, "waiting": 0.1, "locks": 0.02, "dead": 0.01, "computing": 0.02},
        "null_sink": {"cured": 0.12, "less": 0.1, "same": 0.78},
        "serial": {"same": 0.85, "cured": 0.1, "less": 0.05},
        "subset": {"needs_others": 0.97, "alone": 0.03},
    },
    confirmed_by={"subset": ("needs_others",)},
)
