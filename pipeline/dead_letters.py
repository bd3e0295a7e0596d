"""The dead letters of a run: every rejected record with its reason, as JSON Lines."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from pipeline.batch import Partition, Rejection
from pipeline.errors import ConfigurationError, InputError
from pipeline.sinks.fields import to_encodable
from pipeline.sinks.output_file import OutputFile, PathLike, check_writable, write_failed

_OWNER = "dead letters"


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the file.

    ``id`` is ``SOURCE/PARTITION:OFFSET``. What the source read is ``original``: text where it was UTF-8
    bytes or text, another JSON value where it was no bytes, None where it was bytes in no UTF-8; those are
    ``original_base64``. ``value`` is what the stage was given, where that was something else. Of a value that
    JSON cannot hold it is Python's repr; NaN and infinities are null.
    """

    id: str
    stage: str
    reason: str
    attempts: int = 1
    original: Any = None
    original_base64: str | None = None
    value: Any = None
    traceback: str | None = None

    @property
    def raw(self) -> Any:
        """The original; as bytes where it was bytes in no UTF-8."""
        return self.original if self.original_base64 is None else base64.b64decode(self.original_base64)


class DeadLetters:
    """Writes the rejected records of a run. No file is made while there are none.

    Used from one thread. Whatever a record holds, it is written; only the file itself can fail,
    with :class:`~pipeline.errors.SinkError`.
    """

    def __init__(self, path: PathLike) -> None:
        self.path = Path(path)
        self.written = 0
        """How many there are in the file."""
        self._file: OutputFile | None = None
        self._encode = msgspec.json.Encoder(enc_hook=to_encodable).encode

    def check(self) -> None:
        """Raise :class:`ConfigurationError` where the file could not be written; create nothing."""
        check_writable(self.path, _OWNER)

    def open(self) -> None:
        """Remove the file of an earlier run."""
        self.close()
        self.written = 0
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise write_failed(_OWNER, self.path, error) from error

    def resume(self, length: int) -> None:
        """Go on with the file of an earlier run, that had ``length`` bytes."""
        if length == 0:
            self.open()
            return
        file = OutputFile(self.path, _OWNER, compress=False)
        file.resume(length)
        self._file = file

    def flush(self) -> int:
        """Put what was written on the disk; returns the file's length in bytes."""
        return self._file.flush() if self._file is not None else 0

    def write(self, partition: Partition, rejections: Sequence[Rejection]) -> None:
        """Append the rejections, all or none; they are with the operating system when this returns."""
        if not rejections:
            return
        lines = [self._line(partition, rejection) for rejection in rejections]
        if self._file is None:
            file = OutputFile(self.path, _OWNER, compress=False)
            file.open()
            self._file = file
        self._file.append(b"\n".join(lines) + b"\n")
        self.written += len(rejections)

    def close(self) -> None:
        """Close the file; may be called again."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _line(self, partition: Partition, rejection: Rejection) -> bytes:
        line: dict[str, Any] = {
            "id": partition.record(rejection.id),
            "stage": rejection.stage,
            "reason": rejection.reason,
            "attempts": rejection.attempts,
        }
        original = rejection.original
        if isinstance(original, bytes | bytearray | memoryview):
            original = bytes(original)
            try:
                line["original"] = original.decode()
            except UnicodeDecodeError:
                line["original_base64"] = base64.b64encode(original).decode()
        else:
            line["original"] = original
        line["value"] = rejection.value
        line["traceback"] = rejection.traceback
        try:
            return self._encode(line)
        except Exception:  # noqa: BLE001 - a value may raise anything when it is looked into
            return self._encode({name: self._encodable(part) for name, part in line.items()})

    def _encodable(self, part: object) -> object:
        """The part itself where JSON can hold it, else a text that shows it."""
        try:
            return msgspec.Raw(self._encode(part))
        except Exception:  # noqa: BLE001 - as above
            text = part if isinstance(part, str) else _repr(part)
            return text.encode("utf-8", "backslashreplace").decode()


def read(path: PathLike) -> Iterator[DeadLetter]:
    """The dead letters in a file, in order.

    A last line that was cut off by a crash is left out. Raises
    :class:`~pipeline.errors.ConfigurationError` where there is no such file and
    :class:`~pipeline.errors.InputError` at a line that is no dead letter.
    """
    decode = msgspec.json.Decoder(DeadLetter).decode
    try:
        with Path(path).open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield decode(line)
                except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                    if not line.endswith(b"\n"):
                        return
                    raise InputError(f"{path}, line {number}: not a dead letter: {error}") from error
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"dead letters: there is no file {path}; a run that rejects nothing writes none"
        ) from error
    except OSError as error:
        raise InputError(f"dead letters: cannot read {path}: {error.strerror}") from error


def _repr(part: object) -> str:
    try:
        return repr(part)
    except Exception:  # noqa: BLE001 - as above
        return f"<{type(part).__qualname__} that cannot be shown>"
