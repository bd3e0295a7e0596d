"""From raw records to typed values, and from a failed one to a reason that a person can act on.

A schema is a msgspec Struct, a dataclass, a TypedDict or NamedTuple, or a pydantic model; None
stands for plain dicts. pydantic is recognised by what it puts on its classes, so that it is
never imported for those who do not use it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, get_type_hints

import msgspec

from pipeline.errors import ConfigurationError, Reject

_LONGEST_REASON = 300
_LONGEST_INPUT = 60
_AT = re.compile(r"^(?P<what>.*) - at `(?P<path>.*)`$", re.DOTALL)
_GOT = re.compile(r"got `\w+`")


def json_decoder(schema: type | None) -> Callable[[bytes | str], Any]:
    """A function that makes one value of one JSON text.

    With no schema each record must be a JSON object and becomes a dict (give ``list`` or another type
    as the schema for anything else). Raises :class:`ConfigurationError` for a schema that cannot be used;
    what the function raises for a record is put into words by :func:`explain`.
    """
    if schema is None:
        return msgspec.json.Decoder(dict).decode
    if _is_pydantic(schema):
        decode: Callable[[bytes | str], Any]
        decode = getattr(schema, "model_validate_json", None) or schema.__pydantic_validator__.validate_json  # type: ignore[attr-defined]
        return decode
    _check(schema)
    return msgspec.json.Decoder(schema).decode


def dict_decoder(schema: type | None, *, strict: bool = True) -> Callable[[Mapping[str, Any]], Any]:
    """A function that makes one value of one row, given as a dict.

    ``strict=False`` is for text, such as the cells of a CSV file: it reads numbers, booleans and dates out
    of strings. With no schema the row is handed on as it is.
    """
    if schema is None:
        return _same
    if _is_pydantic(schema):
        validate: Callable[[Mapping[str, Any]], Any]
        validate = getattr(schema, "model_validate", None) or schema.__pydantic_validator__.validate_python  # type: ignore[attr-defined]
        return validate
    _check(schema)
    return partial(msgspec.convert, type=schema, strict=strict)


def null_cells(
    schema: type | None, columns: Sequence[str], markers: Collection[str]
) -> dict[str, frozenset[str]]:
    """For each column, the markers of a missing value that stand for None in it.

    A marker stays as it is where the field cannot be None and takes the marker as a value of its own (an
    empty string in a ``str`` field). Where it can be neither, None makes the reason of the rejection clear.
    """
    fields = {} if schema is None else _field_types(schema)
    probe = _pydantic_probe if schema is not None and _is_pydantic(schema) else _msgspec_probe
    nulls: dict[str, frozenset[str]] = {}
    for column in columns:
        if column not in fields:
            nulls[column] = frozenset(markers)
            continue
        field = fields[column]
        nullable = probe(field, None)
        nulls[column] = frozenset(m for m in markers if nullable or not probe(field, m))
    return nulls


def explain(exc: BaseException, raw: object = None) -> str:
    """Why a record could not be decoded, in one line that names the field and the cause.

    ``raw`` is the record, where it is at hand (bytes, or the row as a dict): it lets the reason name the
    byte, or the cell's text.

    >>> explain(msgspec.ValidationError("Expected `float`, got `str` - at `$.amount`"))
    '`$.amount`: expected `float`, got `str`'
    """
    return shorten(_reason(exc, raw), _LONGEST_REASON)


def shorten(text: str, most: int = _LONGEST_INPUT) -> str:
    """The text on one line, cut to ``most`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 3]}..."


def _reason(exc: BaseException, raw: object) -> str:
    if isinstance(exc, Reject):
        return exc.reason
    if isinstance(exc, UnicodeDecodeError):
        return _bad_encoding(exc, raw)
    if isinstance(exc, msgspec.ValidationError):
        return _misfit(str(exc), raw)
    if isinstance(exc, msgspec.DecodeError):
        text = str(exc)
        if text == "Input data was truncated":
            return "not valid JSON: the record ends too early"
        return f"not valid JSON: {text.removeprefix('JSON is malformed: ')}"
    if isinstance(exc, RecursionError):
        return "nested too deeply to be read"
    if hasattr(exc, "errors") and hasattr(exc, "error_count"):
        return _pydantic_reason(exc.errors(include_url=False))
    return f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__


def _misfit(message: str, raw: object) -> str:
    found = _AT.match(message)
    what, path = (found["what"], found["path"]) if found else (message, "")
    column = path.removeprefix("$.")
    if isinstance(raw, Mapping) and isinstance(raw.get(column), str):
        what = _GOT.sub(lambda _: f"got {shorten(raw[column])!r}", what)
    what = what.replace("Object missing", "missing", 1)
    what = what[:1].lower() + what[1:]
    return f"`{path}`: {what}" if path else what


def _bad_encoding(exc: UnicodeDecodeError, raw: object) -> str:
    where = f"at byte {exc.start}"
    if isinstance(raw, bytes) and len(raw) != len(exc.object):
        try:
            raw.decode(exc.encoding)
        except UnicodeDecodeError as whole:
            exc = whole
            where = f"at byte {exc.start}"
    elif raw is None and exc.object:
        where += f" of the text {shorten(exc.object.decode('ascii', 'backslashreplace'))!r}"
    encoding = exc.encoding.upper()
    return f"not valid {encoding} {where}; give files(..., encoding=...) if it is written in another encoding"


def _pydantic_reason(errors: Sequence[Mapping[str, Any]]) -> str:
    first = errors[0]
    message = str(first["msg"])
    if first["type"] == "json_invalid":
        return f"not valid JSON: {message.removeprefix('Invalid JSON: ')}"
    path = "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    text = f"`{path}`: {message[:1].lower()}{message[1:]}"
    if first["type"] != "missing":
        text += f", got {shorten(repr(first['input']))}"
    return text if len(errors) == 1 else f"{text} (and {len(errors) - 1} more)"


def _same(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return row


def _is_pydantic(schema: type) -> bool:
    return hasattr(schema, "__pydantic_validator__")


def _check(schema: type) -> None:
    choice = "give a msgspec Struct, a dataclass, a TypedDict or a pydantic model"
    name = getattr(schema, "__name__", repr(schema))
    try:
        info = msgspec.inspect.type_info(schema)
        msgspec.json.Decoder(schema)
    except Exception as exc:
        raise ConfigurationError(f"schema={name} cannot be used: {exc}; {choice}") from exc
    if isinstance(info, msgspec.inspect.CustomType):
        raise ConfigurationError(f"schema={name} has no typed fields; {choice}")


def _field_types(schema: type) -> dict[str, Any]:
    """The type of each field by the name that it has in the data."""
    model_fields = getattr(schema, "model_fields", None)
    if model_fields is not None:
        types = {}
        for name, field in model_fields.items():
            alias = field.validation_alias if isinstance(field.validation_alias, str) else field.alias
            types[alias or name] = field.annotation
        return types
    if isinstance(schema, type) and issubclass(schema, msgspec.Struct):
        return {field.encode_name: field.type for field in msgspec.structs.fields(schema)}
    try:
        return get_type_hints(schema, include_extras=True)
    except (TypeError, NameError):
        return {}


def _msgspec_probe(field: Any, value: str | None) -> bool:
    try:
        msgspec.convert(value, type=field, strict=False)
    except Exception:  # noqa: BLE001 - any refusal is the answer
        return False
    return True


def _pydantic_probe(field: Any, value: str | None) -> bool:
    from pydantic import TypeAdapter  # the schema is a pydantic model, so the package is there

    try:
        TypeAdapter(field).validate_python(value)
    except Exception:  # noqa: BLE001 - any refusal is the answer
        return False
    return True
