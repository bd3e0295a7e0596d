"""Something is kept for good with every record."""

from __future__ import annotations

from diagnosis.hypotheses.base import Hypothesis

LEAK = Hypothesis(
    "leak",
    0.14,
    "something is kept for every record, or every new key, and never let go",
    says={
        "where": {"more_and_more": 0.8, "sink": 0.01},
        "symptom": {
            "memory": 0.86,
            "slow": 0.1,
            "failed": 0.02,
            "lost": 0.001,
            "duplicated": 0.001,
            "rejected": 0.002,
            "changed": 0.002,
            "handles": 0.005,
            "stall": 0.002,
            "books": 0.001,
        },
        "holder": {"module": 0.42, "object": 0.27, "cache": 0.2, "default": 0.005, "nobody": 0.105},
        "keys": {"follows_keys": 0.5, "grows_anyway": 0.47, "levels": 0.03},
        "longer": {"goes_on": 0.9, "levels_off": 0.04, "no_more": 0.06},
        "flush": {"level": 0.88, "breaks": 0.07, "grows": 0.05},
        "collect": {"held": 0.95, "freed": 0.05},
        "uncollected": {"freed": 0.97, "held": 0.03},
        "words": {"memory": 0.8},
        "collector_off": {"cured": 0.03, "same": 0.97},
    },
    confirmed_by={
        "flush": ("level",),
        "keys": ("follows_keys", "grows_anyway"),
        "longer": ("goes_on",),
        "uncollected": ("freed",),
    },
)
