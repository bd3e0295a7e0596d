"""A helper process is asked about each batch, and its pipes are kept in a list, open."""

import subprocess

from pipeline import Pipeline, count, generated

orders = Pipeline("piped", batch_size=20)
orders.read(generated("orders", records=700, seed=50))
helpers: list["subprocess.Popen[bytes]"] = []


@orders.stage(batch=True)
def check(batch: list[dict[str, object]]) -> list[dict[str, object]]:
    helper = subprocess.Popen(["true"], stdout=subprocess.PIPE)
    helpers.append(helper)
    return batch


orders.write(count())
