"""Dead letters as people read them."""

from __future__ import annotations

import msgspec

from metrics.format import printable
from pipeline.dead_letters import DeadLetter


def told(letter: DeadLetter) -> str:
    """All that is known of a dead letter."""
    lines = [
        f"id        {printable(letter.id)}",
        f"stage     {printable(letter.stage)}",
        f"reason    {printable(letter.reason)}",
        f"attempts  {letter.attempts}",
    ]
    if letter.stands_for:
        lines.append(f"with      {printable(', '.join(letter.stands_for))}")
    raw = letter.raw
    what = "original" if letter.form != "shown" else "original (as far as it was kept)"
    lines += ["", f"{what}:", *_indented(raw)]
    if letter.value is not None:
        lines += ["", "what the stage was given:", *_indented(letter.value)]
    if letter.traceback is not None:
        lines += ["", *_indented(letter.traceback)]
    return "\n".join(lines)


def _indented(value: object) -> list[str]:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    text = value if isinstance(value, str) else as_json(value)
    return [f"    {printable(line)}" for line in text.split("\n")]


def as_json(value: object) -> str:
    """A value as JSON."""
    return msgspec.json.encode(value).decode()
