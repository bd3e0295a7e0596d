"""Each batch is read as if it were a file, and the first line of a file is its header."""

from pipeline import Pipeline, Record, Stage, count, generated

clicks = Pipeline("header")
clicks.read(generated("clicks", records=1_500, seed=56))


@clicks.stage
class Body(Stage):
    def process(self, records: list[Record]) -> list[Record]:
        return records[1:]


clicks.write(count())
