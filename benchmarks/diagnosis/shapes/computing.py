"""Stages that compute, in chains, on dicts."""

from hashlib import blake2b

from pipeline import Pipeline, count, generated

Click = dict[str, object]

clicks = Pipeline("computing")
clicks.read(generated("clicks", records=3_000, seed=32))


@clicks.stage
def slim(click: Click) -> Click:
    return {"page": click["page"], "agent": click["agent"], "ms": click["duration_ms"]}


@clicks.stage
def digest(click: Click) -> Click:
    text = str(click["page"]).encode()
    for _ in range(20):
        text = blake2b(text, digest_size=16).digest()
    return {**click, "digest": text.hex()}


@clicks.stage
def label(click: Click) -> Click:
    return {**click, "slow": int(str(click["ms"])) > 30_000}


clicks.write(count())
