"""Thresholds, as given to ``--fail-if``: ``p95(transform)>200ms`` and the like.

    MEASURE[(STAGE)] OP NUMBER[UNIT]        OP is one of > >= < <= == !=

The measures and their units are in :mod:`metrics.definitions.measures`. A number without a unit is in the
measure's own: milliseconds for latencies, seconds for the duration, bytes, records a second.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NoReturn

from metrics.definitions.measures import MEASURES, SHARE, Measure, Unit, Value
from metrics.format import number
from metrics.snapshot import Snapshot
from pipeline.errors import ConfigurationError

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
_MEASURE = re.compile(r"\s*([A-Za-z_]\w*)\s*")
_STAGE = re.compile(r"\(([^()]*)\)\s*")
_OPERATOR = re.compile(r"(>=|<=|==|!=|>|<)\s*")
_NUMBER = re.compile(r"[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class ThresholdResult:
    """What became of a threshold. ``value`` is in the unit of the JSON report, None if not known."""

    expr: str
    value: float | None
    passed: bool
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Threshold:
    """A condition under which a run is no good. ``limit`` is in the measure's first unit."""

    expr: str
    measure: str
    stage: str | None
    op: str
    limit: float

    def evaluate(self, snapshot: Snapshot) -> ThresholdResult:
        """Hold the run against the threshold.

        One that cannot be measured (no such stage, nothing taken in, too short a run for a slope)
        does not pass: a gate that says nothing must not look like one that is open.
        """
        value = self._value(snapshot)
        if value is None or not math.isfinite(value):
            return ThresholdResult(self.expr, None, False, f"{self.expr} could not be measured")
        if not _OPERATORS[self.op](value, self.limit):
            return ThresholdResult(self.expr, value, True)
        unit = MEASURES[self.measure].unit.name
        of = f" of {self.stage}" if self.stage is not None else ""
        problem = f"{self.expr}: {self.measure}{of} is {number(value)}{' ' if unit else ''}{unit}"
        return ThresholdResult(self.expr, value, False, problem)

    def _value(self, snapshot: Snapshot) -> Value:
        measure = MEASURES[self.measure]
        if self.stage is None:
            return measure.of_run(snapshot) if measure.of_run else None
        for stage in snapshot.stages:
            if stage.name.casefold() == self.stage.casefold():
                return measure.of_stage(stage) if measure.of_stage else None
        return None


def parse(text: str, stages: Sequence[str] | None = None) -> Threshold:
    """The threshold that ``text`` says; ``stages`` are the names that exist, where they are known.

    Raises :class:`~pipeline.errors.ConfigurationError`, with the place of the mistake marked.
    """
    return _Parser(text, stages).threshold()


class _Parser:
    def __init__(self, text: str, stages: Sequence[str] | None) -> None:
        self._text = text
        self._stages = stages
        self._at = 0

    def threshold(self) -> Threshold:
        name, measure = self._measure()
        stage = self._stage(name, measure)
        op = self._operator(stage is None and measure.of_stage is not None)
        limit = self._limit(name, measure)
        return Threshold(self._text.strip(), name, stage, op, limit)

    def _measure(self) -> tuple[str, Measure]:
        found = _MEASURE.match(self._text)
        if found is None:
            self._wrong("a threshold begins with a measure", hint=_one_of(MEASURES))
        name = found[1].lower()
        if name not in MEASURES:
            self._at = found.start(1)
            self._wrong(f"there is no measure {found[1]!r}", len(found[1]), _suggest(name, MEASURES))
        self._at = found.end()
        return name, MEASURES[name]

    def _stage(self, name: str, measure: Measure) -> str | None:
        found = _STAGE.match(self._text, self._at)
        if found is None:
            if measure.of_run is None:
                self._wrong(f"{name} is a number of one stage", hint=f"name the stage: {name}(STAGE)")
            return None
        width = found.end(1) - found.start()
        if measure.of_stage is None:
            self._wrong(
                f"{name} is a number of the whole run, not of a stage", width + 1, f"write {name} alone"
            )
        stage = found[1].strip()
        if self._stages is not None:
            names = {known.casefold(): known for known in self._stages}
            if stage.casefold() not in names:
                self._at = found.start(1)
                self._wrong(f"there is no stage {stage!r}", width - 1, _suggest(stage.casefold(), names))
            stage = names[stage.casefold()]
        elif not stage:
            self._wrong("the stage's name is missing", width + 1, f"write {name}(STAGE)")
        self._at = found.end()
        return stage

    def _operator(self, may_name_stage: bool) -> str:
        found = _OPERATOR.match(self._text, self._at)
        if found is None:
            self._wrong(
                "a comparison is missing here" + (", or a stage in parentheses" if may_name_stage else ""),
                hint=_one_of(_OPERATORS),
            )
        self._at = found.end()
        return found[1]

    def _limit(self, name: str, measure: Measure) -> float:
        found = _NUMBER.match(self._text, self._at)
        if found is None:
            self._wrong("a number is missing here", hint=f"write {name}>{measure.unit.example}")
        start, self._at = self._at, found.end()
        units = {unit.casefold(): factor for unit, factor in measure.unit.factors.items()}
        written = self._text[self._at :].strip()
        self._at += len(self._text[self._at :]) - len(self._text[self._at :].lstrip())
        if written and written.casefold() not in units:
            self._wrong(f"{name} cannot be given in {written!r}", len(written), _units(measure.unit))
        factor = units[written.casefold()] if written else 1.0
        limit = float(found[0].replace("_", "")) * factor
        if not math.isfinite(limit):
            self._at = start
            self._wrong("this number is too large", len(found[0]), "use a smaller one")
        if measure.unit is SHARE and limit > 1:
            self._at = start
            self._wrong(
                f"{name} is a share and never above 1",
                len(found[0]),
                f"write {number(float(found[0]))}% for percent",
            )
        return limit

    def _wrong(self, what: str, width: int = 1, hint: str = "") -> NoReturn:
        shown = self._text.replace("\n", " ").replace("\t", " ")
        caret = " " * self._at + "^" * max(1, width)
        raise ConfigurationError(f"--fail-if: {what}; {hint}\n  {shown}\n  {caret}")


def _suggest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    return (f"did you mean {close[0]!r}? " if close else "") + _one_of(names)


def _one_of(names: Iterable[str]) -> str:
    return "it is one of: " + ", ".join(names)


def _units(unit: Unit) -> str:
    named = [name for name in unit.factors if name]
    return "use one of: " + ", ".join(named) if named else "it is a plain number"
