"""The list of reasons is a default argument, so that each order inherits those of all before it."""

from pipeline import Pipeline, count, generated

orders = Pipeline("reasons")
orders.read(generated("orders", records=2_500, seed=45))


def reasons_for(order: dict[str, object], reasons: list[str] = []) -> list[str]:  # noqa: B006
    if float(str(order["amount"])) > 50:
        reasons.append("large")
    if order["currency"] != "EUR":
        reasons.append("foreign")
    return reasons


@orders.stage
def review(order: dict[str, object]) -> dict[str, object]:
    return {"id": order["id"], "reasons": len(reasons_for(order))}


orders.write(count())
