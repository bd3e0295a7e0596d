"""The dead letters of a run: every rejected record with its reason, as JSON Lines."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import msgspec

from pipeline.batch import Partition, Rejection
from pipeline.errors import ConfigurationError, InputError
from pipeline.sinks.fields import to_encodable
from pipeline.sinks.output_file import OutputFile, PathLike, check_writable, sync_folder, write_failed

OWNER = "dead letters"

Form = Literal["bytes", "value", "shown"]


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the file.

    ``id`` is ``SOURCE/PARTITION:OFFSET``. What the source read is ``original``: text where it was UTF-8
    bytes or text, another JSON value where it was no bytes, None where it was bytes in no UTF-8; those are
    ``original_base64``. ``value`` is what the stage was given, where that was something else. Of a value that
    JSON cannot hold it is Python's repr; NaN and infinities are null.

    ``form`` tells what the original is: the ``bytes`` of the record, its ``value`` exactly, or something that
    is only ``shown``: a head, a repr, what a stage made of it. ``stands_for`` names the records that were
    merged into this one and have no line of their own.
    """

    id: str
    stage: str
    reason: str
    attempts: int = 1
    original: Any = None
    original_base64: str | None = None
    form: Form = "shown"
    stands_for: tuple[str, ...] = ()
    value: Any = None
    traceback: str | None = None

    @property
    def raw(self) -> Any:
        """The original; as bytes where it was bytes in no UTF-8."""
        return self.original if self.original_base64 is None else base64.b64decode(self.original_base64)

    @property
    def as_read(self) -> Any:
        """The original as the source gave it: bytes where it was bytes."""
        raw = self.raw
        return raw.encode() if self.form == "bytes" and isinstance(raw, str) else raw


class DeadLetters:
    """Writes the rejected records of a run. No file is made while there are none.

    Used from one thread. Whatever a record holds, it is written; only the file itself can fail,
    with :class:`~pipeline.errors.SinkError`.
    """

    def __init__(self, path: PathLike) -> None:
        self.path = Path(path)
        self.written = 0
        """How many were written."""
        self.generation = 0
        """How often the file was replaced, see :class:`~pipeline.checkpoint.Checkpoint`."""
        self._file: OutputFile | None = None
        self._encode = msgspec.json.Encoder(enc_hook=to_encodable).encode

    def check(self) -> None:
        """Raise :class:`ConfigurationError` where the file could not be written; create nothing."""
        check_writable(self.path, OWNER)

    def open(self) -> None:
        """Remove the file of an earlier run."""
        self.close()
        self.written = 0
        try:
            for path in (self.path, *_replacements(self.path)):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise write_failed(OWNER, self.path, error) from error

    def resume(self, length: int, generation: int) -> None:
        """Go on with the file of an earlier run, that had ``length`` bytes and was replaced so often."""
        self.generation = generation
        adopt(self.path, generation)
        if length == 0:
            self.open()
            return
        file = OutputFile(self.path, OWNER, compress=False)
        file.resume(length)
        self._file = file

    def flush(self) -> int:
        """Put what was written on the disk; returns the file's length in bytes."""
        return self._file.flush() if self._file is not None else 0

    def write(self, partition: Partition, rejections: Sequence[Rejection]) -> None:
        """Append the rejections, all or none; they are with the operating system when this returns."""
        if not rejections:
            return
        lines = [self.line(partition, rejection) for rejection in rejections]
        if self._file is None:
            file = OutputFile(self.path, OWNER, compress=False)
            file.open()
            self._file = file
        self._file.append(b"\n".join(lines) + b"\n")
        self.written += len(rejections)

    def committed(self) -> None:
        """The checkpoint that names what :meth:`flush` returned is stored."""
        return

    def close(self) -> None:
        """Close the file; may be called again."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def line(self, partition: Partition, rejection: Rejection) -> bytes:
        """A rejection as a line of the file, without its end."""
        line: dict[str, Any] = {
            "id": partition.record(rejection.id),
            "stage": rejection.stage,
            "reason": rejection.reason,
            "attempts": rejection.attempts,
        }
        original = rejection.original
        if isinstance(original, bytes | bytearray | memoryview):
            original = bytes(original)
            form: Form = "bytes"
            try:
                line["original"] = original.decode()
            except UnicodeDecodeError:
                line["original_base64"] = base64.b64encode(original).decode()
        else:
            form = "value" if rejection.whole and self._is_exact(original) else "shown"
            line["original"] = original
        line["form"] = form if rejection.whole else "shown"
        if rejection.stands_for:
            line["stands_for"] = rejection.stands_for
        line["value"] = rejection.value
        line["traceback"] = rejection.traceback
        try:
            return self._encode(line)
        except Exception:  # noqa: BLE001 - a value may raise anything when it is looked into
            return self._encode({name: self._encodable(part) for name, part in line.items()})

    def _is_exact(self, value: object) -> bool:
        """Whether JSON gives the value back as it was."""
        try:
            return bool(msgspec.json.decode(self._encode(value)) == value)
        except Exception:  # noqa: BLE001 - a value may raise anything when it is looked into
            return False

    def _encodable(self, part: object) -> object:
        """The part itself where JSON can hold it, else a text that shows it."""
        try:
            return msgspec.Raw(self._encode(part))
        except Exception:  # noqa: BLE001 - as above
            text = part if isinstance(part, str) else _repr(part)
            return text.encode("utf-8", "backslashreplace").decode()


def replacement(path: Path, generation: int) -> Path:
    """Where a new generation of a file of dead letters is written before it takes the file's place."""
    return path.with_name(f"{path.name}.replayed-{generation}")


def current(path: Path, generation: int) -> Path:
    """The file of this generation: after a crash it may not have taken its place yet."""
    new = replacement(path, generation)
    return new if new.exists() else path


def adopt(path: Path, generation: int) -> None:
    """Let the file of this generation take its place, and remove one that no checkpoint names.

    Raises SinkError.
    """
    try:
        new = replacement(path, generation)
        if new.exists():
            new.replace(path)
            sync_folder(path.parent)
        for left in _replacements(path):
            left.unlink(missing_ok=True)
    except OSError as error:
        raise write_failed(OWNER, path, error) from error


def _replacements(path: Path) -> list[Path]:
    with suppress(OSError):
        names = os.listdir(path.parent)  # noqa: PTH208 - the names only
        return [path.with_name(name) for name in names if name.startswith(f"{path.name}.replayed-")]
    return []


def read(path: PathLike, length: int | None = None) -> Iterator[DeadLetter]:
    """The dead letters in a file, in order; with ``length`` those in its first bytes. See :func:`placed`."""
    return (letter for _, letter in placed(path, length))


def placed(path: PathLike, length: int | None = None) -> Iterator[tuple[int, DeadLetter]]:
    """The dead letters in a file, in order, each with the position in bytes at which its line begins.

    A last line that was cut off by a crash is left out. Raises
    :class:`~pipeline.errors.ConfigurationError` where there is no such file and
    :class:`~pipeline.errors.InputError` at a line that is no dead letter.
    """
    decode = msgspec.json.Decoder(DeadLetter).decode
    try:
        with Path(path).open("rb") as file:
            begin = end = 0
            for number, line in enumerate(file, 1):
                begin, end = end, end + len(line)
                if length is not None and end > length:
                    return
                try:
                    yield begin, decode(line)
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
