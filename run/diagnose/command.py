"""``diagnose FILE``: run it, find symptoms, experiment, say why."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from diagnosis.change import Change
from diagnosis.engine import Diagnoser
from diagnosis.observation import Observation
from metrics.findings import Diagnosis
from pipeline.clock import SystemClock
from pipeline.errors import ConfigurationError
from run import exit_codes
from run.diagnose.launcher import TrialLauncher
from run.diagnose.progress import Progress
from run.diagnose.text import as_json, as_markdown, as_text
from run.display import Show
from run.loader import existing
from run.narrator import say
from run.options import Parser, json_target, positive, whole
from run.signals import HANDLED
from run.streams import DataStream, open_the_closed, reserved_stdout

BUDGET_S = 120.0
LONGEST_BUDGET_S = 24 * 3600.0
RUN_SHARE = 0.25
"""Of the budget, the first run may take this much; then it is drained."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asked for."""

    file: str
    budget_s: float
    allow_live: bool
    json: str | None
    report: Path | None
    limit: int | None
    batch_size: int | None
    workers: int | None


def main(words: Sequence[str], program: str, *, owns_process: bool, show: Show) -> int:  # noqa: ARG001
    """Carry out ``diagnose FILE``; see :class:`run.commands.Main`."""
    asked = _asked(words, program)
    existing(asked.file)
    if owns_process:
        open_the_closed()
    with reserved_stdout(for_good=owns_process) as data:
        return _diagnose(asked, program, data)


def _asked(words: Sequence[str], program: str) -> Asked:
    parser = Parser(
        prog=f"{program} diagnose",
        description="Run a pipeline, find out what is wrong with it, and why, by experiments.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("file", metavar="FILE[:NAME]", help="the file, and which pipeline of it")
    add(
        "--budget",
        metavar="S",
        type=positive("--budget", LONGEST_BUDGET_S),
        default=BUDGET_S,
        help="so many seconds for everything (default: 120)",
    )
    add(
        "--allow-live",
        action="store_true",
        help="let experiments call the pipeline's own sink, where it is a function or class of yours",
    )
    add(
        "--json",
        metavar="PATH|-",
        type=json_target,
        help="write the diagnosis as JSON; - prints it to stdout",
    )
    add("--report", metavar="PATH", type=_report, help="write it as Markdown (.md)")
    add("--limit", metavar="N", type=whole("--limit", 1), help="read at most so many records")
    add("--batch-size", metavar="N", type=whole("--batch-size", 1), help="records in a batch, at first")
    add("--workers", metavar="N", type=whole("--workers", 1, 256), help="threads for each stage, at first")
    found = parser.parse_args(words)
    return Asked(
        found.file,
        found.budget,
        found.allow_live,
        found.json,
        found.report,
        found.limit,
        found.batch_size,
        found.workers,
    )


def _report(text: str) -> Path:
    path = Path(text)
    if path.suffix != ".md":
        raise ConfigurationError(f"--report {text}: a diagnosis is written as Markdown; end the name in .md")
    if not path.parent.is_dir():
        raise ConfigurationError(f"--report {text}: there is no folder {str(path.parent)!r}; make it first")
    return path


def _diagnose(asked: Asked, program: str, data: DataStream) -> int:
    clock = SystemClock()
    launcher = TrialLauncher(asked.file, program, clock)
    came: list[int] = []

    def note(number: int, _frame: object) -> None:
        came.append(number)
        launcher.stop()

    before = {
        number: signal.signal(number, note)
        for number in HANDLED
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    began = clock.wall()
    progress = Progress()
    try:
        outcome = Diagnoser(
            launcher,
            clock,
            asked.budget_s,
            first=Change(
                limit=asked.limit,
                batch_size=asked.batch_size,
                workers=asked.workers,
                sink="own",
                duration_s=RUN_SHARE * asked.budget_s,
            ),
            allow_live=asked.allow_live,
            progress=progress,
            stopped=lambda: bool(came),
        ).run()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    progress.end()
    first = outcome.as_is
    if first is not None and first.ending == "refused":
        raise ConfigurationError(first.problem or f"{asked.file}: it cannot be run")
    code = _exit_code(first, outcome.diagnosis)
    if came:
        code = exit_codes.of_signal(came[0])
    _write(asked, outcome.diagnosis, first, code, began, data)
    return code


def _exit_code(first: Observation | None, diagnosis: Diagnosis) -> int:
    """That of the run that showed the symptom: 1 it failed, 3 records are lost or double, 4 other trouble."""
    kinds = {symptom.kind for symptom in diagnosis.symptoms}
    if kinds & {"failed", "stall"} or (first is not None and first.ending in ("failed", "died", "stalled")):
        return 1
    if kinds & {"lost", "duplicated"}:
        return 3
    return 4 if kinds and diagnosis.state != "healthy" else 0


def _write(
    asked: Asked,
    diagnosis: Diagnosis,
    first: Observation | None,
    code: int,
    began: datetime,
    data: DataStream,
) -> None:
    document = as_json(diagnosis, asked.file, code, began, first)
    if asked.report is not None:
        asked.report.write_text(as_markdown(diagnosis, asked.file), encoding="utf-8")
        say(f"Wrote {asked.report}")
    if asked.json is not None and asked.json != "-":
        Path(asked.json).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        say(f"Wrote {asked.json}")
    data.write(json.dumps(document, indent=2) if asked.json == "-" else as_text(diagnosis, asked.file))
