from __future__ import annotations

from dataclasses import replace

from metrics.health import consequences
from metrics.snapshot import QueueState, Recent, StageState
from tests.metrics.made import stage


def row(name: str, *, blocked: float = 0.0, fill: tuple[float, ...] | None = None) -> StageState:
    queue = QueueState(9, 9, 9, 0) if fill is not None else None
    recent = Recent(10.0, 100, 0, None, 0.9 - blocked, 0.1, blocked)
    return replace(stage(name, queue=queue), queue_fill=fill or (), recent=recent)


def test_a_bottleneck_is_told_with_how_long_and_who_waits() -> None:
    stages = [
        row("ingestion", blocked=0.1),
        row("validation", blocked=0.6, fill=(0.0,) * 60),
        row("transform", fill=(0.2,) * 20 + (1.0,) * 40),
        row("output", fill=(0.0,) * 60),
    ]
    assert consequences("transform is the bottleneck: busy 97%, its queue is full", stages) == (
        "transform is the bottleneck: busy 97%, its queue is full for 40s; validation is blocked 60%"
    )


def test_in_a_chain_the_queue_is_that_before_its_first_stage() -> None:
    stages = [row("parse", fill=(1.0,) * 7), row("enrich"), row("output", fill=(0.0,) * 7)]
    words = "enrich is the bottleneck: busy 97%, its queue is full"
    assert consequences(words, stages) == f"{words} for 7s"


def test_reading_has_no_queue_of_its_own() -> None:
    words = "reading is the bottleneck: busy 97%, the queue after it is empty"
    assert consequences(words, [row("ingestion"), row("output", fill=(0.0,) * 60)]) == words
