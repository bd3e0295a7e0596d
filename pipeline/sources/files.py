"""Stored files as a source: a partition a file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import ClassVar, get_args

from pipeline.batch import Chunk, Decode
from pipeline.errors import ConfigurationError, InputError
from pipeline.sources import parquet
from pipeline.sources.base import PartitionSpec, Source
from pipeline.sources.compression import BLOCK, CODECS, Blocks, Codec, blocks, zip_member
from pipeline.sources.fingerprint import Fingerprint, check_same
from pipeline.sources.formats import (
    ENDINGS,
    MAX_RECORD_BYTES,
    BlockFormat,
    FormatName,
    TextOptions,
    format_name,
    guess,
    split_compression,
)
from pipeline.sources.location import Place, StoredFile, expand, is_url, partition_names
from pipeline.sources.text import plain_text, wide_bom

_HEAD = 64 << 10
_PARQUET_MAGIC = b"PAR1"


def files(
    pattern: Place | Sequence[Place],
    *,
    format: FormatName | None = None,
    name: str | None = None,
    encoding: str = "utf-8",
    null: str | Sequence[str] = "",
    delimiter: str | None = None,
    max_record_bytes: int = MAX_RECORD_BYTES,
    storage_options: Mapping[str, object] | None = None,
    follow: bool = False,
) -> Files:
    """Files that hold records, each file a partition.

    ``pattern`` is a path, a glob (``data/*.csv.gz``, ``**`` for folders within), a URL of any
    file system that fsspec has a driver for, or a list of these. ``format`` is told from the name
    (.jsonl .ndjson .json, .csv, .tsv, .txt .log, .parquet), as the compression is (.gz .zst .bz2 .xz,
    and .zip with one file in it).

    Args:
        name: the source's name in record ids; taken from the pattern where it is not given.
        encoding: of text; records that are not valid in it are rejected.
        null: cells of CSV and TSV that stand for None where the field can be None.
        delimiter: of CSV and TSV, one character.
        max_record_bytes: a longer record is rejected, and never held in memory.
        storage_options: what the fsspec driver takes, such as ``{"anon": True}``.
        follow: read on as lines are appended, as files come up and as they are rotated, until the run
            is stopped; for local files of plain text. A line counts once its line end is there.

    Raises:
        ConfigurationError: for an option or, in ``check()``, a file that cannot be read.
    """
    places = [pattern] if isinstance(pattern, (str, os.PathLike)) else list(pattern)
    if not places:
        raise ConfigurationError("files([]) names no file; give a path, a glob or a list of them")
    for place in places:
        if not isinstance(place, (str, os.PathLike)) or not os.fspath(place):
            raise ConfigurationError(f"files({place!r}): give a path, a glob or a URL as text")
    nulls = (null,) if isinstance(null, str) else tuple(null)
    options = TextOptions(encoding, nulls, delimiter, max_record_bytes)
    chosen = format_name(format) if format is not None else None
    remote = any(map(is_url, places))
    if follow and remote:
        raise ConfigurationError(f"files({pattern!r}, follow=True): only local files can be followed")
    kind = RemoteFiles if remote else Files
    if follow:
        from pipeline.sources.following import FollowedFiles

        kind = FollowedFiles
    return kind(places, name or _name_of(places[0]), chosen, options, storage_options or {})


class Files(Source):
    """Made by :func:`files`.

    Offsets count from 0: lines in JSON Lines and text, rows in CSV and Parquet.
    """

    blocking: ClassVar[bool] = False

    def __init__(
        self,
        places: Sequence[Place],
        name: str,
        format: FormatName | None,
        options: TextOptions,
        storage_options: Mapping[str, object],
    ) -> None:
        self.name = name
        self._places = places
        self._format = format
        self._options = options
        self._storage_options = storage_options
        self._files: dict[str, StoredFile] | None = None

    def check(self) -> None:
        self._files = partition_names(expand(self._places, self._storage_options))
        for file in self._files.values():
            self._check(file)

    def local_files(self) -> Sequence[Path]:
        return [Path(file.path) for file in self._by_name().values() if not file.remote]

    def partitions(self) -> Sequence[PartitionSpec]:
        return [
            PartitionSpec(
                name, parquet.check(file) if self._format_of(file)[0] == "parquet" else None, file.size
            )
            for name, file in self._by_name().items()
        ]

    def identify(self, partition: str, known: str | None) -> str:
        file = self._by_name()[partition]
        if known is not None:
            check_same(file, Fingerprint.parse(known), f"{self.name}/{partition}")
        return str(Fingerprint.of(file))

    def decoder(self, partition: str, schema: type | None) -> Decode | None:
        # Of most formats the file itself, which may be gone by now, need not be read for this.
        format = self._format or guess(split_compression(PurePath(partition).name)[0])
        known = self._text(format).plain_decoder(schema) if format not in (None, "parquet") else None
        return known if known is not None else super().decoder(partition, schema)

    def read(self, partition: str, start: int, schema: type | None) -> Iterator[Chunk]:
        by_name = self._by_name()
        if partition not in by_name:
            raise InputError(
                f"source {self.name!r} has no partition {partition!r} any more (it has "
                f"{', '.join(by_name)}); put the file back or start afresh"
            )
        file = by_name[partition]
        format, codec = self._format_of(file)
        if format == "parquet":
            return parquet.chunks(file, start, schema)
        return self._text(format).chunks(self._blocks(file, codec), start, schema, file.path)

    def _by_name(self) -> dict[str, StoredFile]:
        if self._files is None:
            self._files = partition_names(expand(self._places, self._storage_options))
        return self._files

    def _text(self, format: FormatName) -> BlockFormat:
        return self._options.format(format)

    def _blocks(self, file: StoredFile, codec: Codec | None, size: int = BLOCK) -> Blocks:
        return plain_text(blocks(file.open, codec, size), self._options.encoding)

    def _format_of(self, file: StoredFile) -> tuple[FormatName, Codec | None]:
        plain, codec = split_compression(PurePath(file.path).name)
        format = self._format or guess(plain)
        if format is None and codec is CODECS[".zip"]:
            with file.open() as stream:
                format = guess(zip_member(stream, file.path).filename)
        if format is None:
            raise ConfigurationError(
                f"{file.path}: the format cannot be told from the name; give files(..., format=) one of "
                f"{', '.join(get_args(FormatName))}, or let the name end in one of {', '.join(ENDINGS)} "
                f"(and then {', '.join(CODECS)} where it is compressed)"
            )
        if format == "parquet" and codec is not None:
            raise ConfigurationError(
                f"{file.path}: Parquet is compressed within; unpack the {codec.name} around it"
            )
        return format, codec

    def _check(self, file: StoredFile) -> None:
        format, codec = self._format_of(file)
        try:
            with file.open() as stream:
                head = stream.read(_HEAD)
        except Exception as exc:  # drivers of remote files raise errors of their own
            raise ConfigurationError(f"{file.path} cannot be read: {type(exc).__name__}: {exc}") from exc
        if not head:
            return
        _check_magic(file.path, head, format, codec)
        if format == "parquet":
            parquet.check(file)
            return
        if codec is CODECS[".zip"]:
            with file.open() as stream:
                zip_member(stream, file.path)
        given_away = wide_bom(head) if codec is None else None
        if given_away and not self._options.encoding.startswith(given_away):
            raise ConfigurationError(
                f"{file.path} begins with the byte order mark of {given_away}; give "
                f"files(..., encoding={given_away!r})"
            )
        self._text(format).check(self._blocks(file, codec, _HEAD), file.path)


class RemoteFiles(Files):
    """Files of which some are behind a network, so that reading may wait."""

    blocking: ClassVar[bool] = True


def _check_magic(path: str, head: bytes, format: FormatName, codec: Codec | None) -> None:
    if codec is not None:
        if not head.startswith(codec.magic):
            raise ConfigurationError(
                f"{path} is not {codec.name}: it begins with {head[:8]!r}; if it is not compressed, rename "
                f"it without {PurePath(path).suffix}"
            )
        if codec.new is not None:
            codec.new()
        return
    if format != "parquet" and head.startswith(_PARQUET_MAGIC):
        raise ConfigurationError(f"{path} is a Parquet file, not {format}; give files(..., format='parquet')")
    for ending, other in CODECS.items():
        if format != "parquet" and len(other.magic[0]) > 1 and head.startswith(other.magic) and b"\0" in head:
            raise ConfigurationError(f"{path} is {other.name} data; let its name end in {ending}")


def _name_of(place: Place) -> str:
    """``orders`` for ``data/orders-*.jsonl.gz``; the folder's name where the file's is all pattern."""
    path = PurePath(os.fspath(place))
    plain, _ = split_compression(path.name)
    for part in (PurePath(plain).stem, *(parent.name for parent in path.parents)):
        name = re.sub(r"\[[^]]*\]|[*?]", "", part).strip("-_. :/")
        if name and name != "..":
            return name
    return Path.cwd().name or "files"
