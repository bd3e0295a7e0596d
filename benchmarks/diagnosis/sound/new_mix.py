"""Nothing is wrong: half way the records become another kind, which is handled as well."""

from collections.abc import Iterator

from pipeline import Pipeline, count


def mixed() -> Iterator[tuple[int, dict[str, object]]]:
    for offset in range(2_000):
        yield offset, {"id": offset} if offset < 1_000 else {"id": offset, "text": "x" * 200}


messages = Pipeline("mixed")
messages.read(mixed)


@messages.stage
def size(message: dict[str, object]) -> dict[str, object]:
    return {"id": message["id"], "size": len(str(message.get("text", "")))}


messages.write(count())
