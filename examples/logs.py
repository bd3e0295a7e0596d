"""Plain text lines of a web server's log, parsed by a regular expression, counted by minute.

    python monitor.py run examples/logs.py

The log is generated from a seed. Lines that do not parse are rejected; what is no error is
filtered; a stage with a memory adds up the errors of each minute.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from data.generator import clicks
from pipeline import Pipeline, Record, Reject, Stage, csv, files

HERE = Path(__file__).parent
OUT = Path(os.environ.get("EXAMPLES_OUT", HERE / "out"))
LINES = 30_000
LINE = re.compile(
    r"(?P<ip>[\d.]+) - - \[(?P<minute>[^\]]{16}):\d\d\] \"GET (?P<path>\S+)\" (?P<status>\d{3})"
)


def write_log(path: Path) -> Path:
    """A log of 30,000 lines, one in 500 of them cut short."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_suffix(".part")
        with made.open("w", encoding="utf-8", newline="\n") as file:
            for index in range(LINES):
                visit = clicks(11, index)
                second = index // 20
                when = f"2026-01-01T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
                size = int(str(visit["bytes"]))
                status = 500 if size % 37 == 0 else 404 if size % 11 == 0 else 200
                line = f'10.0.{size % 256}.{index % 256} - - [{when}] "GET {visit["page"]}" {status} {size}'
                file.write((line[:20] if index % 500 == 499 else line) + "\n")
        made.replace(path)
    return path


OUT.mkdir(exist_ok=True)

logs = Pipeline("logs", batch_size=1_000)
logs.read(files(write_log(HERE / "data" / "access.log"), name="web"))


@logs.stage
def parse(line: str) -> dict[str, str]:
    found = LINE.match(line)
    if found is None:
        raise Reject("not a line of the access log")
    return found.groupdict()


@logs.stage
def errors(visit: dict[str, str]) -> dict[str, str] | None:
    return visit if visit["status"] >= "500" else None


@logs.stage
class ByMinute(Stage):
    """Adds up the errors of a minute; the records of one minute go on as one."""

    def open(self) -> None:
        self.minute: list[Record] = []

    def process(self, records: list[Record]) -> Iterator[Record]:
        for record in records:
            if self.minute and record.value["minute"] != self.minute[0].value["minute"]:
                yield self.sum_up()
            self.minute.append(record)

    def flush(self) -> Iterator[Record]:
        if self.minute:
            yield self.sum_up()

    def sum_up(self) -> Record:
        records, self.minute = self.minute, []
        return Record.merge(records, {"minute": records[0].value["minute"], "errors": len(records)})


logs.write(csv(OUT / "errors-by-minute.csv"))
