"""What cannot be read is refused before the run, with what, where and what to do."""

from __future__ import annotations

import importlib
import os
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigurationError, InputError
from pipeline.sources import files
from tests.pipeline.sources.reading import COMPRESS, read


def _refused(pattern: object, **options: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        files(pattern, **options).check()  # type: ignore[arg-type]
    return str(caught.value)


def test_no_such_file_with_the_name_that_is_near(tmp_path: Path) -> None:
    (tmp_path / "flights.csv").write_text("a\n")
    message = _refused(tmp_path / "flihgts.csv")
    assert f"no such file: {tmp_path}/flihgts.csv" in message
    assert f"did you mean '{tmp_path}/flights.csv'?" in message


def test_no_such_folder(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert f"no such folder: {tmp_path}/dat; did you mean '{tmp_path}/data'?" in _refused(
        tmp_path / "dat" / "a.csv"
    )
    assert "no such folder" in _refused(tmp_path / "dat" / "*.csv")


def test_a_folder_in_the_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n")
    message = _refused(tmp_path)
    assert f"files('{tmp_path}') is a folder" in message
    assert f"such as '{tmp_path}/*.csv'" in message
    assert "a.csv" in message


def test_a_pattern_without_a_match_names_itself_and_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("")
    message = _refused(tmp_path / "*.csv")
    assert f"'{tmp_path}/*.csv'" in message
    assert f"the folder {tmp_path} has a.json" in message


def test_a_pattern_that_matches_only_folders(tmp_path: Path) -> None:
    (tmp_path / "day1").mkdir()
    assert f"matches only folders, such as {tmp_path}/day1" in _refused(tmp_path / "day*")


def test_hidden_files_are_not_meant_by_a_pattern(tmp_path: Path) -> None:
    (tmp_path / ".a.csv").write_text("a\n")
    assert "matches no file" in _refused(tmp_path / "*.csv")


def test_a_name_with_pattern_characters_is_found_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a[1].log").write_text("x")
    assert read(files(tmp_path / "a[1].log")).values == {0: "x"}


def test_a_part_of_the_path_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    assert "a part of the path is a file" in _refused(tmp_path / "a" / "b.csv")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a\n")
    path.chmod(0)
    if os.geteuid() == 0:  # root may read everything

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", refuse)
    assert "not permitted to read it as this user" in _refused(path)


def test_a_pipe_belongs_to_stdin(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.csv")
    assert "read stdin()" in _refused(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("ending", "name"), [(".gz", "gzip"), (".zst", "zstd"), (".bz2", "bzip2"), (".xz", "xz"), (".zip", "zip")]
)
def test_a_file_that_is_not_what_its_name_says(tmp_path: Path, ending: str, name: str) -> None:
    path = tmp_path / f"a.csv{ending}"
    path.write_bytes(b"a,b\n1,2\n")
    message = _refused(path)
    assert f"{path} is not {name}: it begins with b'a,b\\n1,2\\n'" in message
    assert f"rename it without {ending}" in message


@pytest.mark.parametrize("ending", [".gz", ".zst", ".bz2", ".xz", ".zip"])
def test_a_compressed_file_whose_name_does_not_say_so(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(COMPRESS[ending](b'{"a": 1}\n' * 100))
    assert f"let its name end in {ending}" in _refused(path)


def test_an_unknown_format(tmp_path: Path) -> None:
    path = tmp_path / "a.dat"
    path.write_text("x")
    message = _refused(path)
    assert "format=) one of jsonl, csv, tsv, lines, parquet" in message
    assert ".ndjson" in message
    assert read(files(path, format="lines")).values == {0: "x"}


def test_a_zip_tells_its_format_by_its_member(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inner/rows.csv", "a\n1\n")
    assert read(files(path)).values == {0: {"a": "1"}}


def test_a_zip_with_several_files_or_half_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", "a\n1\n")
        archive.writestr("b.csv", "a\n1\n")
    assert "holds 2 files (a.csv, b.csv...), not one" in _refused(path)
    path.write_bytes(path.read_bytes()[:40])
    assert "is not a whole zip archive" in _refused(path)


@pytest.mark.parametrize(
    ("body", "what"), [("[\n {}\n]", "one JSON array"), ('{\n "a": 1\n}', "JSON spread over")]
)
def test_json_that_is_no_json_lines(tmp_path: Path, body: str, what: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(body)
    message = _refused(path)
    assert what in message
    assert "jq -c" in message


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_byte_order_mark_gives_the_encoding_away(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("a\n1\n".encode(encoding))
    assert f"files(..., encoding={encoding!r})" in _refused(path)
    assert read(files(path, encoding=encoding)).values == {0: {"a": "1"}}


def test_a_parquet_file_under_another_name_and_the_other_way_round(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"PAR1....")
    assert "format='parquet'" in _refused(tmp_path / "a.csv")
    (tmp_path / "a.parquet").write_bytes(b"a,b\n1,2\n")
    assert "is not a whole Parquet file" in _refused(tmp_path / "a.parquet")
    (tmp_path / "a.parquet.gz").write_bytes(COMPRESS[".gz"](b"x"))
    assert "Parquet is compressed within" in _refused(tmp_path / "a.parquet.gz")


_OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"format": "cvs"}, "format='cvs' is not known; did you mean 'csv'?"),
    ({"format": "xml"}, "format='xml' is not known; give one of jsonl, csv, tsv, lines, parquet"),
    ({"encoding": "utf9"}, "encoding='utf9' is not known; did you mean 'utf"),
    ({"encoding": "gzip"}, "encoding='gzip' is not known"),
    ({"delimiter": ";;"}, "delimiter=';;': give one ASCII character"),
    ({"delimiter": '"'}, "give one ASCII character"),
    ({"delimiter": ";", "format": "jsonl"}, "delimiter=';' is only for csv and tsv, the format is jsonl"),
    ({"max_record_bytes": 0}, "max_record_bytes=0: give a whole number of bytes, at least 1"),
    ({"max_record_bytes": 1.5}, "max_record_bytes=1.5"),
    ({"null": [1]}, "null=(1,): give a string such as 'NA'"),
]


@pytest.mark.parametrize(("options", "message"), _OPTIONS)
def test_an_option_that_is_wrong_is_named_with_its_value(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    assert message in _refused(tmp_path / "a.csv", **options)


@pytest.mark.parametrize("pattern", [[], "", [""], [3]])
def test_a_pattern_must_name_something(pattern: object) -> None:
    assert "give a path" in _refused(pattern)


def test_a_url_whose_driver_is_missing_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    _hide(monkeypatch, "s3fs")
    assert "pip install s3fs" in _refused("s3://bucket/a.csv")


def test_a_url_of_no_known_kind_and_one_without_files() -> None:
    assert "Protocol not known: sthree" in _refused("sthree://bucket/a.csv")
    assert "matches no file" in _refused("memory://nowhere/*.csv")
    assert "no such file" in _refused("memory://nowhere/a.csv")


@pytest.mark.parametrize(
    ("name", "module", "advice"),
    [
        ("a.parquet", "pyarrow", "pip install 'pipeline-monitor[parquet]'"),
        ("a.csv.zst", "zstandard", "pip install zstandard"),
    ],
)
def test_an_optional_package_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, module: str, advice: str
) -> None:
    (tmp_path / name).write_bytes(COMPRESS[".zst"](b"a\n1\n"))
    _hide(monkeypatch, module)
    assert advice in _refused(tmp_path / name)


def test_a_file_that_is_gone_by_the_time_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("x")
    source = files(tmp_path / "*.log")
    source.check()
    with pytest.raises(InputError, match=r"no partition 'b.log' any more \(it has a.log\)"):
        source.read("b.log", 0, None)
    (tmp_path / "a.log").unlink()
    with pytest.raises(InputError, match=r"a\.log: it cannot be opened any more"):
        list(source.read("a.log", 0, None))


def test_text_lines_take_no_schema(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("x")
    with pytest.raises(ConfigurationError, match="lines of text are str, schema=dict cannot be used"):
        files(tmp_path / "a.log").read("a.log", 0, dict)


def _hide(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    real: Callable[..., types.ModuleType] = importlib.import_module

    def without(name: str, package: str | None = None) -> types.ModuleType:
        if name.split(".", maxsplit=1)[0] == module:
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", without)
