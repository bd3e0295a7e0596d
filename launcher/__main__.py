"""The installed command: ``pipeline-monitor``, or ``python -m pipeline_monitor``."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> int:
    """Run the monitor with the arguments of the command line; return its exit code."""
    # A pipeline file says `from pipeline import ...`, and so does the monitor itself: both must
    # find this folder before anything of the same name in the working directory.
    sys.path.insert(0, str(Path(__file__).resolve().parent))

    from monitor import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
