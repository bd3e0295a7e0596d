"""Handles: files, sockets, threads and the like that are opened for a record and never closed.

None goes beyond ``limit``, far below what a process may have, so that nothing else runs out of them.
"""

from __future__ import annotations

from dataclasses import replace

from pipeline.faults.spec import Evidence, Param, Variant

_PARAMS = (
    Param("every", 10, "it happens to every n-th record", "whole", 1),
    Param("limit", 200, "how many at most", "whole", 1, 400),
)
_LOW, _HIGH = {"every": 50}, {"every": 2}


def _variant(
    name: str,
    help: str,
    text: str,
    evidence: Evidence = "held_open",
    symptom: str = "open files that grow with the records",
) -> Variant:
    return Variant(
        f"handles.{name}", "handles", help, symptom, evidence, "record", text, _PARAMS, _LOW, _HIGH
    )


def _kept(imports: str, opened: str, close: str = "each.close()") -> str:
    return f"""
{imports}

opened = []
calls = 0


def around(call):
    def handle(record):
        global calls
        calls += 1
        if calls % EVERY == 0 and len(opened) < LIMIT:
            {opened}  #!
        return call(record)

    return handle


def close():
    for each in opened:
        {close}
    opened.clear()
"""


FILE = _variant(
    "file", "A file is opened and never closed.", _kept("import os", "opened.append(open(os.devnull))")
)

SOCKET = _variant(
    "socket",
    "Both ends of a connection are opened and never closed.",
    _kept("import socket", "opened.extend(socket.socketpair())"),
    symptom="open files, which are sockets, that grow with the records",
)

PIPE = _variant(
    "pipe",
    "A pipe is opened and its ends are never closed.",
    _kept("import os", "opened.extend(os.pipe())", "os.close(each)"),
)

TEMP_FILE = _variant(
    "temp_file",
    "A temporary file is made and never closed.",
    _kept("import tempfile", "opened.append(tempfile.TemporaryFile())"),
)

SELECTOR = _variant(
    "selector",
    "A selector is made for a record and never closed.",
    _kept("import selectors", "opened.append(selectors.DefaultSelector())"),
)

LOGGING = _variant(
    "logging",
    "A logging handler with a file is added for a record, and none is ever taken off.",
    """
import logging
import os

logger = logging.getLogger(__name__)
logger.propagate = False
calls = 0


def around(call):
    def handle(record):
        global calls
        calls += 1
        if calls % EVERY == 0 and len(logger.handlers) < LIMIT:
            logger.addHandler(logging.FileHandler(os.devnull))  #!
        return call(record)

    return handle


def close():
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logging.Logger.manager.loggerDict.pop(__name__, None)
""",
)

THREAD = _variant(
    "thread",
    "A thread is started for a record and waits for something that never comes.",
    """
from threading import Event, Thread

closing = Event()
threads = []
calls = 0


def around(call):
    def handle(record):
        global calls
        calls += 1
        if calls % EVERY == 0 and len(threads) < LIMIT:
            threads.append(Thread(target=closing.wait, daemon=True))
            threads[-1].start()  #!
        return call(record)

    return handle


def close():
    for thread in threads:
        thread.join()
    threads.clear()
""",
    "threads",
    "threads that grow with the records",
)

SEMAPHORE = _variant(
    "semaphore",
    "A place is taken for a record and never given back; when all are gone the stage waits for ever.",
    """
from threading import BoundedSemaphore, Event

closing = Event()
places = BoundedSemaphore(LIMIT)
calls = 0


def around(call):
    def handle(record):
        global calls
        calls += 1
        if calls % EVERY == 0:
            while not places.acquire(timeout=0.05):  #!
                if closing.is_set():
                    break
        return call(record)

    return handle
""",
    "stalls",
    "after some records nothing moves any more: the stage is busy with one record for ever",
)

SEMAPHORE = replace(
    SEMAPHORE,
    params=(SEMAPHORE.params[0], Param("limit", 20, "how many places there are", "whole", 1, 10_000)),
    low={"limit": 60},
)

VARIANTS = (FILE, SOCKET, PIPE, TEMP_FILE, SELECTOR, LOGGING, THREAD, SEMAPHORE)
