"""What helps against the look-alikes."""

from __future__ import annotations

import ast

from diagnosis.experiments import Case
from diagnosis.repairs.base import Repair, after, block_of, indented, lines_of, margin, replaced, statement
from diagnosis.symptoms import placed


def poison_record(case: Case) -> list[Repair]:
    bad = [each for each in case.first.rejections if each.raised] or list(case.first.rejections)
    place = case.first.failed_at or (bad[0].place if bad else None)
    some = ", ".join(case.records[:3]) or "them"
    ids = set(case.records) | set(case.trouble.sick.ids)
    everything = _everything(case)
    text = f"check for it before the code relies on it, and raise Reject with the reason; the records: {some}"
    if place is not None:
        text += f": {place.rpartition('/')[2]}"
    if not ids or not everything:
        return [Repair(text, place)]
    change = case.lab.change(only=tuple(each for each in everything if each not in ids))
    return [Repair(text, place, some, change=change)]


def input_drift(case: Case) -> list[Repair]:
    bad = [each for each in case.first.rejections if each.raised] or list(case.first.rejections)
    place = case.first.failed_at or (bad[0].place if bad else None)
    first = min(case.trouble.sick.ids, key=placed) if case.trouble.sick.ids else "?"
    text = f"from {first} on the input is of another form: accept both forms, or have the source mended"
    change = case.lab.change(limit=max(1, placed(first)[1])) if case.trouble.sick.ids else None
    return [Repair(text, place, first, change=change)]


def gc_pause(case: Case) -> list[Repair]:
    found = []
    file = case.first.files[0] if case.first.files else None
    if file is not None and file in case.source.texts:
        last = len(lines_of(case.source, file))
        text = "\nimport gc\n\ngc.collect()\ngc.freeze()\ngc.set_threshold(100_000, 50, 1_000)"
        found.append(
            Repair(
                "keep what lives for good out of the collector: gc.freeze() once it is loaded, and a higher "
                "gc.set_threshold()",
                f"{file}:{last}",
                "gc",
                (after(file, last, text),),
            )
        )
    return found


def slow_sink(case: Case) -> list[Repair]:
    shape = next((each for each in case.first.stages if each.kind == "output"), None)
    place = f"{shape.file}:{shape.line}" if shape is not None and shape.file is not None else None
    text = f"write many records at once in the sink {case.first.sink_name!r}, or write in several threads"
    return [Repair(text, place, case.first.sink_name, change=case.lab.change(sink="count"), proves=False)]


def deadlock(case: Case) -> list[Repair]:
    """Locks taken in one order: two ``with`` statements, one within the other, that change places."""
    found = []
    for file, function, _ in case.source.functions():
        for outer in ast.walk(function):
            if not isinstance(outer, ast.With):
                continue
            for inner in (each for part in outer.body for each in ast.walk(part)):
                if not isinstance(inner, ast.With) or inner is outer:
                    continue
                lines = lines_of(case.source, file)
                first, second = lines[outer.lineno - 1], lines[inner.lineno - 1]
                found.append(
                    Repair(
                        f"take the locks in the same order everywhere: `{second.strip()}` before "
                        f"`{first.strip()}` in {function.name}: {file.rpartition('/')[2]}:{outer.lineno}",
                        f"{file}:{inner.lineno}",
                        ast.unparse(inner.items[0].context_expr),
                        (
                            replaced(file, outer.lineno, margin(first) + second.strip()),
                            replaced(file, inner.lineno, margin(second) + first.strip()),
                        ),
                    )
                )
    return found


def place_of_stall(case: Case) -> str | None:
    """Where a thread stood."""
    return f"{case.lines[0][0]}:{case.lines[0][1]}" if case.lines else None


def dead_worker(case: Case) -> list[Repair]:
    dead = case.first.dead_threads
    place = dead[0].rpartition(" at ")[2] if dead else place_of_stall(case)
    why = dead[0].rpartition(" at ")[0] if dead else "it ended"
    text = f"catch what ends the thread ({why}) and tell whoever waits for it"
    return [Repair(text, place if place != "None" else None, None)]


def backpressure(case: Case) -> list[Repair]:
    text = "let somebody empty it while it is filled, or give it room; do not wait for room for ever"
    return [Repair(text, place_of_stall(case), None)]


def disk_full(case: Case) -> list[Repair]:
    bad = [each for each in case.first.rejections if each.raised]
    place = case.first.failed_at or (bad[0].place if bad else None)
    return [Repair("make room on the disk, or write to another one", place, None)]


def _everything(case: Case) -> list[str]:
    first = case.first
    if len(first.partitions) != 1 or first.read > 20_000:
        return []
    return [f"{first.partitions[0]}:{number}" for number in range(first.read)]


__all__ = ["block_of", "indented", "statement"]
