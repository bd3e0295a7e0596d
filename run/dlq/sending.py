"""Dead letters sent through the pipeline as it is now: what the command and the screen have in common."""

from __future__ import annotations

from collections.abc import Sequence

from metrics.format import plural
from pipeline.checkpoint import CheckpointStore
from pipeline.dead_letters import adopt
from pipeline.errors import ConfigurationError
from pipeline.outputs import dead_letter_path
from pipeline.pipeline import Pipeline
from pipeline.replay import Replay
from pipeline.selection import select

_IDS_NAMED = 3


def prepared(pipeline: Pipeline, store: CheckpointStore, ids: Sequence[str]) -> Replay | None:
    """What a session needs to send these dead letters again, without ``ids`` all; None where there are none.

    Raises :class:`~pipeline.errors.ConfigurationError`.
    """
    checkpoint = store.load()
    if checkpoint is None:
        raise ConfigurationError(
            f"{store.name}: no run of {pipeline.name!r} kept progress there, so there is nothing to replay"
        )
    path = dead_letter_path(pipeline)
    adopt(path, checkpoint.generation)
    selection = select(path, checkpoint.dead_letters, checkpoint.partitions, ids)
    return Replay(pipeline, checkpoint, selection) if selection.selected else None


def told(replay: Replay) -> tuple[str, ...]:
    """What became of them, in one sentence or two."""
    selection, left = replay.selection, replay.letters.left
    sent = plural(selection.selected, "dead letter")
    gone = selection.letters - left
    said = [f"Replayed {sent}: {gone:,} came off the list, {left:,} left on it."]
    unreachable = replay.out_of_reach
    if unreachable:
        names = ", ".join(unreachable[:_IDS_NAMED])
        more = f" and {len(unreachable) - _IDS_NAMED:,} more" if len(unreachable) > _IDS_NAMED else ""
        said.append(
            f"{plural(len(unreachable), 'record')} could not be sent, since neither the dead letter nor the "
            f"source has the whole of it any more: {names}{more}"
        )
    return tuple(said)
