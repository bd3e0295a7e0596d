"""What is diagnosed: injected faults, bugs written by hand, sound pipelines, two faults; and how it is split.

The split is by variant and by shape of pipeline, never by seed: ``development`` for choosing numbers,
``calibration`` for tempering, ``held_out`` for the figures that are told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.faults import catalogue

HERE = Path(__file__).resolve().parent
Part = Literal["development", "calibration", "held_out"]
PARTS: tuple[Part, ...] = ("development", "calibration", "held_out")

SHAPES = {
    "waiting": ("check", "look_up", "cents"),
    "computing": ("slim", "digest", "label"),
    "stateful": ("slim", "Smooth", "rounded"),
    "fan_out": ("check", "lines"),
}

CAUSES = {
    "lookalike.slow_sink": "slow_sink",
    "lookalike.gc_storm": "gc_pause",
    "lookalike.busy_neighbour": "noisy_neighbour",
    "lookalike.input_drift": "input_drift",
    "lookalike.poison_record": "poison_record",
    "lookalike.full_disk": "disk_full",
    "lookalike.deadlock": "deadlock",
    "lookalike.dead_worker": "dead_worker",
    "lookalike.warm_up": "healthy",
    "lookalike.burst": "healthy",
}
"""By fault, the cause that is right; a warm-up and a burst are no trouble."""

SOUND_TOO = ("warm_up",)
"""Names for it that are right as well where nothing is wrong."""

BY_HAND: dict[str, tuple[str, str | None, int | None]] = {
    "last_batch_never_flushed": ("batching", "Packets", 17),
    "item_after_full_is_dropped": ("batching", "Packets", 17),
    "handler_per_batch": ("handles", "note", 15),
    "cached_method": ("leak", "price", 15),
    "mutable_default": ("shared_state", "review", 9),
    "shared_template": ("shared_state", "Message", 16),
    "reused_buffer": ("shared_state", "rows", 18),
    "check_then_act": ("race", "greet", 26),
    "lost_update": ("race", "sell", 25),
    "double_checked_init": ("race", "convert", 24),
    "wall_clock_timeout": ("clock", "Sessions", 21),
    "deadline_from_start": ("clock", "enrich", 14),
    "pipe_never_closed": ("handles", "check", 14),
    "socket_per_record": ("handles", "send", 14),
    "thread_per_batch": ("handles", "book", 19),
    "seen_set": ("leak", "unique", 15),
    "history_list": ("leak", "Convert", 18),
    "chunk_bounds": ("batching", "Chunks", 14),
    "header_skipped": ("batching", "Body", 12),
    "wrong_count": ("batching", "steps", 16),
    "format_changes": ("input_drift", "parse", 19),
    "worker_dies": ("dead_worker", "ask", 17),
}
"""By file: the cause, the stage, the line at fault (within three of it counts)."""

AND_TOO = {"check_then_act": ("leak",), "lost_update": ("leak",)}
"""What else is right to find there: sets that only grow, by which the bug is noticed."""

SOUND = ("burst", "bounded_cache", "many_users", "new_mix", "collecting", "many_sources")

TWO = (
    ("leak.dict", "batching.off_by_one"),
    ("leak.registry", "handles.file"),
    ("shared_state.buffer", "handles.pipe"),
    ("batching.overlap", "leak.deque"),
    ("race.slot", "leak.closure"),
)


@dataclass(frozen=True, slots=True)
class Sick:
    """A case. ``causes`` is the set that is right; empty where nothing is wrong."""

    name: str
    kind: Literal["fault", "by_hand", "sound", "two"]
    part: Part
    file: Path
    faults: tuple[str, ...]
    causes: frozenset[str]
    stage: str | None
    line: int | None


def cases(*, quick: bool) -> list[Sick]:
    """All of them, or a sample that takes about ten minutes."""
    found = [*_faults(), *_by_hand(), *_sound(), *_two()]
    if not quick:
        return found
    return [each for place, each in enumerate(found) if each.kind != "fault" or place % 6 == 0][::2]


def _faults() -> Iterator[Sick]:
    shapes = list(SHAPES)
    for number, variant in enumerate(each for each in catalogue.VARIANTS if _known(each.name)):
        for turn in range(2):
            shape = shapes[(number + turn * 2 + number // len(shapes)) % len(shapes)]
            if shape == "fan_out" and variant.family == "shared_state":
                # These change a number: here one stage gives lists, and behind the other nobody uses it.
                shape = "waiting"
            stages = SHAPES[shape]
            stage = stages[(number + turn) % len(stages)]
            intensity = ("medium", "high")[turn]
            site = variant.name
            place = "" if variant.family == "lookalike" or variant.name in _AT_OUTPUT else f"@{stage}"
            yield Sick(
                f"{variant.name}/{shape}/{intensity}",
                "fault",
                # By variant and shape: no pair of them is in two parts.
                PARTS[(number + turn) % 3],
                HERE / "shapes" / f"{shape}.py",
                (f"{site}{place},intensity={intensity}",),
                frozenset(_right(variant.name)),
                stage if place else None,
                None,
            )


_AT_OUTPUT = ("batching.short_write", "batching.write_twice")


def _known(name: str) -> bool:
    return not name.startswith("lookalike.") or name in CAUSES


def _right(name: str) -> list[str]:
    cause = CAUSES.get(name, name.partition(".")[0])
    return [] if cause == "healthy" else [cause]


def _by_hand() -> Iterator[Sick]:
    for number, (name, (cause, stage, line)) in enumerate(BY_HAND.items()):
        yield Sick(
            f"by hand/{name}",
            "by_hand",
            PARTS[number % 3],
            HERE / "bugs" / f"{name}.py",
            (),
            frozenset({cause, *AND_TOO.get(name, ())}),
            stage,
            line,
        )


def _sound() -> Iterator[Sick]:
    shapes = [HERE / "shapes" / f"{shape}.py" for shape in SHAPES]
    files = [*(HERE / "sound" / f"{name}.py" for name in SOUND), *shapes]
    for number, file in enumerate(files):
        yield Sick(f"sound/{file.stem}", "sound", PARTS[number % 3], file, (), frozenset(), None, None)


def _two() -> Iterator[Sick]:
    shapes = list(SHAPES)
    for number, (one, other) in enumerate(TWO):
        shape = shapes[number % len(shapes)]
        first, *_, last = SHAPES[shape]
        yield Sick(
            f"two/{one}+{other}/{shape}",
            "two",
            PARTS[number % 3],
            HERE / "shapes" / f"{shape}.py",
            (f"{one}@{first}", f"{other}@{last}"),
            frozenset({*_right(one), *_right(other)}),
            None,
            None,
        )
