"""From settings to an exit code: which pipeline, which front end, what is written at the end."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from metrics.report import RunReport
from metrics.report.baseline import Baseline
from pipeline.engine import Options
from pipeline.errors import ConfigurationError
from pipeline.pipeline import Pipeline
from run import demo, exit_codes, headless, loader, outputs, tampering
from run.arguments import Settings, parse
from run.attach.presence import Presence
from run.diagnose import after as diagnose_after
from run.display import Display, Show
from run.display import check as check_display
from run.dlq.resending import Resending
from run.lock import exclusive
from run.narrator import say
from run.session import Session
from run.state import open_store
from run.streams import DataStream, open_the_closed, reserved_stdout
from run.terminal import missing_for_screen

if TYPE_CHECKING:
    from run.metrics_endpoint import MetricsEndpoint


def main(words: Sequence[str], program: str, *, owns_process: bool, show: Show) -> int:
    """Carry out ``run FILE``; see :class:`run.commands.Main`."""
    return run(parse(["run", *words], program), show, owns_process=owns_process)


SICK = (1, 3, 4)
"""With these exit codes a run is diagnosed, where that is asked for."""

Beside = Callable[[Presence], AbstractContextManager[None]]
"""What is open while a run without a screen of its own goes on, and lets go of it at the end."""


def run(
    settings: Settings,
    show: Show,
    *,
    owns_process: bool = False,
    beside: Beside | None = None,
) -> int:
    """Carry out what the settings ask for; returns the exit code.

    With ``owns_process``, the process ends afterwards, and its stdout stays reserved until then. With
    ``beside``, people watch the run through that.
    Raises :class:`~pipeline.errors.ConfigurationError` before anything was run.
    """
    if owns_process:
        open_the_closed()
    with reserved_stdout(for_good=owns_process) as data:
        if settings.json == "-" and data.closed:
            raise ConfigurationError("--json -: stdout is closed; give a file, as in --json report.json")
        return _run(settings, show, data, beside)


Front = Callable[[Session, Presence], bool]
"""Sees a run to its end; tells whether it did its part."""


def _run(settings: Settings, show: Show, data: DataStream, beside: Beside | None) -> int:
    full_screen = not settings.headless and _has_terminal(settings.display)
    if full_screen:
        check_display(show, settings.display)
    pipeline = _pipeline(settings)
    front = _front(settings, show, beside, full_screen=full_screen)
    with exclusive(pipeline, settings.state):
        return _run_pipeline(pipeline, settings, front, data, watched=full_screen or beside is not None)


def _front(settings: Settings, show: Show, beside: Beside | None, *, full_screen: bool) -> Front:
    def on_screen(session: Session, _presence: Presence) -> bool:
        return _on_screen(session, settings, show)

    def without(session: Session, presence: Presence) -> bool:
        if settings.listen and beside is None:
            say(f"Listening: `attach {os.getpid()}` shows this run in another terminal.")
        with beside(presence) if beside is not None else nullcontext():
            headless.run(session)
        return True

    return on_screen if full_screen else without


def _run_pipeline(
    pipeline: Pipeline, settings: Settings, front: Front, data: DataStream, *, watched: bool
) -> int:
    tampering.check(pipeline, settings.faults)
    # Before the run's first look at what is open.
    endpoint = _endpoint(settings.metrics_port) if settings.metrics_port is not None else None
    try:
        return _run_session(pipeline, settings, front, data, endpoint, watched=watched)
    finally:
        if endpoint is not None:
            endpoint.close()


def _endpoint(port: int) -> MetricsEndpoint:
    # Python's HTTP server takes a tenth of the start; few runs ask for it.
    from run.metrics_endpoint import MetricsEndpoint

    return MetricsEndpoint(port)


def _run_session(
    pipeline: Pipeline,
    settings: Settings,
    front: Front,
    data: DataStream,
    endpoint: MetricsEndpoint | None,
    *,
    watched: bool,
) -> int:
    # Before anything is forgotten: a wrong option must not cost the progress of earlier runs.
    baseline = Baseline(settings.baseline, pipeline.name) if settings.baseline is not None else None
    options = _options(settings, watched=watched)
    store = open_store(pipeline, settings.state, fresh=settings.fresh)
    resending = _resending(pipeline, settings, options) if watched and store is not None else None
    session = Session(
        pipeline,
        options,
        fail_if=settings.fail_if,
        duration=settings.duration,
        drain_timeout=settings.drain_timeout,
        store=store,
        record=settings.record,
        faults=settings.faults,
        baseline=baseline,
        target=settings.file,
        resends=resending,
    )
    if endpoint is not None:
        endpoint.serve(lambda: session.snapshot)
        say(f"Metrics: {endpoint.url}")
    presence = Presence(session, listen=settings.listen, read_only=settings.read_only)
    report = None
    try:
        presence.start()
        sound = front(session, presence)
        if resending is not None:
            resending.finish()
        if settings.diagnose and session.report().exit_code in SICK:
            diagnose_after.run(session.diagnosing)
        report = session.report()
    finally:
        presence.end(report)
    sound &= _finish_recording(session, report)
    sound &= outputs.write(report, settings, data)
    return report.exit_code or (exit_codes.HEALTHY if sound else exit_codes.MONITOR)


def _resending(pipeline: Pipeline, settings: Settings, options: Options) -> Resending | None:
    if settings.file is None:
        return None
    return Resending(settings.file, pipeline, settings.state, options, settings.drain_timeout)


def _finish_recording(session: Session, report: RunReport) -> bool:
    missing = session.recorder.finish(report)
    if missing is not None:
        say(missing)
    elif session.recorder.path is not None:
        say(f"Wrote {session.recorder.path}")
    return missing is None


def _pipeline(settings: Settings) -> Pipeline:
    if settings.file is None:
        return demo.demo(demo.RECORDS if settings.limit is None else settings.limit, settings.seed)
    return loader.load(settings.file)


def _options(settings: Settings, *, watched: bool) -> Options:
    rate = settings.rate
    if rate is None and settings.file is None and watched:
        rate = demo.RECORDS / demo.SCREEN_SECONDS
    return Options(
        batch_size=settings.batch_size,
        workers=settings.workers,
        limit=settings.limit if settings.file is not None else None,
        rate=rate,
        seed=settings.seed,
    )


def _has_terminal(display: Display) -> bool:
    missing = missing_for_screen(display)
    if missing is not None:
        say(f"Running headless: {missing}.")
    return missing is None


def _on_screen(session: Session, settings: Settings, show: Show) -> bool:
    """Run a session full screen; returns whether the screen did its part."""
    session.start()
    try:
        signal_number = show(session, settings.display)
    except Exception:  # noqa: BLE001 - the run is not to suffer from its screen
        say(f"{traceback.format_exc()}The screen failed; the run goes on without it.")
        headless.watch(session)
        return False
    except BaseException:
        session.abort()
        raise
    if signal_number is not None and (session.cut_short or not session.finished):
        session.interrupted_by(signal_number)
    if not session.finished:
        say("Finishing what is in flight. Ctrl+C aborts.")
        session.drain()
        headless.watch(session, draining=True)
    return True
