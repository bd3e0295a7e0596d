"""The runs on this machine: each has an entry that only its owner can read; ``ps`` lists them."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from metrics.format import count, printable, seconds
from pipeline.clock import SystemClock
from pipeline.errors import ConfigurationError
from run import exit_codes
from run.attach import runtime_folder
from run.display import Show
from run.options import Parser
from run.streams import open_the_closed, reserved_stdout

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows, where runs have no entries
    fcntl = None  # type: ignore[assignment]

SCHEMA = 1
_ENTRY = ".run"
_SOCKET = ".sock"
_NEW_S = 5.0
"""An entry so young and without a lock is one that is just being made."""


class Entry(msgspec.Struct, frozen=True):
    """A run, as ``ps`` shows it. ``socket`` is where to attach; None where it does not listen."""

    pid: int
    pipeline: str
    status: str
    phase: str
    records: int
    started_at: datetime
    elapsed_s: float
    socket: str | None = None
    read_only: bool = False


class EntryFile:
    """The entry of a run of this process; locked while it lives, which a crash ends too."""

    def __init__(self) -> None:
        """Raises :class:`~pipeline.errors.ConfigurationError` and OSError."""
        if fcntl is None:
            raise ConfigurationError("this system has no locks by which runs are told to be alive")
        folder = runtime_folder.made()
        stem = f"{os.getpid()}-{secrets.token_hex(3)}"
        self.path = folder / f"{stem}{_ENTRY}"
        self.socket = folder / f"{stem}{_SOCKET}"
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def write(self, entry: Entry) -> None:
        """Replace what the entry says. Raises OSError."""
        data = _encoded(entry)
        os.pwrite(self._descriptor, data, 0)
        os.ftruncate(self._descriptor, len(data))

    def remove(self) -> None:
        """Take the entry away."""
        for path in (self.path, self.socket):
            with contextlib.suppress(OSError):
                path.unlink()
        with contextlib.suppress(OSError):
            os.close(self._descriptor)


def _encoded(entry: Entry) -> bytes:
    try:
        return msgspec.json.encode(entry)
    except UnicodeEncodeError:
        name = entry.pipeline.encode("utf-8", "backslashreplace").decode("utf-8")
        return msgspec.json.encode(msgspec.structs.replace(entry, pipeline=name))


def entries() -> list[Entry]:
    """The runs that are alive, the oldest first; what dead ones left is removed."""
    folder = runtime_folder.path()
    if fcntl is None or not folder.is_dir():
        return []
    runtime_folder.made()
    found = [entry for path in sorted(folder.glob(f"*{_ENTRY}")) if (entry := _alive(path)) is not None]
    return sorted(found, key=lambda entry: entry.started_at)


def _alive(path: Path) -> Entry | None:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read(descriptor)
        # Nobody holds it: its run is dead, or has not come to lock it yet.
        if SystemClock().wall().timestamp() - os.fstat(descriptor).st_mtime > _NEW_S:
            path.unlink(missing_ok=True)
            path.with_suffix(_SOCKET).unlink(missing_ok=True)
        return None
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _read(descriptor: int) -> Entry | None:
    # A run that writes at this very moment is read again.
    for _ in range(3):
        try:
            return msgspec.json.decode(os.pread(descriptor, 1 << 16, 0), type=Entry)
        except msgspec.DecodeError:
            continue
    return None


def main(words: Sequence[str], program: str, *, owns_process: bool, show: Show) -> int:  # noqa: ARG001 - no screen
    """Carry out ``ps``; see :class:`run.commands.Main`."""
    parser = Parser(prog=f"{program} ps", description="The runs on this machine.", allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="as JSON")
    wanted = parser.parse_args(list(words))
    if owns_process:
        open_the_closed()
    with reserved_stdout(for_good=owns_process) as data, contextlib.suppress(BrokenPipeError):
        found = entries()
        if wanted.json:
            data.write(msgspec.json.encode({"schema": SCHEMA, "runs": found}).decode())
        elif found:
            data.write("\n".join(_table(found, SystemClock().wall())))
        else:
            data.write("No run on this machine.")
    return exit_codes.HEALTHY


def _table(found: Sequence[Entry], now: datetime) -> Iterator[str]:
    rows = [("PID", "PIPELINE", "STATUS", "PHASE", "RECORDS", "SINCE", "ATTACH")]
    for entry in found:
        since = (
            f"{entry.started_at.astimezone():%H:%M:%S} ({seconds((now - entry.started_at).total_seconds())})"
        )
        attach = "no" if entry.socket is None else "read-only" if entry.read_only else "yes"
        name = printable(entry.pipeline)
        rows.append((str(entry.pid), name, entry.status, entry.phase, count(entry.records), since, attach))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
