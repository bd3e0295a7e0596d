"""There is no room to write."""

from __future__ import annotations

from diagnosis.hypotheses.base import Hypothesis

DISK_FULL = Hypothesis(
    "disk_full",
    0.03,
    "a disk, or a quota on it, is full",
    says={
        "symptom": {
            "failed": 0.6,
            "rejected": 0.37,
            "lost": 0.01,
            "duplicated": 0.001,
            "changed": 0.005,
            "memory": 0.001,
            "handles": 0.001,
            "slow": 0.002,
            "stall": 0.005,
            "books": 0.001,
        },
        "words": {"no_space": 0.97},
        "again": {"same": 0.9, "differs": 0.05, "gone": 0.05},
        "null_sink": {"cured": 0.7, "same": 0.28},
        "subset": {"needs_others": 0.7, "alone": 0.3},
    },
    confirmed_by={"null_sink": ("cured",), "subset": ("needs_others", "alone")},
)
