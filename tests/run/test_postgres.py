"""A run into PostgreSQL: killed and started again at any time, each row is there once."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

from tests.pipeline.sinks.postgres_server import dsn
from tests.run.command import call, parsed, running, write

RECORDS = 200_000
PIPELINE = """
    from pathlib import Path
    from pipeline import Pipeline, Reject, generated
    from pipeline.sinks import postgres

    here = Path(__file__).parent
    p = Pipeline("killed", dead_letters=here / "dead.jsonl")
    p.read(generated("sensors", records=RECORDS)).write(postgres(DSN, table="killed"))

    @p.stage
    def seen(value):
        (here / "ready").touch()
        if value["sequence"] % 1000 == 0:
            raise Reject("unwanted")
        return {"station": value["station"], "sequence": value["sequence"], "reading": value["reading"]}
"""


def test_killed_at_any_time_each_row_is_there_once(tmp_path: Path) -> None:
    import psycopg

    text = PIPELINE.replace("RECORDS", str(RECORDS)).replace("DSN", repr(dsn()))
    file = write(tmp_path / "p.py", text)
    chance = random.Random(4)
    for _ in range(8):
        with running("run", file, "--headless", ready=tmp_path / "ready") as run:
            run.until_ready()
            time.sleep(chance.random() / 4)
            run.send(signal.SIGKILL)
            run.done()
        (tmp_path / "ready").unlink()
    done = call("run", file, "--headless", "--json", "-")
    assert done.code == 0, done.told
    report = parsed(done.out)
    assert report["sink"]["guarantee"] == "exactly once"
    records = report["records"]
    assert records["read"] == RECORDS
    assert records["delivered"] + records["rejected"] == RECORDS
    assert (records["lost"], records["duplicated"]) == (0, 0)
    with psycopg.connect(dsn()) as connection:
        rows = connection.execute(
            "SELECT count(*), count(DISTINCT (station, sequence)) FROM killed"
        ).fetchone()
    assert rows == (records["delivered"], records["delivered"])
    assert len((tmp_path / "dead.jsonl").read_text().splitlines()) == records["rejected"]
