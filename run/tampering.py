"""Faults in one run: those that were ordered on the command line or live, and those of a benchmark.

A benchmark that wants to know whether a fault is found must not tell who looks for it. It writes what is to
be put in to a file, sealed, and names the file in ``PIPELINE_MONITOR_CONTEXT``. Every run that is started
with it, also by a diagnosis in child processes, then has the faults, and says nothing of them in any snapshot
or report.
"""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from metrics.snapshot import FaultState
from pipeline.clock import Clock
from pipeline.engine import Engine
from pipeline.errors import ConfigurationError
from pipeline.events import StageInfo
from pipeline.faults import catalogue
from pipeline.faults.injector import Injection, Injector
from pipeline.faults.order import COMMON, Order, parse, places
from pipeline.pipeline import INGESTION, OUTPUT, Pipeline
from pipeline.threads import spawn_detached
from run.live import FaultChoice

VARIABLE = "PIPELINE_MONITOR_CONTEXT"


class Tampering:
    """The faults of a run. Safe to use from any thread."""

    def __init__(self, engine: Engine, clock: Clock, texts: Sequence[str]) -> None:
        """``texts`` are to be put in when the run starts. Raises ConfigurationError."""
        self._clock = clock
        self._stages = engine.stages
        self._injector = Injector(engine, clock, spawn_detached)
        self._ordered = [(self._injector.parse(text), True) for text in texts]
        self._ordered += [(self._injector.parse(text), False) for text in unsealed(os.environ)]
        self._began_at = clock.monotonic()
        self._states: tuple[FaultState, ...] = ()

    def begin(self) -> None:
        """The run starts now; what is to be in from the start is in before the first batch."""
        self._began_at = self._clock.monotonic()
        for order, recorded in self._ordered:
            self._injector.add(order, recorded=recorded)

    def add(self, text: str) -> None:
        """Put one in while the run goes on. Raises ConfigurationError."""
        self._injector.add(self._injector.parse(text))

    def lift(self) -> None:
        """Take out everything that was ordered openly."""
        self._injector.lift([each for each in self._injector.injections if each.recorded])

    def stop_waiting(self) -> None:
        """The run is to end at once."""
        self._injector.stop_waiting()

    def finish(self) -> None:
        """The run is over."""
        self._injector.finish()

    def states(self) -> tuple[FaultState, ...]:
        """What was put in so far, the oldest first; the same object while nothing changed."""
        states = tuple(
            self._state(each)
            for each in list(self._injector.injections)
            if each.recorded and each.put_in_at is not None
        )
        if states != self._states:
            self._states = states
        return self._states

    def choices(self) -> tuple[FaultChoice, ...]:
        """What can be put in, and where."""
        return choices(self._stages)

    def _state(self, injection: Injection) -> FaultState:
        order = injection.order
        assert injection.put_in_at is not None
        lifted = injection.lifted_at
        return FaultState(
            order.variant.name,
            order.stage,
            order.params,
            max(0.0, injection.put_in_at - self._began_at),
            None if lifted is None else max(0.0, lifted - self._began_at),
            order.variant.symptom,
        )


def choices(stages: Sequence[StageInfo]) -> tuple[FaultChoice, ...]:
    """All faults, with the stages among these at which each can be put in."""
    return tuple(
        FaultChoice(
            variant.name,
            variant.help,
            variant.symptom,
            tuple((name, default) for name, default in _params(variant.name)),
            places(variant, stages),
        )
        for variant in catalogue.VARIANTS
    )


def _params(name: str) -> list[tuple[str, str]]:
    variant = catalogue.find(name)
    assert variant is not None
    own = [(param.name, f"{param.default:g}") for param in variant.params]
    return own + [(name, default) for name, default, _ in COMMON]


def declared(pipeline: Pipeline) -> tuple[StageInfo, ...]:
    """The stages of a pipeline that no engine was made for yet."""
    own = [StageInfo(spec.name, spec.kind, spec.workers, chained=False) for spec in pipeline.stages]
    ends = StageInfo(INGESTION, "ingestion", 1, chained=False), StageInfo(OUTPUT, "output", 1, chained=False)
    return ends[0], *own, ends[1]


def check(pipeline: Pipeline, texts: Sequence[str]) -> list[Order]:
    """Read orders before anything is opened or thrown away. Raises ConfigurationError."""
    return [parse(text, declared(pipeline)) for text in texts]


def sealed(texts: Sequence[str]) -> str:
    """What to write to the file that :data:`VARIABLE` names: nothing in it can be read at a glance."""
    return base64.b85encode(zlib.compress(json.dumps(list(texts)).encode())).decode()


def unsealed(environment: Mapping[str, str]) -> list[str]:
    """What the file that :data:`VARIABLE` names asks for; nothing where it is not set. Raises
    ConfigurationError."""
    name = environment.get(VARIABLE)
    if not name:
        return []
    try:
        texts = json.loads(zlib.decompress(base64.b85decode(Path(name).read_text(encoding="ascii").strip())))
        return [str(text) for text in texts]
    except (OSError, ValueError, zlib.error) as error:
        raise ConfigurationError(f"{VARIABLE}={name}: cannot be read: {error}") from None
