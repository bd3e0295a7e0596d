"""The input is another one from some record on."""

from __future__ import annotations

from diagnosis.hypotheses.base import Hypothesis

INPUT_DRIFT = Hypothesis(
    "input_drift",
    0.06,
    "from one record on the input is of another form",
    says={
        "symptom": {
            "rejected": 0.75,
            "changed": 0.08,
            "failed": 0.06,
            "slow": 0.08,
            "lost": 0.002,
            "duplicated": 0.001,
            "memory": 0.01,
            "handles": 0.002,
            "stall": 0.005,
            "books": 0.001,
        },
        "words": {"value": 0.85, "count": 0.02, "time": 0.02},
        "drift": {"from_one_on": 0.93, "few": 0.02, "anywhere": 0.05},
        "again": {"same": 0.98, "differs": 0.01, "gone": 0.01},
        "subset": {"alone": 0.97, "needs_others": 0.03},
        "elsewhere": {"records": 0.97, "places": 0.02, "gone": 0.01},
        "batches": {
            "same": 0.45,
            "none": 0.54,
            "boundary": 0.002,
            "stride": 0.002,
            "tail": 0.003,
            "only_many": 0.001,
            "size": 0.002,
        },
        "copy": {"same": 0.99, "cured": 0.005, "less": 0.005},
        "serial": {"same": 0.98, "cured": 0.01, "less": 0.01},
        "schedules": {"none": 0.01, "by_order": 0.03, "all": 0.96},
    },
    confirmed_by={"subset": ("alone",), "elsewhere": ("records",)},
)
