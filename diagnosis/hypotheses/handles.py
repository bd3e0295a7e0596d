"""Files, sockets, processes, threads or log handlers are opened and not closed."""

from __future__ import annotations

from diagnosis.hypotheses.base import Hypothesis

HANDLES = Hypothesis(
    "handles",
    0.11,
    "files, sockets, processes, threads or log handlers are opened and never closed",
    says={
        "symptom": {
            "handles": 0.879,
            "failed": 0.05,
            "rejected": 0.03,
            "memory": 0.02,
            "slow": 0.015,
            "lost": 0.001,
            "duplicated": 0.001,
            "changed": 0.001,
            "stall": 0.002,
            "books": 0.001,
        },
        "words": {"too_many": 0.85},
        "all_left": {"left_all": 0.85, "left_some": 0.15},
        "longer": {"goes_on": 0.93, "levels_off": 0.03, "no_more": 0.04},
        "collect": {"held": 0.8, "freed": 0.2},
    },
    confirmed_by={"longer": ("goes_on",), "collect": ("held", "freed")},
)
