"""Typed values from raw records, for every kind of schema, and reasons that name the field."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypedDict

import msgspec
import pydantic
import pytest

from pipeline.errors import ConfigurationError, Reject
from pipeline.schema import dict_decoder, explain, json_decoder, null_cells


class StructOrder(msgspec.Struct):
    id: int
    amount: float
    note: str | None = None


@dataclass
class DataOrder:
    id: int
    amount: float
    note: str | None = None


class ModelOrder(pydantic.BaseModel):
    id: int
    amount: float
    note: str | None = None


@pydantic.dataclasses.dataclass
class PydanticOrder:
    id: int
    amount: float = pydantic.Field(gt=0)
    note: str | None = None


class DictOrder(TypedDict):
    id: int
    amount: float


class TupleOrder(NamedTuple):
    id: int
    amount: float


KINDS: list[type] = [StructOrder, DataOrder, ModelOrder, PydanticOrder]


def _reason(decode: Callable[[Any], Any], raw: object) -> str:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each kind of schema has its own
        decode(raw)
    return explain(caught.value, raw)


@pytest.mark.parametrize("schema", KINDS)
def test_each_kind_of_schema_makes_its_own_values(schema: type) -> None:
    assert json_decoder(schema)(b'{"id": 1, "amount": 2.5}') == schema(id=1, amount=2.5)
    assert dict_decoder(schema)({"id": 1, "amount": 2.5}) == schema(id=1, amount=2.5)
    assert dict_decoder(schema, strict=False)({"id": "1", "amount": "2.5"}) == schema(id=1, amount=2.5)


def test_typed_dicts_and_named_tuples_are_schemas_too() -> None:
    assert json_decoder(DictOrder)(b'{"id": 1, "amount": 2}') == {"id": 1, "amount": 2.0}
    assert json_decoder(TupleOrder)(b"[1, 2]") == TupleOrder(1, 2.0)


def test_no_schema_gives_plain_dicts() -> None:
    row = {"id": "1"}
    assert json_decoder(None)(b'{"id": 1}') == {"id": 1}
    assert dict_decoder(None)(row) is row
    assert _reason(json_decoder(None), b"[1]") == "expected `object`, got `array`"


@pytest.mark.parametrize("schema", KINDS)
def test_the_reason_names_the_field_and_the_cause(schema: type) -> None:
    assert _reason(json_decoder(schema), b'{"id": 1, "amount": "x"}').startswith("`$.amount`: ")
    assert "id" in _reason(json_decoder(schema), b'{"amount": 1}')
    assert _reason(json_decoder(schema), b'{"id": 1').startswith("not valid JSON: ")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"id": 1, "amount": "x"}', "`$.amount`: expected `float`, got `str`"),
        (b'{"amount": 1}', "missing required field `id`"),
        (b'{"id": 1, "amount": 1e999}', "`$.amount`: number out of range"),
        (
            b'{"id": 1, "amount": 1, "note": "\xff"}',
            "not valid UTF-8 at byte 32; give files(..., encoding=...)",
        ),
        (b'{"id": 1,, }', "not valid JSON: object keys must be strings (byte 9)"),
        (b"", "not valid JSON: the record ends too early"),
    ],
)
def test_reasons_of_a_struct(raw: bytes, reason: str) -> None:
    assert _reason(json_decoder(StructOrder), raw).startswith(reason)


def test_reasons_of_a_pydantic_model_name_the_first_error_and_count_the_others() -> None:
    reason = _reason(json_decoder(ModelOrder), b'{"id": "a", "amount": "b"}')
    assert reason == (
        "`$.id`: input should be a valid integer, unable to parse string as an integer, got 'a' (and 1 more)"
    )
    assert _reason(json_decoder(ModelOrder), b'{"amount": 1}') == "`$.id`: field required"
    assert "greater than 0" in _reason(json_decoder(PydanticOrder), b'{"id": 1, "amount": -1}')


def test_the_reason_for_a_cell_shows_its_text() -> None:
    decode = dict_decoder(StructOrder, strict=False)
    assert _reason(decode, {"id": "1", "amount": "12,50"}) == "`$.amount`: expected `float`, got '12,50'"


def test_a_reason_is_one_line_of_bounded_length() -> None:
    reason = explain(ValueError("a\n  b" * 1000))
    assert reason.startswith("ValueError: a b")
    assert len(reason) == 300
    assert explain(Reject("cancelled")) == "cancelled"
    assert explain(RecursionError("maximum depth")) == "nested too deeply to be read"
    assert explain(KeyError()) == "KeyError"


def test_a_wrong_byte_is_named_in_the_record_or_at_least_in_its_text() -> None:
    with pytest.raises(UnicodeDecodeError) as caught:
        json_decoder(StructOrder)(b'{"id": 1, "amount": 1, "note": "a\xff"}')
    assert "at byte 1 of the text 'a\\\\xff'" in explain(caught.value)


class _Plain:
    def __init__(self, id: int) -> None:
        self.id = id


class _Unsupported(msgspec.Struct):
    value: StructOrder | DataOrder


@pytest.mark.parametrize("make", [json_decoder, dict_decoder])
@pytest.mark.parametrize(
    ("schema", "name"),
    [(_Plain, "_Plain"), (_Unsupported, "_Unsupported"), (StructOrder(1, 2), "StructOrder")],
)
def test_what_is_no_schema_is_refused_by_name(make: Callable[[Any], Any], schema: Any, name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"schema={name}.*give a msgspec Struct"):
        make(schema)


class Renamed(msgspec.Struct, rename="camel"):
    dep_time: int | None
    tail_num: str
    air_time: float


class Aliased(pydantic.BaseModel):
    dep_time: int | None = pydantic.Field(alias="depTime")
    tail_num: str = pydantic.Field(alias="tailNum")
    air_time: float = pydantic.Field(alias="airTime")


@pytest.mark.parametrize("schema", [Renamed, Aliased])
def test_a_null_marker_is_none_unless_the_field_takes_it_as_text(schema: type) -> None:
    nulls = null_cells(schema, ["depTime", "tailNum", "airTime", "other"], ("", "NA"))
    both = frozenset({"", "NA"})
    assert nulls == {"depTime": both, "tailNum": frozenset(), "airTime": both, "other": both}


def test_without_a_schema_every_column_may_be_none() -> None:
    assert null_cells(None, ["a"], ("NA",)) == {"a": frozenset({"NA"})}
    assert null_cells(DataOrder, ["note", "id"], ("NA",)) == {
        "note": frozenset({"NA"}),
        "id": frozenset({"NA"}),
    }


def test_dates_are_read_out_of_text() -> None:
    class At(msgspec.Struct):
        at: datetime

    assert dict_decoder(At, strict=False)({"at": "2013-01-01 05:00:00"}).at == datetime(2013, 1, 1, 5)  # noqa: DTZ001


def test_pydantic_is_not_imported_for_those_who_do_not_use_it() -> None:
    code = (
        "import sys, dataclasses; from pipeline.schema import json_decoder, null_cells; "
        "T = dataclasses.make_dataclass('T', [('a', int)]); json_decoder(T)(b'{\"a\": 1}'); "
        "null_cells(T, ['a'], ('',)); sys.exit('pydantic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
