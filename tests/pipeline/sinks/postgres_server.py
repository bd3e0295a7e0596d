"""A PostgreSQL server for the tests, on a free port of this machine, in a folder of its own."""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

DEBIAN = Path("/usr/lib/postgresql")
SUPERUSER = "postgres"


@cache
def dsn() -> str:
    """A connection string; the server is started by the first call. Skips the test where there is none."""
    pytest.importorskip("psycopg")
    programs = _programs()
    if programs is None:
        pytest.skip("needs PostgreSQL's own programs (Debian: apt install postgresql)")
    user = _user()
    # As root it runs as another user, who may not be able to reach root's own folder for temporary files.
    folder = Path(tempfile.mkdtemp(prefix="postgres-", dir="/tmp" if user is not None else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if user is not None:
        shutil.chown(folder, user)
    data = folder / "data"
    secrets = ["-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    _run(user, programs / "initdb", "-D", data, "-U", "tester", *secrets)
    port = _free_port()
    # Nothing here has to outlive the machine; what is tested is the death of the client.
    options = f"-h 127.0.0.1 -p {port} -k {folder} -F -c max_connections=20"
    control: list[str | Path] = [programs / "pg_ctl", "-D", data, "-w", "-t", "60"]
    _run(user, *control, "-l", folder / "log", "-o", options, "start")
    atexit.register(_run, user, *control, "-m", "immediate", "stop")
    return f"host=127.0.0.1 port={port} user=tester dbname=postgres"


def _programs() -> Path | None:
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    versions = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return versions[-1].parent if versions else None


def _user() -> str | None:
    """Who is to run it, if not this user: the server refuses to be root."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(SUPERUSER)
    except KeyError:
        pytest.skip(f"PostgreSQL does not run as root, and there is no user {SUPERUSER!r}")
    return SUPERUSER


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(user: str | None, *command: str | Path) -> None:
    with tempfile.TemporaryFile() as output:  # a pipe would be held open by the server
        code = subprocess.run(
            list(map(str, command)),
            user=user,
            group=user,
            extra_groups=[] if user is not None else None,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=90,
            check=False,
        ).returncode
        output.seek(0)
        assert code == 0, output.read().decode()
