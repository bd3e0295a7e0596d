"""Differences between neighbours: a batch of n values has n - 1 of them."""

from pipeline import Pipeline, count, generated

readings = Pipeline("differences")
readings.read(generated("sensors", records=1_200, seed=57))


@readings.stage
def battery(reading: dict[str, object]) -> float:
    return float(str(reading["battery"]))


@readings.stage(batch=True)
def steps(batch: list[float]) -> list[float]:
    return [round(batch[place + 1] - batch[place], 2) for place in range(len(batch) - 1)]


readings.write(count())
