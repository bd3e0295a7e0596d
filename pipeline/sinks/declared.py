"""The types of a table's columns: as a class declares them, or as the values show them."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable

import msgspec
from msgspec import inspect


def leading_type(cells: Iterable[object]) -> type | None:
    """The type of most cells; ints count as floats where both occur; None where there is no value."""
    counts = Counter(map(type, cells))
    del counts[type(None)]
    if float in counts and int in counts:
        counts[float] += counts.pop(int)
    return counts.most_common(1)[0][0] if counts else None


def declared_types(kind: type) -> dict[str, inspect.Type]:
    """What a Struct, dataclass or pydantic model declares for its fields; empty where that cannot be told."""
    try:
        if issubclass(kind, msgspec.Struct) or dataclasses.is_dataclass(kind):
            info = inspect.type_info(kind)
            if isinstance(info, inspect.StructType | inspect.DataclassType):
                return {field.encode_name: field.type for field in info.fields}
        if hasattr(kind, "model_fields"):
            fields = kind.model_fields.items()
            return {name: inspect.type_info(field.annotation) for name, field in fields}
    except (TypeError, NameError, AttributeError):
        # An annotation that cannot be evaluated; the values will show the type.
        pass
    return {}


def without_none(type_: inspect.Type) -> list[inspect.Type]:
    """The alternatives of a declared type other than None."""
    types = type_.types if isinstance(type_, inspect.UnionType) else (type_,)
    return [each for each in types if not isinstance(each, inspect.NoneType)]


def choices(type_: inspect.Type) -> set[type] | None:
    """The Python types that an Enum's or a Literal's values have, None for any other type."""
    if isinstance(type_, inspect.EnumType):
        return {type(member.value) for member in type_.cls}
    if isinstance(type_, inspect.LiteralType):
        return {type(value) for value in type_.values}
    return None
