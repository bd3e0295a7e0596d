"""A session is over when nothing came for four milliseconds, by the clock of the machine that counts."""

import time

from pipeline import Pipeline, Record, Stage, count, generated

clicks = Pipeline("sessions")
clicks.read(generated("clicks", records=2_500, seed=48))


@clicks.stage
class Sessions(Stage):
    def open(self) -> None:
        self.held: list[Record] = []
        self.until = time.time() + 0.004

    def process(self, records: list[Record]) -> list[Record]:
        out = []
        for record in records:
            if self.held and time.time() > self.until:
                out.append(self.end())
                self.until = time.time() + 0.004
            self.held.append(record)
        return out

    def flush(self) -> list[Record]:
        return [self.end()] if self.held else []

    def end(self) -> Record:
        held, self.held = self.held, []
        return Record.merge(held, {"clicks": len(held)})


clicks.write(count())
