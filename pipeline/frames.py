"""Values as rows of columns, and back, for stages that work on Arrow tables or Polars frames."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import msgspec

Frame = Literal["arrow", "polars"]


def to_frame(values: list[Any], kind: Frame) -> Any:
    """An Arrow table or a Polars frame with a column for each field."""
    rows = [to_row(value) for value in values]
    if kind == "arrow":
        import pyarrow

        return pyarrow.Table.from_pylist(rows)
    import polars

    return polars.from_dicts(rows, infer_schema_length=None)


def is_frame(value: object) -> bool:
    """Whether a value is an Arrow table or a Polars frame."""
    return hasattr(value, "to_pylist") or hasattr(value, "to_dicts")


def to_rows(frame: Any) -> list[dict[str, Any]]:
    """The rows of an Arrow table or a Polars frame, as dicts."""
    rows: list[dict[str, Any]] = frame.to_pylist() if hasattr(frame, "to_pylist") else frame.to_dicts()
    return rows


def to_row(value: Any) -> dict[str, Any]:
    """One value as a dict; a scalar becomes the column ``value``."""
    if isinstance(value, dict):
        return value
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.asdict(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if hasattr(value, "model_dump"):
        row: dict[str, Any] = value.model_dump()
        return row
    return {"value": value}
