"""Compressed files that break off or are damaged: all whole records before the break are kept."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from pipeline.sources import files
from pipeline.sources.compression import BLOCK
from tests.pipeline.sources.reading import COMPRESS, read

_STREAMS = [".gz", ".zst", ".bz2", ".xz"]


def _records(count: int) -> list[bytes]:
    rng = random.Random(5)
    return [json.dumps({"id": n, "noise": rng.getrandbits(200)}).encode() for n in range(count)]


@pytest.mark.parametrize("compression", _STREAMS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.999])
def test_a_truncated_file_gives_what_came_before_and_then_an_error(
    tmp_path: Path, compression: str, share: float
) -> None:
    lines = _records(20_000)
    stored = COMPRESS[compression](b"\n".join(lines) + b"\n")
    path = tmp_path / f"a.jsonl{compression}"
    path.write_bytes(stored[: int(len(stored) * share)])
    seen = read(files(path))
    assert seen.error is not None
    message = str(seen.error)
    assert str(path) in message
    assert "ends too early" in message
    assert f"{len(seen.values):,} whole records were read before it" in message
    assert "Get a whole copy" in message
    assert list(seen.values) == list(range(len(seen.values)))
    assert all(value["id"] == at for at, value in seen.values.items())
    torn = sorted(seen.reasons)
    assert torn in ([], [len(seen.values)])
    for at in torn:
        assert "the input ends inside this record" in seen.reasons[at]
        assert lines[at].startswith(seen.rejections[at].original)


def test_nothing_that_gzip_can_still_give_is_lost(tmp_path: Path) -> None:
    import zlib

    lines = _records(2_000)
    stored = COMPRESS[".gz"](b"\n".join(lines) + b"\n")
    cut = stored[: len(stored) // 2]
    plain = zlib.decompressobj(31).decompress(cut)
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(cut)
    seen = read(files(path))
    assert len(seen.values) == plain.count(b"\n")
    assert seen.rejections[len(seen.values)].original == plain.rsplit(b"\n", 1)[1]


@pytest.mark.parametrize("compression", _STREAMS)
def test_damage_in_the_middle_ends_reading_after_what_was_good(tmp_path: Path, compression: str) -> None:
    lines = _records(60_000 if compression == ".bz2" else 15_000)
    stored = bytearray(COMPRESS[compression](b"\n".join(lines) + b"\n"))
    middle = len(stored) // 2
    stored[middle : middle + 64] = bytes(64)
    path = tmp_path / f"a.jsonl{compression}"
    path.write_bytes(stored)
    seen = read(files(path))
    assert seen.error is not None
    assert str(path) in str(seen.error)
    good = sum(seen.values.get(at) == json.loads(line) for at, line in enumerate(lines))
    window = 900_000 if compression == ".bz2" else 128 << 10  # what the codec checks at once
    assert good > 0.5 * len(lines) - (window + BLOCK // 8) / 75


def test_damage_is_found_again_in_small_steps_so_that_nothing_decoded_is_lost(tmp_path: Path) -> None:
    first, second = _records(300), _records(600)[300:]
    good = COMPRESS[".gz"](b"\n".join(first) + b"\n")
    bad = bytearray(COMPRESS[".gz"](b"\n".join(second) + b"\n"))
    bad[-8:] = bytes(8)  # the checksum, which is only looked at when all has been decoded
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(good + bad)
    seen = read(files(path))
    assert "damaged" in str(seen.error)
    assert [value["id"] for value in seen.values.values()] == list(range(600))


@pytest.mark.parametrize("compression", _STREAMS)
def test_members_that_follow_one_another_are_one_file(tmp_path: Path, compression: str) -> None:
    lines = _records(50)
    path = tmp_path / f"a.jsonl{compression}"
    path.write_bytes(b"".join(COMPRESS[compression](line + b"\n") for line in lines))
    seen = read(files(path))
    assert seen.error is None
    assert [value["id"] for value in seen.values.values()] == list(range(50))


def test_a_torn_csv_row_of_several_lines_is_one_rejection(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    plain = b'x,y\n1,a\n2,"one\ntwo\nthr'
    import zlib

    packer = zlib.compressobj(wbits=31)
    path.write_bytes(packer.compress(plain) + packer.flush(zlib.Z_SYNC_FLUSH))
    seen = read(files(path))
    assert seen.values == {0: {"x": "1", "y": "a"}}
    assert seen.rejections[1].original == b'2,"one\ntwo\nthr'
    assert "the input ends inside this record" in seen.reasons[1]
    assert "1 whole records were read before it" in str(seen.error)


def test_a_resumed_read_of_a_broken_file_names_where_it_began(tmp_path: Path) -> None:
    stored = COMPRESS[".gz"](b"\n".join(_records(1000)))
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(stored[: len(stored) // 2])
    whole = read(files(path))
    resumed = read(files(path), start=100)
    assert resumed.values == {at: value for at, value in whole.values.items() if at >= 100}
    assert f"{len(resumed.values)} whole records were read from offset 100 on" in str(resumed.error)


def test_a_damaged_zip_member_is_an_error_that_counts_what_was_kept(tmp_path: Path) -> None:
    stored = bytearray(COMPRESS[".zip"](b"\n".join(_records(60_000)) + b"\n"))
    stored[len(stored) // 2 : len(stored) // 2 + 64] = bytes(64)
    path = tmp_path / "a.jsonl.zip"
    path.write_bytes(stored)
    seen = read(files(path))
    assert seen.values
    assert "zip data is damaged" in str(seen.error)


def test_bytes_after_the_compressed_data_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(COMPRESS[".gz"](b'{"a":1}\n') + b"\0\0\0")
    assert read(files(path)).error is None
    path.write_bytes(COMPRESS[".gz"](b'{"a":1}\n') + b"garbage")
    seen = read(files(path))
    assert seen.values == {0: {"a": 1}}
    assert "damaged near byte" in str(seen.error)
