"""Reads ``NAME[@STAGE][,KEY=VALUE...]``: which fault, where, when, and how much of it."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.errors import ConfigurationError
from pipeline.events import StageInfo
from pipeline.faults import catalogue
from pipeline.faults.spec import INTENSITIES, Param, Value, Variant

_UNITS = {"": 1.0, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}
_TIME = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)")

COMMON = (
    ("intensity", "medium", "low, medium or high: values for all parameters that are not given"),
    (
        "after",
        "0s",
        "seconds from the start of the run, or from now in a run that goes on, until it is put in",
    ),
    ("for", "the rest of the run", "seconds until it is lifted"),
    ("seed", "0", "of its random choices"),
)
"""Parameters that every fault has: name, default, meaning."""


@dataclass(frozen=True, slots=True)
class Order:
    """A fault that is to be put in. Times are seconds; ``lasts`` is None for the rest of the run."""

    variant: Variant
    stage: str | None
    values: tuple[tuple[str, Value], ...]
    seed: int = 0
    after: float = 0.0
    lasts: float | None = None
    intensity: str = "medium"

    @property
    def params(self) -> tuple[tuple[str, str], ...]:
        """All parameters as text."""
        found = [("intensity", self.intensity), *((name, f"{value:g}") for name, value in self.values)]
        found.append(("seed", str(self.seed)))
        if self.after:
            found.append(("after", f"{self.after:g}s"))
        if self.lasts is not None:
            found.append(("for", f"{self.lasts:g}s"))
        return tuple(found)


def places(variant: Variant, stages: Sequence[StageInfo]) -> tuple[str, ...]:
    """The stages that a fault can be put in at."""
    match variant.site:
        case "record" | "batch":
            return tuple(each.name for each in stages if each.kind in ("function", "batch", "stateful"))
        case "sink" | "queue":
            return tuple(each.name for each in stages if each.kind == "output")
        case "source" | "arrivals":
            return tuple(each.name for each in stages if each.kind == "ingestion")
        case "timer":
            return tuple(each.name for each in stages if each.kind != "output")
        case "machine":
            return ()


def parse(text: str, stages: Sequence[StageInfo]) -> Order:
    """The fault that ``text`` asks for, in a run of these stages.

    Without a stage it is the last of those that it can be put in at. Raises
    :class:`~pipeline.errors.ConfigurationError`, which says what is possible.
    """
    head, *rest = text.split(",")
    name, at, where = head.strip().partition("@")
    variant = _variant(text, name.strip())
    stage = _stage(text, variant, where.strip() if at else None, stages)
    given: dict[str, str] = {}
    known = [param.name for param in variant.params] + [name for name, _, _ in COMMON]
    for part in rest:
        key, equals, value = part.partition("=")
        key = key.strip().casefold()
        if not equals or not value.strip():
            raise _wrong(text, f"{part.strip()!r} is no KEY=VALUE", known)
        if key not in known:
            raise _wrong(text, f"{variant.name} has no parameter {key!r}", known, key)
        if key in given:
            raise _wrong(text, f"{key} is given twice", ())
        given[key] = value.strip()
    return _order(text, variant, stage, given)


def _order(text: str, variant: Variant, stage: str | None, given: dict[str, str]) -> Order:
    intensity = given.pop("intensity", "medium").casefold()
    if intensity not in INTENSITIES:
        raise _wrong(text, f"there is no intensity {intensity!r}", INTENSITIES, intensity)
    values = variant.preset(intensity)
    seed = 0
    if "seed" in given:
        seed = int(_number(text, Param("seed", 0, "", least=-math.inf, most=math.inf), given.pop("seed")))
    after = _number(text, _TIMES["after"], given.pop("after")) if "after" in given else 0.0
    lasts = _number(text, _TIMES["for"], given.pop("for")) if "for" in given else None
    for param in variant.params:
        if param.name in given:
            values[param.name] = _number(text, param, given[param.name])
    return Order(variant, stage, tuple(values.items()), seed, after, lasts, intensity)


_TIMES = {
    "after": Param("after", 0, "", "seconds"),
    "for": Param("for", 0, "", "seconds", least=0.001),
}


def _variant(text: str, name: str) -> Variant:
    found = catalogue.find(name)
    if found is not None:
        return found
    names = [each.name for each in catalogue.VARIANTS]
    if not name:
        raise _wrong(text, "it begins with the name of a fault", ("leak.dict",))
    family = [each for each in names if each.partition(".")[0] == name.casefold()]
    if family:
        raise _wrong(text, f"{name!r} is a family of faults", family)
    near = difflib.get_close_matches(name.casefold(), names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "`faults` lists them all"
    raise ConfigurationError(f"--fault {text}: there is no fault {name!r}; {hint}")


def _stage(text: str, variant: Variant, where: str | None, stages: Sequence[StageInfo]) -> str | None:
    possible = places(variant, stages)
    if variant.site == "machine":
        if where is not None:
            raise _wrong(text, f"{variant.name} is beside the pipeline, at no stage: leave @{where} out", ())
        return None
    if not possible:
        raise _wrong(text, f"this pipeline has no stage at which {variant.name} can be put in", ())
    if where is None:
        return possible[-1]
    for name in possible:
        if name.casefold() == where.casefold():
            return name
    there = any(each.name.casefold() == where.casefold() for each in stages)
    what = f"{variant.name} cannot be put in at {where!r}" if there else f"there is no stage {where!r}"
    raise _wrong(text, what, possible, where)


def _number(text: str, param: Param, given: str) -> Value:
    value: Value
    try:
        if param.kind == "seconds":
            found = _TIME.fullmatch(given.casefold())
            if found is None or found[2] not in _UNITS:
                raise _wrong(text, f"{param.name}={given} is no time", ("10s", "500ms", "2min"))
            value = float(found[1]) * _UNITS[found[2]]
        elif param.kind == "share" and given.endswith("%"):
            value = float(given[:-1]) / 100
        elif param.kind == "whole":
            value = int(given)
        else:
            value = float(given)
    except ValueError:
        kind = "a whole number" if param.kind == "whole" else "a number"
        raise _wrong(text, f"{param.name}={given}: must be {kind}", ()) from None
    if not param.least <= value <= param.most:
        raise _wrong(text, f"{param.name}={given}: must be from {param.least:g} to {param.most:g}", ())
    return value


def _wrong(text: str, what: str, possible: Iterable[str], given: str | None = None) -> ConfigurationError:
    names = list(possible)
    near = difflib.get_close_matches(given, names, n=1) if given else []
    hint = f"; did you mean {near[0]!r}?" if near else ""
    listed = f"{hint or ';'} possible: {', '.join(names)}" if names else ""
    return ConfigurationError(f"--fault {text}: {what}{listed}")
