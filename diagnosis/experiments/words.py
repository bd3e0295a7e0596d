"""What the error says."""

from __future__ import annotations

import re

from diagnosis.experiments.base import Case, Experiment, Finding

_CLASSES: tuple[tuple[str, str], ...] = (
    (
        "no_space",
        r"No space left|Errno 28|ENOSPC|Disk quota|Errno 122|disk is full|disk full|database or disk",
    ),
    ("too_many", r"Too many open files|Errno 24|EMFILE|can't start new thread"),
    ("ended", r"stage '[^']*' died|SystemExit|thread .* (died|ended)|worker .* (died|ended)"),
    ("memory", r"MemoryError|Cannot allocate memory|signal 9"),
    ("at_once", r"changed size during iteration|mutated during iteration|already locked|deque mutated"),
    ("outcomes", r"returned \d+ outcomes for \d+ values"),
    ("count", r"outcomes for|unequal lengths|zip\(\) argument|list index out of range|strict"),
    (
        "time",
        r"negative|in the future|timed out|timeout|too (old|late|long)|expired|clock|deadline|stale"
        r"|\btook -?\d|(?<![\w.])-\d+(\.\d+)? ?(s|ms|sec\w*|ticks)\b",
    ),
    (
        "value",
        r"ValueError|TypeError|KeyError|AttributeError|UnicodeDecodeError|Validation|ZeroDivision|expected",
    ),
)


class Words(Experiment):
    name = "words"
    family = "words"
    question = "what does the error say?"
    ordinary = {
        "no_space": 0.005,
        "too_many": 0.01,
        "ended": 0.003,
        "memory": 0.01,
        "at_once": 0.01,
        "outcomes": 0.002,
        "count": 0.048,
        "time": 0.05,
        "value": 0.5,
        "other": 0.362,
    }
    kinds = ("failed", "rejected")
    runs = 0.05

    def carry_out(self, case: Case) -> Finding:
        run = case.first
        texts = [run.problem or ""] if case.kind == "failed" else []
        texts += [each.reason for each in run.rejections]
        text = " | ".join(texts)
        for outcome, pattern in _CLASSES:
            if re.search(pattern, text, re.IGNORECASE):
                return Finding(outcome, f"it says: {texts[0][:160]}", 1)
        return Finding("other", f"it says: {texts[0][:160] if texts else 'nothing'}", 1)
