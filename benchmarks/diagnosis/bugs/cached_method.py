"""A cache without a bound on a method: it keeps each order's key, and the object, for good."""

from functools import lru_cache

from pipeline import Pipeline, count, generated

orders = Pipeline("cached")
orders.read(generated("orders", records=3_500, seed=44))


class Pricing:
    def __init__(self) -> None:
        self.rate = 1.19

    @lru_cache(maxsize=None)  # noqa: B019, UP033
    def gross(self, order: int, cents: int) -> int:  # noqa: ARG002
        return round(cents * self.rate)


pricing = Pricing()


@orders.stage
def price(order: dict[str, object]) -> dict[str, object]:
    cents = round(float(str(order["amount"])) * 100)
    return {"id": order["id"], "gross": pricing.gross(int(str(order["id"])), cents)}


orders.write(count())
