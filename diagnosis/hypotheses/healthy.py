"""Nothing is wrong: what was seen is how this pipeline is."""

from __future__ import annotations

from diagnosis.hypotheses.base import Hypothesis

HEALTHY = Hypothesis(
    "healthy",
    0.05,
    "nothing is wrong; what was seen is chance, or as it should be",
    says={
        "schedules": {"none": 0.5, "by_order": 0.4, "all": 0.1},
        "symptom": {
            "slow": 0.4,
            "memory": 0.15,
            "changed": 0.2,
            "rejected": 0.2,
            "handles": 0.02,
            "lost": 0.002,
            "duplicated": 0.002,
            "failed": 0.003,
            "stall": 0.02,
            "books": 0.002,
        },
        "again": {"gone": 0.8, "same": 0.1, "differs": 0.1},
        "longer": {"levels_off": 0.8, "goes_on": 0.1, "no_more": 0.1},
        "batches": {"none": 0.7},
        "words": {"value": 0.3, "other": 0.6},
    },
)
