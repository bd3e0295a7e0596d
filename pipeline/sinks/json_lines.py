"""Values as JSON Lines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from pipeline.ids import Id, Ids
from pipeline.sinks.base import Sink
from pipeline.sinks.fields import to_encodable
from pipeline.sinks.output_file import OutputFile, PathLike


class JsonLinesSink(Sink):
    """One JSON value a line, of any kind of value. Times are ISO 8601, bytes Base64, NaN is null."""

    may_refuse = False
    waits = False
    guarantee = "exactly once"
    resumes = True

    def __init__(self, path: PathLike) -> None:
        self._file = OutputFile(path, "jsonl")
        self.path = self._file.path
        self.name = f"jsonl {self.path}"
        self.folder = str(self.path.parent)
        # The bound method itself: no Python frame between the worker and the encoder.
        self.encode = msgspec.json.Encoder(enc_hook=to_encodable).encode_lines

    def check(self) -> None:
        self._file.check()

    def open(self) -> None:
        self._file.open()

    def write(self, ids: Ids, payloads: list[Any]) -> Iterable[Id]:
        self._file.append(payloads[0] if len(payloads) == 1 else b"".join(payloads))
        return ids

    def cut(self, payloads: list[Any], records: int) -> tuple[list[Any], list[Any]]:
        lines = b"".join(payloads).splitlines(keepends=True)
        return [b"".join(lines[:records])], [b"".join(lines[records:])]

    def flush(self) -> str:
        return str(self._file.flush())

    def resume(self, note: str) -> None:
        self._file.resume(int(note))

    def close(self) -> None:
        self._file.close()


def jsonl(path: PathLike) -> JsonLinesSink:
    """Write JSON Lines to ``path``, compressed where it ends in ``.gz`` or ``.zst``."""
    return JsonLinesSink(path)
