"""Writes the table of `docs/faults.md` anew: `python -m docs.faults_table`. A test holds the file to it."""

from __future__ import annotations

from pathlib import Path

from pipeline.faults.catalogue import VARIANTS
from pipeline.faults.spec import FAMILIES, INTENSITIES, Variant

DOCUMENT = Path(__file__).with_name("faults.md")
BEGIN, END = "<!-- table -->\n", "<!-- end of the table -->\n"


def table() -> str:
    """The faults of each family as a Markdown table."""
    lines = []
    for family in FAMILIES:
        lines += [
            f"### {family}",
            "",
            "| fault | what it is | symptom | low / medium / high |",
            "|---|---|---|---|",
        ]
        lines += [_row(each) for each in VARIANTS if each.family == family]
        lines.append("")
    return "\n".join(lines)


def written(text: str) -> str:
    """The document with the table as it is now."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}{table()}{END}{rest.split(END)[1]}"


def _row(each: Variant) -> str:
    params = []
    for param in each.params:
        values = [f"{each.preset(intensity)[param.name]:g}" for intensity in INTENSITIES]
        params.append(f"`{param.name}` {values[0] if len(set(values)) == 1 else ' / '.join(values)}")
    return f"| `{each.name}` | {each.help} | {each.symptom} | {', '.join(params)} |"


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
