"""The final verdict: one banner that says how the run ended, and names what went wrong."""

from __future__ import annotations

from rich.style import Style
from textual.strip import Strip

from metrics.format import count, plural, printable
from metrics.report import named_ids
from metrics.snapshot import Records, Snapshot
from tui.look import Look
from tui.text import Line, wrap

MOST_LINES = 7
MOST_IDS = 20


def verdict(snapshot: Snapshot, width: int, height: int, look: Look) -> list[Strip]:
    """The banner in at most ``height`` lines (2 or more); the first one alone tells the outcome."""
    style = look.banner(snapshot.status)
    glyph, _ = look.status(snapshot.status)
    texts = findings(snapshot)
    head = f" {glyph} {snapshot.status.upper()}  "
    room = max(10, width - len(head) - 1)
    first, *rest = wrap(printable(outcome(snapshot), ascii=look.ascii), room)
    lines = [Line(look).put(head, Style(bold=True)).put(first, Style(bold=True)).strip(width, style)]
    more = rest + [part for text in texts for part in wrap(printable(text, ascii=look.ascii), width - 6)]
    kept = more[: max(0, height - 2)]
    lines += [Line(look).gap(3).put(text).strip(width, style) for text in kept]
    hint = "q leaves  d shows everything"
    if len(more) > len(kept):
        hint += f"  (+{plural(len(more) - len(kept), 'line')})"
    return [*lines, Line(look).gap(3).put(hint).strip(width, style)][: max(1, height)]


def outcome(snapshot: Snapshot) -> str:
    """The outcome in one sentence."""
    records = snapshot.records
    if records.lost or records.duplicated:
        wrong = []
        if records.lost:
            wrong.append(f"{count(records.lost)} of {count(records.read)} records LOST")
        if records.duplicated:
            wrong.append(f"{count(records.duplicated)} written TWICE")
        return ", ".join(wrong)
    if snapshot.problem:
        return snapshot.problem
    if records.in_flight:
        left = f"{count(records.in_flight)} of {count(records.read)} records uncommitted"
        return f"Ended with {left}: {_ledger(records)}"
    if records.read == 0:
        return "The input held no records"
    if records.delivered == records.read:
        return f"All {count(records.read)} input records successfully processed"
    return f"All {count(records.read)} input records accounted for: {_ledger(records)}"


def findings(snapshot: Snapshot) -> list[str]:
    """What else a reader must know, most important first; empty after a sound run."""
    records = snapshot.records
    told = list(snapshot.reasons)
    if snapshot.phase == "ended" and told and told[0] == outcome(snapshot):
        told.pop(0)
    texts = [
        *_ids("lost", records.lost_ids, records.lost),
        *_ids("written twice", records.duplicated_ids, records.duplicated),
        *([snapshot.problem] if snapshot.problem and snapshot.problem != outcome(snapshot) else []),
        *(f"the books disagree: {text}" for text in snapshot.disagreements),
    ]
    # The reasons name most of this already, in the words of the reports.
    known = "\n".join(snapshot.reasons)
    facts = [*records.lost_ids[:1], *records.duplicated_ids[:1], snapshot.problem, *snapshot.disagreements]
    new = [text for text in texts if not any(fact and fact in text and fact in known for fact in facts)]
    return told + new


def _ids(what: str, ids: tuple[str, ...], total: int) -> list[str]:
    return [f"{what}: {named_ids(ids, total, MOST_IDS)}"] if ids else []


def _ledger(records: Records) -> str:
    parts = (
        (records.delivered, "delivered"),
        (records.filtered, "filtered"),
        (records.rejected, "rejected"),
        (records.in_flight, "in flight"),
    )
    return ", ".join(f"{count(value)} {name}" for value, name in parts if value)
