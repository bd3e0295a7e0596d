"""``run FILE --diagnose``: the diagnosis after a run that was sick, with its progress on stderr."""

from __future__ import annotations

from run.diagnose.progress import Progress
from run.diagnosing import Diagnosing
from run.narrator import say
from run.signals import noted

_POLL_S = 0.2


def run(diagnosing: Diagnosing) -> None:
    """See it to its end; a signal ends it with what is known."""
    say("The run was sick; looking for the cause. Ctrl+C ends with what is known.")
    progress = Progress()
    diagnosing.begin()
    with noted() as signals:
        while not diagnosing.wait(_POLL_S):
            if signals.waiting:
                diagnosing.stop()
            if diagnosing.found is not None:
                progress(diagnosing.found)
    progress.end()
