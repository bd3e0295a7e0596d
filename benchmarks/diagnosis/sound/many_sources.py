"""Several sources, of which so many records in all are other ones in each run."""

from pipeline import Pipeline, Reject, count, generated

Sale = dict[str, object]

sales = Pipeline("sales")
for seed in (51, 52, 53):
    sales.read(generated("orders", records=2_000, seed=seed, name=f"shop-{seed}"))


@sales.stage
def check(sale: Sale) -> Sale:
    if not sale["items"]:
        raise Reject("nothing was sold")
    return sale


@sales.stage(workers=2)
def brief(sale: Sale) -> Sale:
    return {"id": sale["id"], "items": len(sale["items"])}  # type: ignore[arg-type]


sales.write(count())
