"""It grows, or is slow, at the beginning alone."""

from __future__ import annotations

from diagnosis.hypotheses.base import Hypothesis

WARM_UP = Hypothesis(
    "warm_up",
    0.06,
    "a cache fills to its bound, and then it levels off",
    says={
        "where": {"more_and_more": 0.3, "sink": 0.02},
        "symptom": {
            "memory": 0.75,
            "slow": 0.18,
            "lost": 0.001,
            "duplicated": 0.001,
            "rejected": 0.002,
            "changed": 0.002,
            "handles": 0.05,
            "stall": 0.002,
            "failed": 0.002,
            "books": 0.001,
        },
        "holder": {"cache": 0.02},
        "keys": {"follows_keys": 0.75, "grows_anyway": 0.15, "levels": 0.1},
        "longer": {"goes_on": 0.02, "levels_off": 0.93, "no_more": 0.05},
        "flush": {"level": 0.7, "breaks": 0.1, "grows": 0.2},
        "collect": {"held": 0.9, "freed": 0.1},
    },
    confirmed_by={"longer": ("levels_off",)},
)
