"""The front end without a screen: progress on stderr while it runs."""

from __future__ import annotations

from metrics.format import count, percent
from metrics.snapshot import Snapshot, StageState
from run.narrator import is_terminal, overwrite, say
from run.session import Session
from run.signals import graceful

LINES_EVERY_S = 5.0
BAR_EVERY_S = 0.25
BAR_WIDTH = 24


def run(session: Session) -> None:
    """Run a session to its end, telling how it goes."""
    with graceful(session):
        session.start()
        if is_terminal():
            while not session.wait(BAR_EVERY_S):
                overwrite(_bar(session.snapshot))
            overwrite("")
        else:
            while not session.wait(LINES_EVERY_S):
                for line in _lines(session.snapshot):
                    say(line)


def _bar(snapshot: Snapshot) -> str:
    records = snapshot.records
    settled = records.delivered + records.filtered + records.rejected
    tail = f"{count(settled)} records, {count(round(snapshot.throughput.records_per_s))}/s"
    if snapshot.progress is None:
        return f"{snapshot.pipeline}: {tail}"
    share = snapshot.progress * (settled / records.read if records.read else 0.0)
    filled = round(share * BAR_WIDTH)
    return f"{snapshot.pipeline} [{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {percent(share, 0)} {tail}"


def _lines(snapshot: Snapshot) -> list[str]:
    return [_line(snapshot.elapsed_s, stage) for stage in snapshot.stages]


def _line(elapsed: float, stage: StageState) -> str:
    parts = [
        f"{elapsed:7.1f}s",
        f"{stage.name:<16}",
        f"in {count(stage.taken):>11}",
        f"out {count(stage.given):>11}",
        f"rejected {count(stage.rejected):>8}",
        f"{count(round(stage.rate)):>9}/s",
    ]
    if stage.progress is not None:
        parts.append(f"{percent(stage.progress, 0):>4}")
    return "  ".join(parts)
