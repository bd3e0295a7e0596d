"""A click without an agent, one in a thousand, divides by its length."""

from collections.abc import Iterator

from pipeline import Pipeline, count

Click = dict[str, object]


def incoming() -> Iterator[tuple[int, Click]]:
    for offset in range(2_000):
        agent = "" if offset in (707, 1_414) else f"browser/{offset % 9}"
        yield offset, {"page": f"/p/{offset % 40}", "agent": agent, "ms": offset % 300}


clicks = Pipeline("poisoned")
clicks.read(incoming)


@clicks.stage
def slim(click: Click) -> Click:
    return {"page": click["page"], "agent": click["agent"], "ms": click["ms"]}


@clicks.stage
def score(click: Click) -> Click:
    agent = str(click["agent"])
    return {**click, "digits": sum(letter.isdigit() for letter in agent) / len(agent)}


clicks.write(count())
