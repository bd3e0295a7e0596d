"""A stage with a memory that gives records on in pairs, as one."""

from pipeline import Pipeline, Record, Stage, count, generated

readings = Pipeline("stateful")
readings.read(generated("sensors", records=2_400, seed=33))


@readings.stage
def slim(reading: dict[str, object]) -> dict[str, object]:
    return {"station": reading["station"], "celsius": reading["reading"]["celsius"]}  # type: ignore[index]


@readings.stage
class Smooth(Stage):
    """Each reading is told what the one before it was."""

    def open(self) -> None:
        self.last = 0.0

    def process(self, records: list[Record]) -> list[Record]:
        out = []
        for record in records:
            out.append(record.replace({**record.value, "before": self.last}))
            self.last = record.value["celsius"]
        return out


@readings.stage
def rounded(reading: dict[str, float]) -> dict[str, float]:
    return {**reading, "step": round(reading["celsius"] - reading["before"], 1)}


readings.write(count())
