"""``replay RECORDING``: a recorded run as it was on screen, its report again, or two runs side by side."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from metrics.definitions.thresholds import parse as parse_threshold
from metrics.report import RunReport
from metrics.verdict import exit_code, judge
from pipeline.clock import SystemClock
from pipeline.errors import ConfigurationError
from run import exit_codes, outputs
from run.arguments import add_display_options, add_report_options, check_distinct, parse_for_screen
from run.display import Display, Show
from run.display import check as check_display
from run.narrator import say
from run.options import Parser
from run.replay.differences import differences, to_json, to_text
from run.replay.recorded_run import RecordedRun
from run.replay.tape import Tape
from run.streams import DataStream, open_the_closed, reserved_stdout
from run.terminal import missing_for_screen


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a command line asks for. Two ``recordings`` are compared."""

    recordings: tuple[Path, ...]
    headless: bool
    json: str | None
    report: Path | None
    junit: Path | None
    fail_if: tuple[str, ...]
    display: Display


def main(words: Sequence[str], program: str, *, owns_process: bool, show: Show) -> int:
    """Carry out what the words behind ``replay`` ask for; see :class:`run.commands.Main`."""
    wanted = _parse(words, program)
    if owns_process:
        open_the_closed()
    with reserved_stdout(for_good=owns_process) as data:
        if len(wanted.recordings) == 2:
            return _compare(wanted, data)
        if not wanted.headless:
            missing = missing_for_screen(wanted.display)
            if missing is None:
                check_display(show, wanted.display)
                return _show(wanted, show)
            say(f"Making the report again: {missing}.")
        return _report(wanted, data)


def _parse(words: Sequence[str], program: str) -> Wanted:
    parser = Parser(
        prog=f"{program} replay",
        description="Show a recorded run as it was on screen, or make its report again. With two recordings, "
        "tell how they differ.",
        allow_abbrev=False,
    )
    parser.add_argument("recording", metavar="RECORDING", help="the file that --record wrote")
    parser.add_argument("other", metavar="OTHER", nargs="?", help="a second recording, to compare")
    parser.add_argument("--headless", action="store_true", help="no screen: the report of the run, again")
    add_report_options(parser)
    add_display_options(parser)
    found, display = parse_for_screen(parser, words)
    check_distinct(found)
    recordings = tuple(Path(each) for each in (found.recording, found.other) if each is not None)
    for option in ("report", "junit"):
        if len(recordings) == 2 and getattr(found, option) is not None:
            raise ConfigurationError(f"--{option}: two recordings give a table, or JSON with --json")
    if len(recordings) == 2 and found.fail_if:
        raise ConfigurationError("--fail-if: judges one recording; leave the second one out")
    return Wanted(
        recordings=recordings,
        headless=bool(found.headless or found.json or found.report or found.junit or found.fail_if),
        json=found.json,
        report=found.report,
        junit=found.junit,
        fail_if=tuple(found.fail_if),
        display=display,
    )


def _show(wanted: Wanted, show: Show) -> int:
    recorded = RecordedRun(wanted.recordings[0], SystemClock())
    if recorded.tape.damage:
        say(f"{recorded.tape.path}: {recorded.tape.damage}; what was recorded before it is shown.")
    signal_number = show(recorded, wanted.display)
    return exit_codes.HEALTHY if signal_number is None else exit_codes.of_signal(signal_number)


def _report(wanted: Wanted, data: DataStream) -> int:
    tape = Tape(wanted.recordings[0])
    if tape.damage:
        say(f"{tape.path}: {tape.damage}; the report is of what was recorded before it.")
    report = _judged_again(tape.report(), wanted.fail_if)
    complete = outputs.write(report, wanted, data)
    return report.exit_code or (exit_codes.HEALTHY if complete else exit_codes.MONITOR)


def _judged_again(report: RunReport, fail_if: Sequence[str]) -> RunReport:
    """The report with other thresholds than those of the run, where some were given."""
    if not fail_if:
        return report
    names = [stage.name for stage in report.snapshot.stages]
    results = tuple(parse_threshold(text, names).evaluate(report.snapshot) for text in fail_if)
    interrupted = report.exit_code if report.snapshot.status == "interrupted" else None
    snapshot = judge(report.snapshot, results, report.comparison, interrupted=interrupted is not None)
    code = exit_code(snapshot, results, interrupted)
    return replace(report, snapshot=snapshot, thresholds=results, exit_code=code)


def _compare(wanted: Wanted, data: DataStream) -> int:
    one, other = (Tape(path) for path in wanted.recordings)
    for tape in (one, other):
        if tape.damage:
            say(f"{tape.path}: {tape.damage}; compared is what was recorded before it.")
    rows = differences(one.report(), other.report())
    names = (str(one.path), str(other.path))
    if wanted.json not in (None, "-"):
        path = Path(str(wanted.json))
        try:
            path.write_text(to_json(names, rows), encoding="utf-8", newline="\n")
        except OSError as error:
            raise ConfigurationError(f"--json {path}: it could not be written: {error.strerror}") from error
        say(f"Wrote {path}")
    with contextlib.suppress(BrokenPipeError):
        data.write(to_json(names, rows) if wanted.json == "-" else to_text(names, rows))
    return exit_codes.HEALTHY
