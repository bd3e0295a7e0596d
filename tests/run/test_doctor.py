"""The doctor: each thing looked at says whether it is well, and what to do where it is not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from run.doctor import PACKAGES, Finding, Machine, examine, to_text
from tests.house.project import settings
from tests.run.command import here

XTERM = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "HOME": "/nowhere"}


def told(name: str, **changes: object) -> Finding:
    machine = Machine(**{"environ": XTERM, "terminal": lambda: True, **changes})  # type: ignore[arg-type]
    found = [each for each in examine(machine) if each.name == name]
    assert len(found) == 1, name
    return found[0]


def test_a_good_terminal_is_well() -> None:
    for name in ("terminal", "size", "colours", "text", "python", "textual", "clock"):
        assert told(name, columns=lambda: (120, 40), utf8=lambda: True).level == "ok", name


@pytest.mark.parametrize(
    ("name", "changes", "text", "advice"),
    [
        ("terminal", {"terminal": lambda: False}, "headless", "terminal"),
        ("terminal", {"environ": {**XTERM, "TERM": "dumb"}}, "TERM=dumb", "TERM=xterm"),
        ("size", {"columns": lambda: (70, 20)}, "70x20: room for a summary", "80x24"),
        ("size", {"columns": lambda: (40, 10)}, "too small", "60x16"),
        ("colours", {"environ": {"TERM": "vt100", "HOME": "/nowhere"}}, "few", "COLORTERM"),
        ("text", {"utf8": lambda: False}, "no UTF-8", "LC_ALL"),
        ("/proc", {"proc": Path("/nowhere")}, "not there", "macOS"),
        ("pressure (PSI)", {"proc": Path("/nowhere")}, "not told", "psi=1"),
        ("disk here", {"folder": Path("/nowhere")}, "No such file", "another place"),
    ],
)
def test_what_is_not_well_comes_with_advice(
    name: str, changes: dict[str, object], text: str, advice: str
) -> None:
    found = told(name, **changes)
    assert found.level == "warn"
    assert text in found.text
    assert advice in found.advice


def test_no_color_is_a_choice_and_no_fault() -> None:
    found = told("colours", environ={**XTERM, "NO_COLOR": "1"})
    assert (found.level, found.text) == ("ok", "none, as NO_COLOR asks")


def test_a_missing_package_is_to_be_mended_and_a_missing_extra_is_not() -> None:
    def without(missing: str) -> Callable[[str], str]:
        def version_of(name: str) -> str:
            if name == missing:
                raise PackageNotFoundError(name)
            return "1.0"

        return version_of

    found = told("msgspec", version_of=without("msgspec"))
    assert (found.level, found.advice) == ("fail", "pip install -r requirements.lock")
    assert told("polars", version_of=without("polars")).level == "ok"


def test_it_looks_for_the_packages_of_the_project() -> None:
    def names(texts: list[str]) -> set[str]:
        return {re.match(r"[\w-]+", text)[0] for text in texts}  # type: ignore[index]

    project = settings()["project"]
    extras = project["optional-dependencies"]
    assert {name for name, needed in PACKAGES if needed} == names(project["dependencies"])
    assert {name for name, needed in PACKAGES if not needed} == names(
        [text for extra, texts in extras.items() if extra != "examples" for text in texts]
    )


def test_a_runtime_folder_that_others_can_reach_into_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert here("doctor").code == 0
    (tmp_path / "pipeline-monitor").chmod(0o777)
    done = here("doctor")
    assert done.code == 2
    (line,) = [line for line in done.out.splitlines() if line.startswith("fail")]
    assert "others can reach into it" in line


def test_a_check_that_fails_itself_keeps_no_other_back() -> None:
    def broken() -> tuple[int, int]:
        raise ZeroDivisionError

    found = examine(Machine(environ=XTERM, terminal=lambda: True, columns=broken))
    assert any("ZeroDivisionError" in each.text for each in found)
    assert any(each.name == "clock" for each in found)


def test_text_and_json_tell_the_same() -> None:
    rows = json.loads(here("doctor", "--json").out)["findings"]
    names = {row["name"] for row in rows}
    assert {"python", "textual", "terminal", "clock", "fork", "disk here", "runtime folder"} <= names
    assert {row["level"] for row in rows} <= {"ok", "warn", "fail"}
    assert all(row["advice"] for row in rows if row["level"] != "ok")
    text = here("doctor").out
    assert all(name in text for name in names)
    assert to_text([Finding("a", "ok", "b\x1b[2J")]).splitlines()[0] == r"ok    a  b\x1b[2J"
