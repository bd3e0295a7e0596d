"""Tracebacks as the person who wrote the pipeline needs them: without the monitor's own frames."""

from __future__ import annotations

import re
from pathlib import Path

import pipeline
from pipeline.operators.base import FUSED

_ENGINE = (f'  File "{Path(pipeline.__file__).resolve().parent}/', f'  File "{FUSED}"')
_LINK = re.compile(r"\n\n(?:The above exception was|During handling of the above)[^\n]*\n\n")
_OURS = f"{pipeline.PipelineError.__module__}."


def of_the_user(trace: str) -> str:
    """The parts of a traceback that are in the user's code; "" where there are none.

    Whole, where the monitor itself has a fault.
    """
    parts = [_trimmed(part) for part in _LINK.split(trace.rstrip())]
    users = [part for part in parts if part]
    if users:
        return "\n\n".join(users)
    return "" if trace.rstrip().rpartition("\n")[2].startswith(_OURS) else trace.rstrip()


def _trimmed(part: str) -> str:
    """One exception without the frames of the engine; "" where no other is left."""
    kept: list[str] = []
    shown = True
    frames = 0
    for line in part.splitlines():
        if line.startswith("  File "):
            shown = not line.startswith(_ENGINE)
            frames += shown
        elif not line.startswith("  "):
            shown = True
        if shown:
            kept.append(line)
    return "\n".join(kept).strip() if frames else ""
