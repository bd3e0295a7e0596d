"""The sink is slower than the rest."""

from __future__ import annotations

from diagnosis.hypotheses.base import Hypothesis

SLOW_SINK = Hypothesis(
    "slow_sink",
    0.06,
    "writing takes longer than everything before it",
    says={
        "where": {"sink": 0.95},
        "symptom": {
            "slow": 0.9,
            "stall": 0.08,
            "lost": 0.001,
            "duplicated": 0.001,
            "rejected": 0.001,
            "changed": 0.001,
            "memory": 0.005,
            "handles": 0.002,
            "failed": 0.005,
            "books": 0.001,
        },
        "null_sink": {"cured": 0.95, "less": 0.03, "same": 0.02},
        "longer": {"goes_on": 0.1, "levels_off": 0.8, "no_more": 0.1},
    },
    confirmed_by={"null_sink": ("cured",)},
)
