"""Races: state that several threads read and write with something in between that lets the others run.

Each splits the records of a batch among threads, as one does to make a stage faster; ``--workers 1``, or
``threads=1``, takes the others away, and the race with them.
"""

from __future__ import annotations

from pipeline.faults.spec import Param, Variant

_THREADS = Param(
    "threads", 2, "threads that share the state; as many as --workers says, where it is given", "whole", 1, 16
)
_RATE = Param(
    "rate", 0.1, "share of the records at which another thread may come in between", "share", 0.0, 1.0
)
_PAUSE = Param("pause", 0.0005, "how long that takes", "seconds", 0.0, 1.0)
_PARAMS = (_THREADS, _RATE, _PAUSE)
_LOW, _HIGH = {"rate": 0.03}, {"rate": 0.5}

_HEAD = """
import random
import time
from threading import Thread

from pipeline import Stage

chance = random.Random(SEED)


def look_up():
    if chance.random() < RATE:
        time.sleep(PAUSE)


def at_once(call, parts, *rest):
    threads = [Thread(target=call, args=(part, *rest)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


"""

LOST_UPDATE = Variant(
    "race.lost_update",
    "race",
    "Threads take the next free place from a counter that they read and write without a lock.",
    "records lost at the stage, others in each run",
    "lost",
    "batch",
    _HEAD
    + """
class Blocks(Stage):
    def __init__(self, handle):
        self.handle = handle
        self.count = 0
        self.made = {}

    def process(self, records):
        at_once(self.work, [records[number::THREADS] for number in range(THREADS)])
        made, self.made, self.count = self.made, {}, 0
        return [record for place in sorted(made) for record in made[place]]

    def work(self, records):
        for record in records:
            place = self.count
            result = list(self.handle(record))
            look_up()
            self.made[place] = result
            self.count = place + 1  #!
""",
    _PARAMS,
    _LOW,
    _HIGH,
)

CHECK_THEN_ACT = Variant(
    "race.check_then_act",
    "race",
    "Each thread goes over all records and leaves out those that are done; it looks, and only later notes.",
    "records duplicated at the stage, others in each run",
    "duplicated",
    "batch",
    _HEAD
    + """
class Blocks(Stage):
    def __init__(self, handle):
        self.handle = handle
        self.done = set()
        self.made = []

    def process(self, records):
        at_once(self.work, [records] * THREADS)
        made, self.made = self.made, []
        self.done.clear()
        return made

    def work(self, records):
        for record in records:
            if record.id not in self.done:  #!
                look_up()
                self.done.add(record.id)
                self.made.extend(self.handle(record))
""",
    _PARAMS,
    _LOW,
    _HIGH,
)

LOST_FLUSH = Variant(
    "race.lost_flush",
    "race",
    "A thread copies what is pending and clears it, while others go on adding to it.",
    "records lost at the stage, others in each run",
    "lost",
    "batch",
    _HEAD
    + """
class Blocks(Stage):
    def __init__(self, handle):
        self.handle = handle
        self.pending = []
        self.made = []

    def process(self, records):
        at_once(self.work, range(THREADS), records)
        self.give_on()
        made, self.made = self.made, []
        return made

    def work(self, number, records):
        for record in records[number::THREADS]:
            self.pending.extend(self.handle(record))
            if number == 0:
                self.give_on()

    def give_on(self):
        self.made.extend(self.pending)
        look_up()
        self.pending.clear()  #!
""",
    _PARAMS,
    _LOW,
    _HIGH,
)

DOUBLE_CONSUME = Variant(
    "race.double_consume",
    "race",
    "Threads look at the last of a list of jobs, and take it off when it is done.",
    "records duplicated and others lost at the stage, others in each run",
    "duplicated",
    "batch",
    _HEAD
    + """
class Blocks(Stage):
    def __init__(self, handle):
        self.handle = handle
        self.jobs = []
        self.made = []

    def process(self, records):
        self.jobs.extend(records)
        at_once(self.work, range(THREADS))
        made, self.made = self.made, []
        return made

    def work(self, number):
        while self.jobs:
            try:
                record = self.jobs[-1]
                look_up()
                self.jobs.pop()  #!
            except IndexError:
                return
            self.made.extend(self.handle(record))
""",
    _PARAMS,
    _LOW,
    _HIGH,
)

ITERATE = Variant(
    "race.iterate",
    "race",
    "A thread goes over a dict to which another one adds; where that fails, what is in it is given up.",
    "records lost at the stage, others in each run",
    "lost",
    "batch",
    _HEAD
    + """
class Blocks(Stage):
    def __init__(self, handle):
        self.handle = handle
        self.by_id = {}
        self.made = []

    def process(self, records):
        half = len(records) // 2 if THREADS > 1 else len(records)
        self.work(records[:half])
        adding = Thread(target=self.work, args=(records[half:],))
        adding.start()
        self.give_on()
        adding.join()
        self.give_on()
        made, self.made = self.made, []
        return made

    def work(self, records):
        for record in records:
            self.by_id[record.id] = list(self.handle(record))
            look_up()

    def give_on(self):
        taken = []
        try:
            for results in self.by_id.values():
                taken.extend(results)
                look_up()
        except RuntimeError:
            taken = []
        self.by_id = {}  #!
        self.made.extend(taken)
""",
    _PARAMS,
    _LOW,
    _HIGH,
)

LAZY_INIT = Variant(
    "race.lazy_init",
    "race",
    "A thread makes the list that all share where there is none yet; the next throws it away.",
    "records lost at the stage, others in each run",
    "lost",
    "batch",
    _HEAD
    + """
class Blocks(Stage):
    def __init__(self, handle):
        self.handle = handle
        self.made = None

    def process(self, records):
        at_once(self.work, [records[number::THREADS] for number in range(THREADS)])
        made, self.made = self.made, None
        return made or []

    def work(self, records):
        for record in records:
            results = list(self.handle(record))
            if self.made is None:
                time.sleep(PAUSE)
                self.made = []  #!
            self.made.extend(results)
            look_up()
""",
    _PARAMS,
    {**_LOW, "pause": 0.0003},
    {**_HIGH, "pause": 0.002},
)

SLOT = Variant(
    "race.slot",
    "race",
    "Threads put the record at hand into one attribute and read it back from there.",
    "records duplicated and others lost at the stage, others in each run",
    "duplicated",
    "batch",
    _HEAD
    + """
class Blocks(Stage):
    def __init__(self, handle):
        self.handle = handle
        self.current = None
        self.made = []

    def process(self, records):
        at_once(self.work, [records[number::THREADS] for number in range(THREADS)])
        made, self.made, self.current = self.made, [], None
        return made

    def work(self, records):
        for record in records:
            self.current = record  #!
            look_up()
            self.made.extend(self.handle(self.current))
""",
    _PARAMS,
    _LOW,
    _HIGH,
)

VARIANTS = (LOST_UPDATE, CHECK_THEN_ACT, LOST_FLUSH, DOUBLE_CONSUME, ITERATE, LAZY_INIT, SLOT)
