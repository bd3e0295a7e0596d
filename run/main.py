"""From settings to an exit code: which pipeline, which front end, what is written at the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from pipeline.engine import Options
from pipeline.errors import ConfigurationError
from pipeline.pipeline import Pipeline
from run import demo, exit_codes, headless, loader, outputs
from run.arguments import Settings
from run.narrator import say
from run.session import Session

DRAIN_S = 60.0
"""How long a run may take to finish what is in flight once its screen has closed."""

Show = Callable[[Session, Settings], int | None]
"""Shows a session full screen until the user leaves; gives the signal that ended it, if one did."""


def run(settings: Settings, show: Show) -> int:
    """Carry out what the settings ask for; returns the exit code.

    Raises :class:`~pipeline.errors.ConfigurationError` before anything was run.
    """
    full_screen = not settings.headless and _has_terminal()
    session = Session(
        _pipeline(settings),
        _options(settings, full_screen=full_screen),
        fail_if=settings.fail_if,
        duration=settings.duration,
    )
    if full_screen:
        _on_screen(session, settings, show)
    else:
        headless.run(session)
    report = session.report()
    try:
        outputs.write(report, settings)
    except (ConfigurationError, OSError) as error:
        say(f"The run is over, but its report is not all there: {error}")
        return report.exit_code or exit_codes.MONITOR
    return report.exit_code


def _pipeline(settings: Settings) -> Pipeline:
    if settings.file is None:
        return demo.demo(demo.RECORDS if settings.limit is None else settings.limit, settings.seed)
    return loader.load(settings.file)


def _options(settings: Settings, *, full_screen: bool) -> Options:
    rate = settings.rate
    if rate is None and settings.file is None and full_screen:
        rate = demo.RECORDS / demo.SCREEN_SECONDS
    return Options(
        batch_size=settings.batch_size,
        workers=settings.workers,
        limit=settings.limit if settings.file is not None else None,
        rate=rate,
        seed=settings.seed,
    )


def _has_terminal() -> bool:
    missing = [
        name for name, stream in (("stdin", sys.stdin), ("stderr", sys.stderr)) if not _is_terminal(stream)
    ]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        say(f"Running headless: {' and '.join(missing)} {verb} not a terminal.")
        return False
    if os.environ.get("TERM", "") in ("", "dumb"):
        say("Running headless: this terminal cannot move its cursor (TERM is empty or dumb).")
        return False
    return True


def _is_terminal(stream: object) -> bool:
    try:
        return bool(stream is not None and stream.isatty())  # type: ignore[attr-defined]
    except ValueError:
        return False


def _on_screen(session: Session, settings: Settings, show: Show) -> None:
    session.start()
    try:
        signal_number = show(session, settings)
    except BaseException:
        session.abort()
        session.wait(DRAIN_S)
        raise
    if signal_number is not None:
        session.interrupted_by(signal_number)
    if not session.finished:
        session.drain()
        if not session.wait(DRAIN_S):
            session.abort()
            session.wait(DRAIN_S)
