"""Clicks are labelled with tags; a list that was meant to be fresh for each click is the same one for all."""

from pipeline import Pipeline, count, generated

Click = dict[str, object]

clicks = Pipeline("clicks")
clicks.read(generated("clicks", records=2_500, seed=11))


@clicks.stage
def slim(click: Click) -> Click:
    return {"page": click["page"], "agent": str(click["agent"]), "ms": click["duration_ms"]}


def tags_for(click: Click, tags: list[str] = []) -> list[str]:  # noqa: B006
    if "Mobile" in str(click["agent"]) or str(click["page"]).endswith("7"):
        tags.append("mobile")
    if int(str(click["ms"])) > 55_000:
        tags.append("slow")
    return tags[-3:]


@clicks.stage
def label(click: Click) -> Click:
    return {**click, "tags": tags_for(click)}


clicks.write(count())
