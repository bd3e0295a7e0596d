"""Tells whether a file is still the one that an earlier run has read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from pipeline.errors import ConfigurationError
from pipeline.sources.location import StoredFile

HEAD = 64 << 10
"""So many bytes at the beginning are compared."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The stored size of a file (None where it is not known) and a hash of its first ``head`` bytes."""

    size: int | None
    head: int
    sha256: str

    @classmethod
    def of(cls, file: StoredFile, head: int = HEAD) -> Fingerprint:
        """The fingerprint of a file as it is now, over at most ``head`` bytes."""
        try:
            with file.open() as stream:
                data = stream.read(head)
        except OSError as error:
            raise ConfigurationError(f"{file.path}: cannot be read: {error.strerror or error}") from error
        return cls(file.size, len(data), hashlib.sha256(data).hexdigest())

    @classmethod
    def parse(cls, text: str) -> Fingerprint:
        """What ``str()`` of a fingerprint gave; anything more behind it is passed over."""
        size, head, sha256 = text.split()[:3]
        return cls(None if size == "-" else int(size), int(head), sha256)

    def __str__(self) -> str:
        return f"{'-' if self.size is None else self.size} {self.head} {self.sha256}"


def check_same(file: StoredFile, known: Fingerprint, where: str) -> None:
    """Raise :class:`ConfigurationError` unless the file is as it was, or has grown at its end."""
    advice = "give the file back that was read, or start over with --fresh"
    if file.size is not None and known.size is not None and file.size < known.size:
        raise ConfigurationError(
            f"{where}: {file.path} has {file.size:,} bytes, but had {known.size:,} when an earlier run "
            f"read it; {advice}"
        )
    if Fingerprint.of(file, known.head).sha256 != known.sha256:
        raise ConfigurationError(
            f"{where}: {file.path} begins otherwise than when an earlier run read it, so it is another file; "
            f"{advice}"
        )
