"""A pipeline file is run like a script, anew with each load, and its mistakes are named with their line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline import ConfigurationError, Pipeline
from run.loader import load
from tests.run.command import write

PLAIN = """
    from pipeline import Pipeline, count

    seen = []
    orders = Pipeline("shop orders")
    orders.read([(0, 1), (1, 2)])

    @orders.stage
    def note(value):
        seen.append(value)
        return value

    orders.write(count())
"""
TWO = """
    from pipeline import Pipeline

    first = Pipeline("orders")
    second = Pipeline("returns")
"""


def refused(target: str | Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(str(target))
    return str(caught.value)


def stage_of(pipeline: Pipeline) -> object:
    return pipeline.stages[0].target


def test_a_file_defines_a_pipeline(tmp_path: Path) -> None:
    assert load(str(write(tmp_path / "p.py", PLAIN))).name == "shop orders"


def test_two_loads_share_nothing(tmp_path: Path) -> None:
    file = str(write(tmp_path / "p.py", PLAIN))
    first, second = stage_of(load(file)), stage_of(load(file))
    first(1)  # type: ignore[operator]
    assert first is not second
    assert first.__globals__["seen"] == [1]  # type: ignore[attr-defined]
    assert second.__globals__["seen"] == []  # type: ignore[attr-defined]


def test_a_changed_file_is_loaded_as_it_is_now(tmp_path: Path) -> None:
    file = write(tmp_path / "p.py", PLAIN)
    assert load(str(file)).name == "shop orders"
    # Of the same length and most likely the same second, which is all that compiled files look at.
    write(file, PLAIN.replace("shop orders", "shop 0rders"))
    assert load(str(file)).name == "shop 0rders"
    assert not (tmp_path / "__pycache__").exists()


@pytest.mark.parametrize("statement", ["import helper", "from . import helper"], ids=["plain", "relative"])
def test_a_module_beside_it_can_be_imported_and_is_fresh_with_each_load(
    tmp_path: Path, statement: str
) -> None:
    (tmp_path / "helper.py").write_text("count = 0\n")
    file = tmp_path / "p.py"
    file.write_text(
        f"{statement}\nfrom pipeline import Pipeline\nhelper.count += 1\np = Pipeline(f'p{{helper.count}}')"
    )
    before = set(sys.path)
    assert [load(str(file)).name for _ in range(3)] == ["p1"] * 3
    assert set(sys.path) - before <= {str(tmp_path)}


def test_each_file_imports_what_lies_beside_itself(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "settings_of_mine.py").write_text(f"name = {name!r}\n")
        (folder / "p.py").write_text(
            "from pipeline import Pipeline\nfrom settings_of_mine import name\np = Pipeline(name)\n"
        )
    assert [load(str(tmp_path / name / "p.py")).name for name in ("one", "two", "one")] == [
        "one",
        "two",
        "one",
    ]


def test_a_stage_may_import_from_beside_the_file_while_it_runs(tmp_path: Path) -> None:
    (tmp_path / "late_helper.py").write_text("def double(x):\n    return 2 * x\n")
    file = write(
        tmp_path / "p.py",
        """
        from pipeline import Pipeline

        p = Pipeline("p")

        @p.stage
        def late(value):
            from late_helper import double

            return double(value)
        """,
    )
    assert stage_of(load(str(file)))(4) == 8  # type: ignore[operator]


def test_a_module_that_the_monitor_hides_is_named(tmp_path: Path) -> None:
    (tmp_path / "data.py").write_text("rates = {}\n")
    file = tmp_path / "p.py"
    file.write_text("from data import rates\n")
    told = refused(file)
    assert f"{file}:1:" in told
    assert "'data' of the monitor comes first" in told
    assert "another name" in told


@pytest.mark.parametrize(
    "declaration",
    [
        "@dataclass\nclass Node:\n    name: str\n    next: Node | None = None",
        "class Node(msgspec.Struct):\n    name: str\n    next: Node | None = None",
    ],
    ids=["dataclass", "msgspec"],
)
def test_a_schema_may_refer_to_itself(tmp_path: Path, declaration: str) -> None:
    file = tmp_path / "p.py"
    file.write_text(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\nimport msgspec\nfrom pipeline import Pipeline\n"
        f"{declaration}\n"
        'node = msgspec.json.decode(b\'{"name": "a", "next": {"name": "b"}}\', type=Node)\n'
        "p = Pipeline(node.next.name)\n"
    )
    assert load(str(file)).name == "b"


def test_one_of_several_is_picked_by_its_name_or_by_its_variable(tmp_path: Path) -> None:
    file = write(tmp_path / "p.py", TWO)
    assert load(f"{file}:returns").name == "returns"
    assert load(f"{file}:first").name == "orders"
    told = refused(file)
    assert "2 pipelines" in told
    assert "'orders', 'returns'" in told
    assert f"{file}:orders" in told
    assert "no pipeline is named 'refunds'; there is 'orders', 'returns'" in refused(f"{file}:refunds")


def test_a_pipeline_under_two_variables_is_one(tmp_path: Path) -> None:
    file = write(tmp_path / "p.py", "from pipeline import Pipeline\na = b = Pipeline('p')\n")
    assert load(str(file)).name == "p"


def test_two_pipelines_of_one_name_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "p.py", TWO.replace("returns", "orders"))
    told = refused(f"{file}:orders")
    assert f"{file}: two pipelines are named 'orders'" in told


@pytest.mark.parametrize("text", ["", "x = 1\n"], ids=["empty", "without"])
def test_a_file_without_a_pipeline_is_shown_one(tmp_path: Path, text: str) -> None:
    file = tmp_path / "orders.py"
    file.write_text(text)
    assert (
        'no pipeline in it; add one at the top level of the file, as in orders = Pipeline("orders")'
        in refused(file)
    )


def test_a_path_that_is_no_pipeline_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "flights.py").write_text("")
    (tmp_path / "flights.txt").write_text("")
    assert "there is no such file; did you mean" in refused(tmp_path / "flihgts.py")
    assert "flights.py" in refused(tmp_path / "flihgts.py")
    assert f"looked in {tmp_path}" in refused(tmp_path / "zzz.py")
    assert "is a folder" in refused(tmp_path)
    assert "is no Python file" in refused(tmp_path / "flights.txt")
    assert "give the Python file" in refused("")


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("x = 1\ndef (:\n", 2, "SyntaxError: invalid syntax"),
        ("x = 1\n  y = 2\n", 2, "IndentationError: unexpected indent"),
        ("x = 'never closed\n", 1, "SyntaxError: unterminated string literal"),
        ("x = 1\n\n1 / 0\n", 3, "ZeroDivisionError: division by zero"),
        ("def f():\n    raise OSError\n\nf()\n", 2, "it fails when it is loaded: OSError"),
        ("import sys\nsys.exit('no')\n", 2, "SystemExit: no"),
        ("import nothing_of_that_name\n", 1, "No module named 'nothing_of_that_name'"),
        ("from pipeline import Pipelin\n", 1, "cannot import name 'Pipelin' from 'pipeline'"),
        ("from pipeline import Pipeline\nPipeline('')\n", 2, "Pipeline(''): give it a name"),
    ],
)
@pytest.mark.parametrize("relative", [False, True], ids=["absolute", "relative"])
def test_a_file_that_cannot_be_loaded_names_the_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, line: int, reason: str, relative: bool
) -> None:
    (tmp_path / "p.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    target = "p.py" if relative else str(tmp_path / "p.py")
    told = refused(target)
    assert told.startswith(f"{target}:{line}: ")
    assert reason in told
    assert "importlib" not in told
    assert "run/loader.py" not in told


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"x = '\xff'\n", "codec can't decode"), (b"x = 1\0\n", "null bytes")],
    ids=["not UTF-8", "NUL"],
)
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "p.py"
    file.write_bytes(content)
    told = refused(file)
    assert str(file) in told
    assert reason in told


def test_a_fault_in_a_module_beside_it_shows_both_places(tmp_path: Path) -> None:
    (tmp_path / "broken_helper.py").write_text("x = 1\ny = x.nothing\n")
    file = tmp_path / "p.py"
    file.write_text("\nimport broken_helper\n")
    told = refused(file)
    assert f"{file}:2: " in told
    assert 'broken_helper.py", line 2' in told


def test_ctrl_c_while_a_file_is_loaded_is_not_its_fault(tmp_path: Path) -> None:
    file = tmp_path / "p.py"
    file.write_text("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        load(str(file))
