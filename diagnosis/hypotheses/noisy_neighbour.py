"""Somebody else has the machine."""

from __future__ import annotations

from diagnosis.hypotheses.base import Hypothesis

NOISY_NEIGHBOUR = Hypothesis(
    "noisy_neighbour",
    0.04,
    "other programs on this machine take the processor",
    says={
        "where": {"sink": 0.1, "collector": 0.05, "more_and_more": 0.4},
        "symptom": {
            "slow": 0.95,
            "stall": 0.03,
            "lost": 0.001,
            "duplicated": 0.001,
            "rejected": 0.002,
            "changed": 0.002,
            "memory": 0.002,
            "handles": 0.001,
            "failed": 0.001,
            "books": 0.001,
        },
        "neighbour": {"busy": 0.95, "calm": 0.05},
        "longer": {"goes_on": 0.2, "levels_off": 0.7, "no_more": 0.1},
        "null_sink": {"same": 0.8},
    },
)
