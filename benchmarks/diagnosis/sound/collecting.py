"""Nothing is wrong: the program collects garbage by itself now and then."""

import gc

from pipeline import Pipeline, Record, Stage, count, generated

readings = Pipeline("collecting")
readings.read(generated("sensors", records=3_000, seed=63))


@readings.stage
class Tidy(Stage):
    def open(self) -> None:
        self.batches = 0

    def process(self, records: list[Record]) -> list[Record]:
        self.batches += 1
        if self.batches % 50 == 0:
            gc.collect()
        return [record.replace({"station": record.value["station"]}) for record in records]


readings.write(count())
