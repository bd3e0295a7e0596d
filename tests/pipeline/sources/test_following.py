"""Files that grow: what is appended comes once, whatever becomes of the file's name."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap64

from pipeline.batch import Chunk
from pipeline.checkpoint import Progress
from pipeline.errors import ConfigurationError, InputError
from pipeline.sources import Files, files, tail


class Follower:
    """Reads a source that grows as the engine does: its partitions in turn, as far as they go by now."""

    def __init__(self, source: Files, known: dict[str, Progress] | None = None) -> None:
        known = known or {}
        source.check()
        source.remember(known)
        self.source = source
        self.values: dict[str, dict[int, Any]] = defaultdict(dict)
        self.high = {name: progress.high for name, progress in known.items()}
        self.identities: dict[str, str] = {}
        self.ended: set[str] = set()
        self._open: dict[str, Iterator[Chunk]] = {}

    def look(self) -> None:
        """Read everything that is there by now."""
        for spec in self.source.partitions():
            if spec.name not in self.identities:
                self.identities[spec.name] = self.source.identify(spec.name, None)
                self._open[spec.name] = self.source.read(spec.name, self.high.get(spec.name, 0), None)
        for name, chunks in list(self._open.items()):
            while True:
                chunk = next(chunks, None)
                if chunk is None:
                    self.ended.add(name)
                    del self._open[name]
                    break
                if chunk.empty:
                    break
                self._take(name, chunk)

    def close(self) -> None:
        for chunks in self._open.values():
            chunks.close()  # type: ignore[attr-defined]

    def progress(self) -> dict[str, Progress]:
        """What a checkpoint would hold now."""
        return {
            name: Progress(identity, self.high.get(name, 0), BitMap64(), len(self.values[name]), 0, 0)
            for name, identity in self.identities.items()
        }

    def _take(self, name: str, chunk: Chunk) -> None:
        if chunk.identity is not None:
            self.identities[name] = chunk.identity
        raws = chunk.raw.split(b"\n") if isinstance(chunk.raw, bytes) else chunk.raw
        if not chunk.ids:
            return
        for offset, value in zip(chunk.ids.offsets(), chunk.decode(list(raws)), strict=True):
            assert offset not in self.values[name]
            assert offset >= self.high.get(name, 0)
            self.values[name][offset] = value
            self.high[name] = offset + 1


def append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.touch()
    return path


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "LOOKS_AFTER_ROTATION", 2)


def test_lines_come_as_they_are_appended_and_a_line_without_its_end_waits(log: Path) -> None:
    follower = Follower(files(log, follow=True))
    follower.look()
    assert follower.values["app.log"] == {}
    append(log, "one\ntwo\nthr")
    follower.look()
    assert follower.values["app.log"] == {0: "one", 1: "two"}
    follower.look()
    append(log, "ee\n")
    follower.look()
    assert follower.values["app.log"] == {0: "one", 1: "two", 2: "three"}
    follower.close()


@pytest.mark.parametrize(
    ("name", "encoding", "parts", "expected"),
    [
        ("a.jsonl", "utf-8", ['{"a"', ": 1}\n", '{"a": 2}\n{'], [{"a": 1}, {"a": 2}]),
        (
            "a.csv",
            "utf-8",
            ["a,b\n1", ",2\n", '"x\n', 'y",3\n'],
            [{"a": "1", "b": "2"}, {"a": "x\ny", "b": "3"}],
        ),
        ("a.log", "utf-16-le", ["on", "e\ntwo\n", "thr"], ["one", "two"]),
        ("b.log", "utf-8", ["\ufeff", "one\n"], ["one"]),
    ],
)
def test_every_format_of_text_is_followed(
    tmp_path: Path, name: str, encoding: str, parts: list[str], expected: list[Any]
) -> None:
    path = tmp_path / name
    path.touch()
    follower = Follower(files(path, follow=True, encoding=encoding))
    for part in parts:
        for byte in part.encode(encoding):
            with path.open("ab") as file:
                file.write(bytes([byte]))
            follower.look()
    assert list(follower.values[name].values()) == expected
    follower.close()


@pytest.mark.usefixtures("_impatient")
def test_a_rotated_file_is_read_to_its_end_and_the_new_one_is_another_partition(log: Path) -> None:
    follower = Follower(files(log, follow=True))
    append(log, "one\n")
    follower.look()
    old = log.rename(log.with_name("app.log.1"))
    append(old, "two\nlast")
    append(log, "three\n")
    follower.look()
    append(log, "four\n")
    for _ in range(4):
        follower.look()
    assert follower.values == {
        "app.log": {0: "one", 1: "two", 2: "last"},
        "app.log~2": {0: "three", 1: "four"},
    }
    assert follower.ended == {"app.log"}
    follower.close()


@pytest.mark.usefixtures("_impatient")
def test_a_pattern_that_takes_in_the_rotated_names_reads_nothing_twice(tmp_path: Path) -> None:
    current, first, second = (tmp_path / name for name in ("app.log", "app.log.1", "app.log.2"))
    append(first, "old\n")
    append(current, "one\n")
    follower = Follower(files(f"{tmp_path}/app.log*", follow=True, format="lines"))
    follower.look()
    first.rename(second)
    current.rename(first)
    append(current, "two\n")
    for _ in range(5):
        follower.look()
    first.rename(tmp_path / "app.log.3")
    for _ in range(5):
        follower.look()
    assert follower.values == {"app.log": {0: "one"}, "app.log.1": {0: "old"}, "app.log~2": {0: "two"}}
    follower.close()


def test_a_file_that_comes_up_is_a_new_partition(tmp_path: Path) -> None:
    append(tmp_path / "a.log", "one\n")
    follower = Follower(files(f"{tmp_path}/**/*.log", follow=True))
    follower.look()
    (tmp_path / "sub").mkdir()
    append(tmp_path / "sub/a.log", "two\n")
    follower.look()
    assert follower.values == {"a.log": {0: "one"}, "sub/a.log": {0: "two"}}
    follower.close()


def test_a_truncated_file_is_named_with_its_sizes(log: Path) -> None:
    append(log, "0123456789\n" * 10)
    follower = Follower(files(log, follow=True))
    follower.look()
    log.write_text("new\n")
    with pytest.raises(InputError, match=r"app\.log was truncated: it has 4 bytes, but 110 had been read"):
        follower.look()


def test_a_file_that_was_truncated_and_has_grown_again_is_noticed(log: Path) -> None:
    append(log, "0123456789\n" * 10)
    follower = Follower(files(log, follow=True))
    follower.look()
    log.write_text("abcdefghij\n" * 20)
    with pytest.raises(InputError, match="begins otherwise now"):
        follower.look()


@pytest.mark.parametrize(("name", "content"), [("a.log.gz", b"\x1f\x8b\x08"), ("a.parquet", b"PAR1")])
def test_what_cannot_be_read_before_its_end_cannot_be_followed(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigurationError, match="only plain text can be followed"):
        files(tmp_path / name, follow=True).check()


def test_a_url_cannot_be_followed() -> None:
    with pytest.raises(ConfigurationError, match="only local files can be followed"):
        files("memory://bucket/a.log", follow=True)


def test_a_later_run_goes_on_with_each_file_under_whatever_name_it_lies_now(log: Path) -> None:
    append(log, "one\ntwo\n")
    first = Follower(files(log, follow=True))
    first.look()
    first.close()
    append(log, "three\n")
    log.rename(log.with_name("app.log-2024"))
    append(log, "four\n")
    second = Follower(files(log, follow=True), first.progress())
    second.look()
    assert second.values == {"app.log": {2: "three"}, "app.log~2": {0: "four"}}
    second.close()


@pytest.mark.usefixtures("_impatient")
def test_a_file_that_was_read_to_its_end_may_go(log: Path) -> None:
    append(log, "one\n")
    first = Follower(files(log, follow=True))
    first.look()
    old = log.rename(log.with_name("app.log.1"))
    append(log, "two\n")
    for _ in range(4):
        first.look()
    first.close()
    old.unlink()
    append(log, "three\n")
    second = Follower(files(log, follow=True), first.progress())
    second.look()
    assert {name: values for name, values in second.values.items() if values} == {"app.log~2": {1: "three"}}
    assert [spec.name for spec in second.source.partitions()] == ["app.log", "app.log~2"]
    second.close()


def test_a_file_that_is_gone_before_its_end_is_named(log: Path) -> None:
    append(log, "one\n")
    first = Follower(files(log, follow=True))
    first.look()
    first.close()
    old = log.rename(log.with_name("app.log.1"))
    append(log, "x" * 10 + "\n")
    old.unlink()
    with pytest.raises(ConfigurationError, match=r"app/app\.log: .*had not come to its end.*put back"):
        Follower(files(log, follow=True), first.progress()).look()


def test_a_file_that_was_truncated_between_two_runs_is_named(log: Path) -> None:
    append(log, "0123456789\n" * 10)
    first = Follower(files(log, follow=True))
    first.look()
    first.close()
    log.write_text("new\n")
    with pytest.raises(ConfigurationError, match="truncated: it has 4 bytes, but an earlier run read 110"):
        Follower(files(log, follow=True), first.progress()).look()


def test_a_file_that_was_copied_goes_on_by_how_it_begins(log: Path) -> None:
    append(log, "".join(f"line {number}\n" for number in range(200)))
    first = Follower(files(log, follow=True))
    first.look()
    first.close()
    copy = log.with_name("copy")
    copy.write_bytes(log.read_bytes())
    copy.replace(log)
    append(log, "more\n")
    second = Follower(files(log, follow=True), first.progress())
    second.look()
    assert second.values == {"app.log": {200: "more"}}
    second.close()


def test_a_run_that_did_not_follow_is_gone_on_with(log: Path) -> None:
    append(log, "one\n")
    plain = files(log)
    plain.check()
    identity = plain.identify("app.log", None)
    known = {"app.log": Progress(identity, 1, BitMap64(), 1, 0, 0)}
    append(log, "two\n")
    follower = Follower(files(log, follow=True), known)
    follower.look()
    assert follower.values == {"app.log": {1: "two"}}
    follower.close()


ACTIONS = st.lists(
    st.sampled_from(["write", "half", "rotate", "look", "look", "commit", "kill"]), min_size=1, max_size=25
)


@pytest.mark.usefixtures("_impatient")
@settings(max_examples=150)
@given(actions=ACTIONS)
def test_whatever_happens_each_line_comes_once_and_in_order(actions: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "app.log"
        log.touch()
        written: list[str] = []
        begun = ""  # the line whose end has not been written yet
        rotations = 0
        follower = Follower(files(log, follow=True))
        follower.look()
        got: list[str] = []  # what is committed
        known = follower.progress()
        for action in [*actions, "write", "look", "look", "look", "look", "commit"]:
            if action == "half":
                append(log, ".")
                begun += "."
            elif action == "write":
                append(log, f"{len(written)}\n")
                written.append(f"{begun}{len(written)}")
                begun = ""
            elif action == "rotate":
                # What comes and goes between two looks cannot be seen; what is found is known from then on.
                follower.look()
                known |= {name: p for name, p in _with_nothing(follower).items() if name not in known}
                rotations += 1
                log.rename(log.with_name(f"app.log.{rotations}"))
                log.touch()
                written += [begun] if begun else []
                begun = ""
            elif action == "look":
                follower.look()
            elif action == "commit":
                known |= follower.progress()
                got += _taken(follower)
            else:
                follower.close()
                follower = Follower(files(log, follow=True), known)
        follower.close()
        assert sorted(got) == sorted(written)


def _with_nothing(follower: Follower) -> dict[str, Progress]:
    return {
        name: Progress(identity, 0, BitMap64(), 0, 0, 0) for name, identity in follower.identities.items()
    }


def _taken(follower: Follower) -> list[str]:
    taken = [value for values in follower.values.values() for _, value in sorted(values.items())]
    follower.values.clear()
    return taken


def test_an_inode_that_is_used_again_is_no_known_file(log: Path) -> None:
    append(log, "one\n")
    follower = Follower(files(log, follow=True))
    follower.look()
    inode = log.stat().st_ino
    follower.close()
    log.unlink()
    log.write_text("other\n")
    if log.stat().st_ino != inode:
        pytest.skip("this file system does not use inodes again at once")
    with pytest.raises(ConfigurationError, match="begins otherwise"):
        Follower(files(log, follow=True), follower.progress()).look()
