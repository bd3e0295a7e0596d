"""From one day on the export writes amounts with a comma."""

from collections.abc import Iterator

from pipeline import Pipeline, count


def export() -> Iterator[tuple[int, dict[str, str]]]:
    for offset in range(1_500):
        yield (
            offset,
            {"id": str(offset), "amount": f"{offset / 10:.2f}".replace(".", "," if offset >= 900 else ".")},
        )


orders = Pipeline("comma")
orders.read(export)


@orders.stage
def parse(order: dict[str, str]) -> dict[str, object]:
    return {"id": int(order["id"]), "amount": float(order["amount"])}


orders.write(count())
