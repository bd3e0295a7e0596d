"""When a packet is full it is sent, and the order that found it full is forgotten."""

from pipeline import Pipeline, Record, Stage, count, generated

orders = Pipeline("dropped")
orders.read(generated("orders", records=1_200, seed=42))


@orders.stage
class Packets(Stage):
    def open(self) -> None:
        self.packet: list[Record] = []

    def process(self, records: list[Record]) -> list[Record]:
        out: list[Record] = []
        for record in records:
            if len(self.packet) >= 30:
                out.extend(self.packet)
                self.packet = []
            else:
                self.packet.append(record)
        return out

    def flush(self) -> list[Record]:
        return self.packet


orders.write(count())
