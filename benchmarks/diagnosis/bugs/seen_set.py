"""Duplicates are kept out by a set of all that was ever seen."""

from pipeline import Pipeline, count, generated

clicks = Pipeline("unique")
clicks.read(generated("clicks", records=4_000, seed=53))
seen: set[tuple[object, object]] = set()


@clicks.stage
def unique(click: dict[str, object]) -> dict[str, object] | None:
    key = (click["session"], click["ts_ms"])
    if key in seen:
        return None
    seen.add(key)
    return {"page": click["page"]}


clicks.write(count())
