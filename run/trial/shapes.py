"""The stages of a pipeline as a diagnosis sees them: kind, workers, and where they are written."""

from __future__ import annotations

from diagnosis.observation import (
    StageShape,
)
from pipeline.pipeline import INGESTION, OUTPUT, Pipeline
from run.trial.apply import Applied, is_own
from run.trial.containers import is_house


def shapes_of(applied: Applied) -> tuple[StageShape, ...]:
    """All stages, with the file and line of what is the user's."""
    pipeline: Pipeline = applied.pipeline
    shapes = [StageShape(INGESTION, "ingestion", 1)]
    for spec, (_, target) in zip(pipeline.stages, applied.targets, strict=True):
        inner = getattr(target, "__wrapped__", target)
        code = getattr(inner, "__code__", None)
        file = code.co_filename if code is not None else None
        line = code.co_firstlineno if code is not None else None
        if spec.kind == "stateful":
            kind = next((type(stage) for name, stage in applied.instances if name == spec.name), None)
            file, line = _class_place(kind)
        if file is not None and is_house(file):
            file = line = None
        shapes.append(StageShape(spec.name, spec.kind, spec.workers, file, line))
    call = getattr(applied.declared, "_call", None)
    code = getattr(call, "__code__", None)
    if code is not None and not is_house(code.co_filename):
        shapes.append(StageShape(OUTPUT, "output", 1, code.co_filename, code.co_firstlineno))
    elif is_own(applied.declared):
        shapes.append(StageShape(OUTPUT, "output", 1, *_class_place(type(applied.declared))))
    else:
        shapes.append(StageShape(OUTPUT, "output", 1))
    return tuple(shapes)


def _class_place(kind: type | None) -> tuple[str | None, int | None]:
    for value in vars(kind).values() if kind is not None else ():
        code = getattr(value, "__code__", None)
        if code is not None and not is_house(code.co_filename):
            return code.co_filename, code.co_firstlineno
    return None, None
