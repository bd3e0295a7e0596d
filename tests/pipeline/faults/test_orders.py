"""How a fault is asked for, and what is said where that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigurationError
from pipeline.events import StageInfo
from pipeline.faults.catalogue import VARIANTS
from pipeline.faults.order import parse, places
from pipeline.faults.source_text import rendered
from pipeline.faults.spec import INTENSITIES, Variant

STAGES = (
    StageInfo("ingestion", "ingestion", 1, chained=False),
    StageInfo("Check", "function", 1, chained=False),
    StageInfo("enrich", "function", 1, chained=True),
    StageInfo("output", "output", 1, chained=False),
)


def test_everything_can_be_said() -> None:
    order = parse("Leak.Dict@CHECK, rate=50%, intensity=HIGH,after=10s,for=1.5min,seed=7", STAGES)
    assert order.variant.name == "leak.dict"
    assert (order.stage, order.seed, order.after, order.lasts) == ("Check", 7, 10.0, 90.0)
    assert dict(order.values) == {"rate": 0.5, "size": 1024, "limit": 400_000}
    assert dict(order.params)["for"] == "90s"
    assert dict(order.params)["rate"] == "0.5"


def test_without_a_stage_it_is_the_last_that_will_do() -> None:
    assert parse("leak.dict", STAGES).stage == "enrich"
    assert parse("lookalike.slow_sink", STAGES).stage == "output"
    assert parse("lookalike.input_drift", STAGES).stage == "ingestion"
    assert parse("lookalike.busy_neighbour", STAGES).stage is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "begins with the name of a fault"),
        ("leek.dict", "did you mean leak.dict"),
        ("leak", "family of faults; possible: leak.dict, leak.lru_cache"),
        ("quux", "`faults` lists them all"),
        ("leak.dict@enrich2", "no stage 'enrich2'; did you mean 'enrich'? possible: Check, enrich"),
        ("leak.dict@output", "cannot be put in at 'output'; possible: Check, enrich"),
        ("lookalike.busy_neighbour@check", "beside the pipeline"),
        ("leak.dict,sise=3", "no parameter 'sise'; did you mean 'size'?"),
        ("leak.dict,size", "'size' is no KEY=VALUE"),
        ("leak.dict,size=", "'size=' is no KEY=VALUE"),
        ("leak.dict,size=1,size=2", "size is given twice"),
        ("leak.dict,size=big", "size=big: must be a whole number"),
        ("leak.dict,size=-1", "size=-1: must be from 0 to 1048576".replace("1048576", "1.04858e+06")),
        ("leak.dict,rate=2", "rate=2: must be from 0 to 1"),
        ("leak.dict,rate=nan", "rate=nan: must be from 0 to 1"),
        ("leak.dict,after=soon", "after=soon is no time; possible: 10s, 500ms, 2min"),
        ("leak.dict,for=0s", "for=0s: must be from 0.001"),
        ("leak.dict,intensity=mild", "no intensity 'mild'"),
    ],
)
def test_what_is_wrong_is_said_with_what_is_possible(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        parse(text, STAGES)
    assert said in str(raised.value)
    assert str(raised.value).startswith("--fault")


@given(st.text(alphabet="leak.dict@chek,rate=0.5s%\x00é \n", max_size=40))
def test_any_text_is_an_order_or_a_clear_error(text: str) -> None:
    try:
        parse(text, STAGES)
    except ConfigurationError as error:
        assert str(error).startswith("--fault")  # noqa: PT017 - most texts are no orders, some are


def test_a_pipeline_without_stages_of_its_own_takes_what_it_can() -> None:
    bare = (STAGES[0], STAGES[-1])
    with pytest.raises(ConfigurationError, match=r"no stage at which leak\.dict"):
        parse("leak.dict", bare)
    assert parse("lookalike.slow_sink", bare).stage == "output"


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda each: each.name)
def test_the_list_is_sound(variant: Variant) -> None:
    assert variant.help.endswith(".")
    assert not variant.symptom.endswith(".")
    names = {param.name for param in variant.params}
    assert set(variant.low) <= names
    assert set(variant.high) <= names
    for intensity in INTENSITIES:
        for param in variant.params:
            assert param.least <= variant.preset(intensity)[param.name] <= param.most
    presets = [variant.preset(intensity) for intensity in INTENSITIES]
    assert presets[0] != presets[1] != presets[2] != presets[0]
    assert places(variant, STAGES) or variant.site == "machine"
    for param in variant.params:
        assert param.constant in rendered(parse(variant.name, STAGES)) or variant.site == "machine"


def test_the_document_has_the_list_as_it_is() -> None:
    from docs.faults_table import DOCUMENT, written

    text = Path(DOCUMENT).read_text(encoding="utf-8")
    assert written(text) == text, "python -m docs.faults_table"
