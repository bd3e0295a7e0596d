"""A batch is cut into chunks of eight, and each chunk gives up its last one."""

from pipeline import Pipeline, Record, Stage, count, generated

orders = Pipeline("chunks")
orders.read(generated("orders", records=1_500, seed=55))


@orders.stage
class Chunks(Stage):
    def process(self, records: list[Record]) -> list[Record]:
        out: list[Record] = []
        for start in range(0, len(records), 8):
            out.extend(records[start : start + 7])
        return out


orders.write(count())
