"""Sensor readings are put into windows of a few milliseconds, by the clock on the wall when they are seen."""

import time

from pipeline import Pipeline, Record, Stage, count, generated

readings = Pipeline("windows")
readings.read(generated("sensors", records=3_000, seed=2))

WINDOW_S = 0.005


@readings.stage
def slim(reading: dict[str, object]) -> dict[str, object]:
    return {"station": reading["station"], "at": reading["ts"]}


@readings.stage
class Windows(Stage):
    """One record for each window: how many readings came in it."""

    def open(self) -> None:
        self.began = time.time()
        self.held: list[Record] = []

    def process(self, records: list[Record]) -> list[Record]:
        closed = []
        for record in records:
            now = time.time()
            if now - self.began > WINDOW_S and self.held:
                closed.append(self.close_window())
                self.began = now
            self.held.append(record)
        return closed

    def flush(self) -> list[Record]:
        return [self.close_window()] if self.held else []

    def close_window(self) -> Record:
        held, self.held = self.held, []
        return Record.merge(held, {"readings": len(held), "from": held[0].value["at"]})


readings.write(count())
