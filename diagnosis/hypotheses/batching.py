"""The code goes wrong at the edges of batches."""

from __future__ import annotations

from diagnosis.hypotheses.base import Hypothesis

BATCHING = Hypothesis(
    "batching",
    0.13,
    "the code miscounts at the edge of a batch, or does not give up the last one",
    says={
        "symptom": {
            "lost": 0.44,
            "duplicated": 0.28,
            "rejected": 0.12,
            "changed": 0.14,
            "memory": 0.002,
            "handles": 0.001,
            "slow": 0.001,
            "stall": 0.002,
            "failed": 0.004,
            "books": 0.01,
        },
        "smell_slice": {"there": 0.85, "not_there": 0.15},
        "words": {"outcomes": 0.4, "count": 0.4, "value": 0.1},
        "disagreement": {"counts": 0.99, "times": 0.01},
        "again": {"same": 0.93, "differs": 0.05, "gone": 0.02},
        "serial": {"same": 0.93, "less": 0.04, "cured": 0.03},
        "schedules": {"none": 0.02, "by_order": 0.13, "all": 0.85},
        "lock": {"same": 0.96, "less": 0.03, "cured": 0.01},
        "delay": {"same": 0.94, "worse": 0.02, "better": 0.04},
        "copy": {"same": 0.97, "less": 0.02, "cured": 0.01},
        "batches": {
            "boundary": 0.3,
            "stride": 0.17,
            "tail": 0.18,
            "blocks": 0.1,
            "only_many": 0.05,
            "size": 0.05,
            # A record given twice, or a piece cut off, whatever the size of the batch that it came in.
            "same": 0.1,
            "none": 0.04,
        },
        "subset": {"needs_others": 0.6, "alone": 0.4},
        "elsewhere": {"places": 0.85, "records": 0.1, "gone": 0.05},
        "drift": {"from_one_on": 0.02, "few": 0.45, "anywhere": 0.53},
    },
    confirmed_by={
        "batches": ("boundary", "stride", "tail", "blocks", "only_many"),
        "schedules": ("all",),
    },
)
