"""A diagnosis as text, as Markdown and as JSON."""

from __future__ import annotations

import textwrap
from datetime import datetime

from diagnosis.observation import Observation
from metrics.findings import Conclusion, Diagnosis, Step
from metrics.report import json_findings as findings

WIDTH = 100
_STATES = {
    "concluded": "CONCLUDED",
    "undetermined": "UNDETERMINED",
    "healthy": "HEALTHY",
    "running": "NOT FINISHED",
}


def as_text(diagnosis: Diagnosis, file: str) -> str:
    """For a person at a terminal."""
    lines = [f"DIAGNOSIS of {file}: {_STATES[diagnosis.state]} after {diagnosis.cost_s:.0f} s", ""]
    lines += ["Symptoms", *(_wrapped(f"- {each.text}") for each in diagnosis.symptoms)]
    if not diagnosis.symptoms:
        lines.append("- none")
    if diagnosis.log:
        lines += ["", "Experiments"]
        for step in diagnosis.log:
            lines += _step(step)
    for number, each in enumerate(diagnosis.conclusions, 1):
        lines += ["", *_conclusion(number, each)]
    if diagnosis.ruled_out:
        lines += ["", "Ruled out"]
        lines += [
            _wrapped(f"- {each.cause} ({_share(each.confidence)}): {each.because}")
            for each in diagnosis.ruled_out
        ]
    if diagnosis.doubt:
        lines += ["", _wrapped(f"Doubt: {diagnosis.doubt}")]
    if diagnosis.next:
        lines.append(_wrapped(f"What would help: {diagnosis.next}"))
    return "\n".join(lines)


def _share(value: float) -> str:
    return f"{value:.1%}" if value >= 0.001 else "< 0.1%"


def _step(step: Step) -> list[str]:
    head = f"{step.number:>2}. {step.experiment}  [{step.took_s:.1f} s]"
    parts = [
        f"predicted: {step.prediction}",
        f"observed:  {step.observation}",
        f"so:        {step.conclusion}; {_moved(step)}",
    ]
    if step.command:
        parts.append(f"again:     {step.command}")
    found = [_wrapped(head)]
    for part in parts:
        if part.startswith("again:"):
            found.append(f"    {part}")
        else:
            found.append(textwrap.fill(part, WIDTH, initial_indent="    ", subsequent_indent=" " * 15))
    return found


def _moved(step: Step) -> str:
    return f"odds of {step.hypothesis} {_odds(step.odds_before)} -> {_odds(step.odds_after)}"


def _odds(odds: float) -> str:
    return f"{odds:.2g}:1" if odds >= 1 else f"1:{1 / max(odds, 1e-9):.2g}"


def _conclusion(number: int, each: Conclusion) -> list[str]:
    where = " ".join(
        part
        for part in (
            f"stage {each.stage}" if each.stage else "",
            f"object {each.object}" if each.object else "",
            f"at {each.location}" if each.location else "",
        )
        if part
    )
    lines = [f"Conclusion {number}: {each.cause.upper()} ({each.confidence:.1%})"]
    if where:
        lines.append(f"  where: {where}")
    lines.append(textwrap.fill(f"why: {each.why}", WIDTH, initial_indent="  ", subsequent_indent="       "))
    if each.fix:
        mark = "verified" if each.verified else "not verified"
        lines.append(
            textwrap.fill(
                f"fix ({mark}): {each.fix}", WIDTH, initial_indent="  ", subsequent_indent="       "
            )
        )
    if each.verification:
        lines.append(
            textwrap.fill(
                f"proof: {each.verification}", WIDTH, initial_indent="  ", subsequent_indent="       "
            )
        )
    if each.diff:
        lines += [textwrap.indent(each.diff, "    ")]
    return lines


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def as_markdown(diagnosis: Diagnosis, file: str) -> str:
    """A document."""
    lines = [
        f"# Diagnosis of {file}: {diagnosis.state}",
        "",
        f"It took {diagnosis.cost_s:.0f} s.",
        "",
        "## Symptoms",
        "",
    ]
    lines += [f"- {_plain(each.text)}" for each in diagnosis.symptoms] or ["None."]
    for number, each in enumerate(diagnosis.conclusions, 1):
        lines += ["", f"## Conclusion {number}: {each.cause} ({each.confidence:.1%})", ""]
        lines += [f"- Stage: {each.stage or 'unknown'}", f"- Object: {_plain(each.object or 'unknown')}"]
        lines += [f"- Line: {each.location or 'unknown'}", f"- Why: {_plain(each.why)}"]
        if each.fix:
            lines.append(f"- Fix ({'verified' if each.verified else 'not verified'}): {_plain(each.fix)}")
        if each.verification:
            lines.append(f"- Proof: {_plain(each.verification)}")
        if each.diff:
            lines += ["", "```diff", each.diff, "```"]
    if diagnosis.ruled_out:
        lines += ["", "## Ruled out", "", "| cause | still | because |", "|---|---|---|"]
        lines += [
            f"| {each.cause} | {_share(each.confidence)} | {_plain(each.because)} |"
            for each in diagnosis.ruled_out
        ]
    if diagnosis.log:
        lines += ["", "## Experiments", ""]
        for step in diagnosis.log:
            lines += [
                f"{step.number}. {_plain(step.experiment)}",
                f"   - predicted: {_plain(step.prediction)}",
                f"   - observed: {_plain(step.observation)}",
                f"   - so: {_plain(step.conclusion)}; {_moved(step)}",
            ]
            if step.command:
                lines.append(f"   - again: `{step.command}`")
    if diagnosis.doubt:
        lines += ["", f"Doubt: {_plain(diagnosis.doubt)}"]
    if diagnosis.next:
        lines += ["", f"What would help: {_plain(diagnosis.next)}"]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Text from records is no markup."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def as_json(
    diagnosis: Diagnosis, file: str, code: int, began: datetime, first: Observation | None
) -> dict[str, object]:
    """One document; ``diagnosis`` is as in the report of a run."""
    records = None
    if first is not None:
        records = {
            "read": first.read,
            "delivered": first.delivered,
            "filtered": first.filtered,
            "rejected": first.rejected,
            "in_flight": first.in_flight,
            "lost": first.lost,
            "duplicated": first.duplicated,
        }
    return {
        "schema": 1,
        "file": file,
        "exit_code": code,
        "started_at": began.isoformat(),
        "records": records,
        "diagnosis": findings.diagnosis(diagnosis),
    }
