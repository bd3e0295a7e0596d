"""Readings are smoothed batch by batch; the last one of a batch has no neighbour, and is forgotten."""

from pipeline import Pipeline, Record, Stage, count, generated

readings = Pipeline("readings")
readings.read(generated("sensors", records=3_000, seed=5))


@readings.stage
def celsius(reading: dict[str, object]) -> dict[str, object]:
    return {"station": reading["station"], "celsius": reading["reading"]["celsius"]}  # type: ignore[index]


@readings.stage
class Smooth(Stage):
    """Each reading becomes the mean of itself and the next one."""

    def process(self, records: list[Record]) -> list[Record]:
        smoothed = []
        for index in range(len(records) - 1):
            here, there = records[index].value, records[min(index + 1, len(records) - 1)].value
            mean = (here["celsius"] + there["celsius"]) / 2
            smoothed.append(records[index].replace({**here, "celsius": mean}))
        return smoothed


readings.write(count())
