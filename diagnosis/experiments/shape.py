"""What kind of trouble it is: the symptom itself is evidence."""

from __future__ import annotations

from diagnosis.experiments.base import Case, Experiment, Finding


class Shape(Experiment):
    name = "symptom"
    family = "symptom"
    question = "what kind of trouble is it?"
    ordinary = {
        "failed": 0.11,
        "stall": 0.11,
        "lost": 0.11,
        "duplicated": 0.11,
        "rejected": 0.11,
        "changed": 0.11,
        "handles": 0.11,
        "memory": 0.11,
        "slow": 0.11,
        "books": 0.01,
    }
    runs = 0.0

    def carry_out(self, case: Case) -> Finding:
        # What depends on the records before it has other contents than it should.
        return Finding("changed" if case.kind == "history" else case.kind, case.trouble.symptom.text, 1)
