"""One dict serves as the template of all messages; it is filled in, and handed on as it is."""

from pipeline import Pipeline, Record, Stage, count, generated

TEMPLATE: dict[str, object] = {"kind": "click", "page": None, "ms": 0}

clicks = Pipeline("template")
clicks.read(generated("clicks", records=2_000, seed=46))


@clicks.stage
class Message(Stage):
    def process(self, records: list[Record]) -> list[Record]:
        out = []
        for record in records:
            message = TEMPLATE
            message["page"] = record.value["page"]
            message["ms"] = record.value["duration_ms"]
            out.append(record.replace(message))
        return out


clicks.write(count())
