"""Exports used to end with a trailer line; a stage still leaves out the last record, of each batch now."""

from pipeline import Pipeline, Record, Stage, count, generated

readings = Pipeline("readings")
readings.read(generated("sensors", records=3_000, seed=5))


@readings.stage
def celsius(reading: dict[str, object]) -> dict[str, object]:
    return {"station": reading["station"], "celsius": reading["reading"]["celsius"]}  # type: ignore[index]


@readings.stage
class Fahrenheit(Stage):
    """Each reading in the other unit."""

    def process(self, records: list[Record]) -> list[Record]:
        converted = []
        for index in range(len(records) - 1):
            record = records[index]
            converted.append(
                record.replace({**record.value, "fahrenheit": record.value["celsius"] * 1.8 + 32})
            )
        return converted


readings.write(count())
