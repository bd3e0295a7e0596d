"""The diagnosis: how probable each cause is, what speaks for and against it, the experiments, the fix."""

from __future__ import annotations

from metrics.findings import Belief, Conclusion, Diagnosis, Step
from metrics.format import plural, seconds
from tui.format import elapsed, share
from tui.look import Look
from tui.page import Page, Row, Scene, View, blank, heading, line, matches, note
from tui.text import Line, wrap
from tui.views.bars import progress_bar

LEAST, FEWEST = 0.01, 3
"""Causes that are less probable are told on demand, but for the first few."""
OTHERS = "causes:others"


def diagnosis_page(scene: Scene) -> Page:
    """Symptoms, confidence bars, conclusions with their fix, what was ruled out, the log."""
    look, found = scene.look, scene.snapshot.diagnosis
    if found is None:
        able = "diagnose" in scene.powers
        why = "no diagnosis yet; d looks for the cause of what is wrong" if able else (
            "no diagnosis; `monitor.py diagnose FILE` makes one"
        )  # fmt: skip
        return Page((_state_line(None, look),), (note(look, why),))
    rows = [*_findings(found, scene), *_rest(found, scene)]
    return Page((_state_line(found, look).cut(scene.width),), tuple(rows), _cells(found))


def _findings(found: Diagnosis, scene: Scene) -> list[Row]:
    look = scene.look
    rows: list[Row] = []
    for conclusion in found.conclusions:
        rows += _conclusion(conclusion, scene)
    if found.symptoms:
        rows.append(heading(look, "SYMPTOMS"))
        for symptom in found.symptoms:
            at = "" if symptom.at_s is None else f" (since {elapsed(symptom.at_s)})"
            where = f"{symptom.stage}: " if symptom.stage else ""
            rows += _text(f"{where}{symptom.text}{at}", look.glyphs.warning, "warn", scene)
        rows.append(blank(look))
    if found.beliefs:
        rows.append(heading(look, "CAUSES", "how probable each is; enter tells why"))
        # A dozen causes that are out of the question would hide what matters.
        told = [each for each in found.beliefs if each.probability >= LEAST] or list(found.beliefs[:FEWEST])
        told = told if len(told) >= FEWEST else list(found.beliefs[:FEWEST])
        opened = OTHERS in scene.ask.opened
        for belief in found.beliefs if opened else told:
            rows += _belief(belief, scene)
        if len(told) < len(found.beliefs):
            sign = look.glyphs.open if opened else look.glyphs.closed
            others = f" {sign} {len(found.beliefs) - len(told)} others below {LEAST:.0%}"
            rows.append(Row(line(look, others, "muted"), OTHERS, others))
        rows.append(blank(look))
    return rows


def _rest(found: Diagnosis, scene: Scene) -> list[Row]:
    look = scene.look
    rows: list[Row] = []
    if found.ruled_out:
        rows.append(heading(look, "RULED OUT"))
        for rival in found.ruled_out:
            rows += _text(
                f"{rival.cause} ({share(rival.confidence)}): {rival.because}", look.glyphs.no, "muted", scene
            )
        rows.append(blank(look))
    if found.doubt:
        rows += [heading(look, "WHAT REMAINS IN DOUBT"), *_text(found.doubt, look.glyphs.dot, "text", scene)]
    if found.next:
        rows += [heading(look, "WHAT WOULD HELP MOST"), *_text(found.next, look.glyphs.dot, "text", scene)]
    if found.log:
        rows += [blank(look), heading(look, "LOG", plural(len(found.log), "experiment"))]
        for step in found.log:
            if matches(_step_text(step), scene.ask.filter):
                rows += _step(step, scene)
    return rows


def _state_line(found: Diagnosis | None, look: Look) -> Line:
    styles = look.styles
    if found is None:
        return Line(look).put(" NOT ASKED FOR", styles.muted)
    tones = {
        "running": styles.accent,
        "concluded": styles.warn,
        "undetermined": styles.muted,
        "healthy": styles.good,
    }
    made = Line(look).put(f" {found.state.upper()} ", tones[found.state])
    made.put(found.doing if found.state == "running" else "", styles.text)
    return made.put(f"  cost {seconds(found.cost_s)}", styles.muted)


def _belief(belief: Belief, scene: Scene) -> list[Row]:
    look, styles = scene.look, scene.look.styles
    key = f"cause:{belief.cause}"
    opened = key in scene.ask.opened
    made = Line(look).put(f" {look.glyphs.open if opened else look.glyphs.closed} ", styles.accent)
    made.cell(belief.cause, 16, styles.strong)
    style = styles.warn if belief.probability >= 0.5 else styles.accent
    progress_bar(made, belief.probability, max(10, min(40, scene.width - 46)), look, style)
    made.cell(share(belief.probability), 6, styles.text, "right")
    weigh = f"  {len(belief.evidence_for)} for, {len(belief.evidence_against)} against"
    rows = [Row(made.put(weigh, styles.muted), key, made.text)]
    if opened:
        for text in belief.evidence_for:
            rows += _text(text, "+", "good", scene, indent=5)
        for text in belief.evidence_against:
            rows += _text(text, "-", "bad", scene, indent=5)
    return rows


def _conclusion(found: Conclusion, scene: Scene) -> list[Row]:
    look, styles = scene.look, scene.look.styles
    where = " ".join(part for part in (found.stage, found.object, found.location) if part)
    made = Line(look).put(" IT IS ", styles.title).put(found.cause.upper().replace("_", " "), styles.strong)
    made.put(f"  {share(found.confidence)} sure  {where}", styles.text)
    rows = [Row(made, f"conclusion:{found.cause}:{found.location}", made.text)]
    rows += _text(found.why, look.glyphs.dot, "text", scene)
    proof = "the fix was tried, and works" if found.verified else "the fix was not tried"
    sign, tone = (look.glyphs.yes, "good") if found.verified else (look.glyphs.dot, "text")
    rows += _text(f"Fix: {found.fix} ({found.verification or proof})", sign, tone, scene)
    for text in (found.diff or "").splitlines():
        tone = "good" if text.startswith("+") else "bad" if text.startswith("-") else "muted"
        rows.append(Row(line(look, f"     {text}", tone)))
    return [*rows, blank(look)]


def _step(step: Step, scene: Scene) -> list[Row]:
    look, styles = scene.look, scene.look.styles
    key = f"step:{step.number}"
    opened = key in scene.ask.opened
    made = Line(look).put(f" {look.glyphs.open if opened else look.glyphs.closed} ", styles.accent)
    made.cell(f"{step.number}.", 4, styles.muted).cell(step.hypothesis, 16, styles.strong)
    made.cell(
        f"{share(_probability(step.odds_before))} {look.glyphs.arrow} {share(_probability(step.odds_after))}",
        12,
        styles.text,
    )
    rows = [Row(made.put(step.conclusion, styles.muted), key, _step_text(step))]
    if opened:
        for name, text in (
            ("predicts", step.prediction),
            ("experiment", step.experiment),
            ("observed", step.observation),
            ("so", step.conclusion),
            ("repeat", step.command),
            ("took", f"{seconds(step.took_s)}, at {elapsed(step.at_s)}"),
        ):
            rows += _text(f"{name}: {text}", " ", "text", scene, indent=7)
    return rows


def _probability(odds: float) -> float:
    if odds == float("inf"):
        return 1.0
    return odds / (1 + odds) if odds > 0 else 0.0


def _step_text(step: Step) -> str:
    parts = (
        step.hypothesis,
        step.prediction,
        step.experiment,
        step.observation,
        step.conclusion,
        step.command,
    )
    return "\t".join((str(step.number), *parts))


def _text(text: str, sign: str, tone: str, scene: Scene, indent: int = 3) -> list[Row]:
    look = scene.look
    rows = []
    for number, part in enumerate(wrap(" ".join(text.split()), max(20, scene.width - indent - 3))):
        made = Line(look).gap(indent).put(f"{sign} " if number == 0 else "  ", getattr(look.styles, tone))
        rows.append(Row(made.put(part, look.styles.text if tone != "muted" else look.styles.muted)))
    return rows


def _cells(found: Diagnosis) -> tuple[tuple[str, ...], ...]:
    lines = [(belief.cause, f"{belief.probability:.4f}", " | ".join(belief.evidence_for),
              " | ".join(belief.evidence_against)) for belief in found.beliefs]  # fmt: skip
    return (("cause", "probability", "for", "against"), *lines)


DIAGNOSIS = View(
    "diagnosis",
    "DIAGNOSIS",
    diagnosis_page,
    (),
    (
        ("Bars", "How probable each cause is after the evidence so far; they move as experiments end."),
        ("+ and -", "Evidence for a cause, and against it."),
        (
            "Log",
            "Hypothesis, prediction, experiment, observation, conclusion; and the command that repeats it.",
        ),
    ),
)
