"""The front end without a screen: progress on stderr while it runs."""

from __future__ import annotations

from metrics.format import count, percent
from metrics.snapshot import Snapshot, StageState
from run.narrator import is_terminal, overwrite, say
from run.session import Session
from run.signals import Signals, noted

LINES_EVERY_S = 5.0
BAR_EVERY_S = 0.25
BAR_WIDTH = 24
POLL_S = 0.1
"""How soon a signal is acted on."""


def run(session: Session) -> None:
    """Run a session to its end, telling how it goes."""
    with noted() as signals:
        session.start()
        _follow(session, signals)


def watch(session: Session, *, draining: bool = False) -> None:
    """See a session that was started elsewhere to its end; one that is ``draining`` already, perhaps."""
    with noted(draining=draining) as signals:
        _follow(session, signals)


def _follow(session: Session, signals: Signals) -> None:
    live = is_terminal()
    every = BAR_EVERY_S if live else LINES_EVERY_S
    due = session.clock.monotonic() + every
    while not session.wait(POLL_S):
        if signals.waiting:
            _wipe(live)
            signals.obey(session)
        now = session.clock.monotonic()
        if now < due:
            continue
        due += every * (1 + (now - due) // every)
        if live:
            overwrite(_bar(session.snapshot))
        else:
            say("\n".join(_line(session.snapshot.elapsed_s, stage) for stage in session.snapshot.stages))
    _wipe(live)


def _wipe(live: bool) -> None:
    if live:
        overwrite("")


def _bar(snapshot: Snapshot) -> str:
    records = snapshot.records
    settled = records.delivered + records.filtered + records.rejected
    tail = f"{count(settled)} records, {count(round(snapshot.throughput.records_per_s))}/s"
    if snapshot.progress is None:
        return f"{snapshot.pipeline}: {tail}"
    share = snapshot.progress * (settled / records.read if records.read else 0.0)
    filled = round(share * BAR_WIDTH)
    return f"{snapshot.pipeline} [{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {percent(share, 0)} {tail}"


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
