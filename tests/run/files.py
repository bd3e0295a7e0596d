"""Pipeline files for the tests of the command line."""

from __future__ import annotations

HEALTHY = """
    from pathlib import Path
    from pipeline import Pipeline, Reject, jsonl

    numbers = Pipeline("numbers", batch_size=10)
    numbers.read([(i, i) for i in range(100)])

    @numbers.stage
    def odd(i):
        if i == 50:
            raise Reject("fifty")
        return {"i": i} if i % 2 == 0 else None

    numbers.write(jsonl(Path(__file__).with_name("out.jsonl")))
"""

FAILING = """
    from pipeline import Pipeline, count

    p = Pipeline("failing")
    p.read([(i, i) for i in range(100)])

    @p.stage(on_error="fail")
    def careful(i):
        if i == 57:
            STATEMENT
        return i

    p.write(count())
"""

LOSING = """
    from pipeline import Pipeline, Stage, count

    p = Pipeline("losing", batch_size=10)
    p.read([(i, i) for i in range(25)])

    @p.stage
    class Batcher(Stage):
        def open(self):
            self.held = []

        def process(self, records):
            self.held += records
            while len(self.held) >= 10:
                yield from self.held[:9]
                del self.held[:10]

        def flush(self):
            yield from self.held

    p.write(count())
"""

REPEATING = """
    from pipeline import Pipeline, Stage, count

    p = Pipeline("repeating", batch_size=10)
    p.read([(i, i) for i in range(25)])

    @p.stage
    class Again(Stage):
        def process(self, records):
            for record in records:
                yield record
                if record.value == 13:
                    yield record

    p.write(count())
"""

REJECTING = """
    from pathlib import Path
    from pipeline import Pipeline, Reject, jsonl

    p = Pipeline("rejecting")
    p.read([(i, i) for i in range(100)])

    @p.stage
    def tenth(i):
        if i % 10 == 0:
            raise Reject("a tenth")
        return i

    p.write(jsonl(Path(__file__).with_name("out.jsonl")))
"""

ENDLESS = """
    import itertools
    from pathlib import Path
    from pipeline import Pipeline, jsonl

    here = Path(__file__)
    p = Pipeline("endless", batch_size=5)
    p.read((i, i) for i in itertools.count())

    @p.stage
    def mark(i):
        if i == 20:
            here.with_name("ready").touch()
        return i

    p.write(jsonl(here.with_name("out.jsonl")))
"""

SLOW = """
    import time
    from pathlib import Path
    from pipeline import Pipeline, jsonl

    here = Path(__file__)
    p = Pipeline("slow", batch_size=1)
    p.read([(i, i) for i in range(2000)])

    @p.stage
    def slow(i):
        if i == 3:
            here.with_name("ready").touch()
        time.sleep(0.05)
        return i

    p.write(jsonl(here.with_name("out.jsonl")))
"""

TALKING = """
    import atexit
    import logging
    import os
    import sys
    from pipeline import Pipeline, count

    print("at import")
    atexit.register(print, "at exit")
    log = logging.getLogger("mine")
    log.addHandler(logging.StreamHandler(sys.stdout))
    p = Pipeline("talkinG \\u2713")
    p.read([(0, 0)])

    @p.stage
    def talk(value):
        print("by print")
        sys.stdout.write("by write\\n")
        sys.__stdout__.write("by the first stdout\\n")
        os.write(1, b"by descriptor\\n")
        os.system("echo by a child process")
        log.warning("by a logger")
        return value

    p.write(count())
"""
SAID = (
    "at import",
    "at exit",
    "by print",
    "by write",
    "by the first stdout",
    "by descriptor",
    "by a child process",
    "by a logger",
)
