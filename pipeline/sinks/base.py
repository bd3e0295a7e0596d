"""What a sink is: it takes values with their ids, and tells which ids it has written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Literal

from pipeline.checkpoint import CheckpointStore
from pipeline.errors import SinkError
from pipeline.ids import Id, Ids

Guarantee = Literal["at least once", "exactly once"]


class RefusedRecords(Exception):  # noqa: N818 - a verdict on records; the sink itself is fine
    """Raised by :meth:`Sink.write` when it cannot take some values of the batch and wrote none of it.

    ``positions`` maps the position of each such value within the batch to the reason. The engine
    rejects these and calls :meth:`Sink.write` again with the others of the batch, at once.
    """

    def __init__(self, positions: Mapping[int, str]) -> None:
        super().__init__(f"{len(positions)} records refused")
        self.positions = dict(positions)


class Sink(ABC):
    """Where values end.

    The engine calls :meth:`check` and :meth:`open`, then :meth:`write` for one batch after another and
    at last :meth:`close`, all from one thread.
    """

    guarantee: ClassVar[Guarantee] = "at least once"

    name: str = "output"
    """What the sink is called in messages, such as ``sqlite out.db``."""

    folder: str | None = None
    """Where the sink writes, if it writes to local disk; dead letters go beside it."""

    encode: Callable[[list[Any]], Any] | None = None
    """Turns values into a payload, in a worker's thread, in slices of a batch. It must not
    change the sink. Where it raises, the engine finds the values at fault by calling it
    for each alone, and rejects them. None hands the values themselves to :meth:`write`."""

    may_refuse: ClassVar[bool] = True
    """Whether :meth:`write` may raise :class:`RefusedRecords` though :attr:`encode` is set. The engine
    then keeps the values until they are written, so that it can encode the others again."""

    def cut(self, payloads: list[Any], records: int) -> tuple[list[Any], list[Any]] | None:  # noqa: ARG002
        """The payloads of the first ``records`` values of a batch, and those of the others, so that a batch
        can be written record by record. Asked only where :attr:`may_refuse` is False, for then nobody has the
        values any more; None: such a batch is written whole."""
        return None

    waits: ClassVar[bool] = True
    """Whether writing may take long without the processor (a database, a network, a user's call).
    The engine then writes in a thread of its own."""

    commit_every_s: float = 0.1
    """The longest that a batch which the sink has waits for others to be committed with it. A sink whose
    commits are dear, such as a file each, takes longer, and says by :meth:`ready` when enough has come."""

    def check(self) -> None:
        """Raise :class:`~pipeline.errors.ConfigurationError` where writing cannot even begin."""
        return

    def open(self) -> None:
        """Make ready to write."""
        return

    resumes: ClassVar[bool] = False
    """Whether a later run can go on where a checkpoint says that this one stood: then
    :meth:`flush` and :meth:`resume` are defined, or :meth:`store` is."""

    def store(self, pipeline: str) -> CheckpointStore | None:  # noqa: ARG002
        """Where progress is kept in the same transaction as the rows; None: in a file of its own."""
        return None

    def ready(self) -> bool:
        """Whether there is enough for a commit now, before :attr:`commit_every_s` is over."""
        return False

    def flush(self) -> str | None:
        """Put everything written so far on the disk for good; returns a note for :meth:`resume`."""
        return None

    def resume(self, note: str) -> None:
        """Instead of :meth:`open`: go on where ``note`` was taken, and forget what came after it.

        Raises :class:`~pipeline.errors.SinkError` where that is no longer there.
        """
        raise SinkError(f"{self.name}: it cannot go on from {note!r}")

    @abstractmethod
    def write(self, ids: Ids, payloads: list[Any]) -> Iterable[Id]:
        """Write a batch for good and return the ids written, once for each time one was written.

        ``payloads`` are the values, one for each of ``ids`` (with :attr:`encode`: what it
        returned for each slice). Returning ``ids`` itself says that each was written once. Raises
        :class:`RefusedRecords` where some values cannot be written, and
        :class:`~pipeline.errors.SinkError` where none can be; nothing of the batch is written then.
        """

    def close(self) -> None:
        """Finish; called once, also after an error."""
        return
