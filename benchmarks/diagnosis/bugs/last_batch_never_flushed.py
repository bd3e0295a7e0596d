"""Orders go on in packets of forty; the last packet, which is not full, stays where it is."""

from pipeline import Pipeline, Record, Stage, count, generated

orders = Pipeline("packets")
orders.read(generated("orders", records=1_230, seed=41))


@orders.stage
class Packets(Stage):
    def open(self) -> None:
        self.waiting: list[Record] = []

    def process(self, records: list[Record]) -> list[Record]:
        out: list[Record] = []
        for record in records:
            self.waiting.append(record)
            if len(self.waiting) == 40:
                out.extend(self.waiting)
                self.waiting = []
        return out


orders.write(count())
