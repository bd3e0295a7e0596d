"""The audit trail of a stage is an attribute that nobody reads."""

from pipeline import Pipeline, Record, Stage, count, generated

readings = Pipeline("trail")
readings.read(generated("sensors", records=3_000, seed=54))


@readings.stage
class Convert(Stage):
    def open(self) -> None:
        self.trail: list[str] = []

    def process(self, records: list[Record]) -> list[Record]:
        out = []
        for record in records:
            value = {"station": record.value["station"], "battery": record.value["battery"]}
            self.trail.append(f"{record.id}: {value}")
            out.append(record.replace(value))
        return out


readings.write(count())
