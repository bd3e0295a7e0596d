"""A row is built in a list that is kept for speed; the batch is full of one and the same list."""

from pipeline import Pipeline, count, generated

readings = Pipeline("rows")
readings.read(generated("sensors", records=2_000, seed=47))
row: list[object] = [None, None, None]


@readings.stage(batch=True)
def rows(batch: list[dict[str, object]]) -> list[object]:
    out: list[object] = []
    for reading in batch:
        row[0] = reading["station"]
        row[1] = reading["sequence"]
        row[2] = reading["battery"]
        out.append({"row": row})
    return out


readings.write(count())
