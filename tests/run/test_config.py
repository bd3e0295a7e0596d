"""Settings: which place wins, where each came from, and what is said of wrong ones."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError
from run.arguments import Settings, known_options, parse
from run.config import NO_SETTINGS
from run.config.command import template
from run.tampering import VARIABLE
from tests.run.command import here
from tests.run.snapshots import a_run, recorded


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory and a home without any settings."""
    (tmp_path / "work").mkdir()
    (tmp_path / "home/pipeline-monitor").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    return tmp_path


def user(places: Path, text: str) -> None:
    (places / "home/pipeline-monitor/config.toml").write_text(text)


def project(text: str) -> None:
    Path("pipeline-monitor.toml").write_text(text)


def demo(*words: str) -> Settings:
    return parse(words, "monitor.py")


def test_a_flag_goes_before_the_environment_before_the_project_before_the_user(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert demo().rate is None
    user(places, "rate = 1\nworkers = 9\n")
    assert demo().rate == 1
    project("rate = 2")
    assert demo().rate == 2
    monkeypatch.setenv("PIPELINE_MONITOR_RATE", "3")
    assert demo().rate == 3
    assert demo("--rate", "4").rate == 4
    assert demo().workers == 9
    shown = {row["name"]: row for row in json.loads(here("config", "show", "--json").out)["settings"]}
    assert shown["rate"] == {"name": "rate", "value": "3", "from": "PIPELINE_MONITOR_RATE"}
    assert shown["workers"]["from"].endswith("home/pipeline-monitor/config.toml")
    assert shown["limit"] == {"name": "limit", "value": None, "from": "default"}


def test_pyproject_has_its_table_and_gives_way_to_the_file_of_its_own() -> None:
    Path("pyproject.toml").write_text(
        '[tool.pipeline-monitor]\nbatch-size = 7\n[tool.pipeline-monitor.display]\ntheme = "x"'
    )
    assert (demo().batch_size, demo().display.theme) == (7, "x")
    assert "pyproject.toml" in here("config", "show").out
    project("workers = 2")
    assert (demo().batch_size, demo().workers) == (None, 2)


def test_somebody_elses_broken_pyproject_is_no_concern_of_ours() -> None:
    Path("pyproject.toml").write_text("[tool\n")
    assert demo().rate is None


def test_every_kind_of_value(monkeypatch: pytest.MonkeyPatch) -> None:
    project(
        """
        headless = true
        fail_if = ["error_rate>1%", "rate<5/s"]
        report = "a.md"
        [display]
        ascii = true
        mouse = false
        interval = 1
        screen_reader = true
        [keys]
        run.pause = ["space", "p"]
        "app.quit" = "ctrl+q"
        """
    )
    found = demo()
    assert found.headless
    assert found.fail_if == ("error_rate>1%", "rate<5/s")
    assert found.report == Path("a.md")
    display = found.display
    assert (display.ascii, display.mouse, display.interval, display.screen_reader) == (True, False, 1.0, True)
    assert display.keys == (("run.pause", "space,p"), ("app.quit", "ctrl+q"))
    assert display.keys_from.endswith("pipeline-monitor.toml")
    assert demo("--mouse", "--no-ascii").display.mouse
    assert demo("--no-ascii").display.ascii is False
    assert demo("--fail-if", "p95>1s", "--fail-if", "p50>1s").fail_if == ("p95>1s", "p50>1s")
    monkeypatch.setenv("PIPELINE_MONITOR_FAIL_IF", "rate<1/s; p99>2s")
    monkeypatch.setenv("PIPELINE_MONITOR_MOUSE", "on")
    assert demo().fail_if == ("rate<1/s", "p99>2s")
    assert demo().display.mouse


def test_settings_reach_a_real_run() -> None:
    project('limit = 40\nheadless = true\njson = "-"')
    done = here()
    assert done.code == 0, done.told
    assert json.loads(done.out)["records"]["read"] == 40


def test_a_replay_takes_the_screens_settings_and_no_others(places: Path) -> None:
    path = recorded(places / "a.rec", a_run(1))
    project('report = "report.md"\n[display]\ntheme = "paper"')
    assert here("replay", path).code == 130
    assert not Path("report.md").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('rate = "fast"', 'rate = "fast": must be a number'),
        ("rate = -1", "rate = -1: must be more than 0"),
        ("rate = true", "rate = true: must be a number or a text"),
        ("raet = 5", "raet: no such setting; did you mean 'rate'?"),
        ("fresh = true", "fresh: no such setting"),
        ("headless = 1", "headless = 1: must be true or false"),
        ("fail_if = 3", "fail_if = 3: must be a text, or a list of texts"),
        ("workers = 1000", "workers = 1000: must be 256 or less"),
        ('report = "a.doc"', "there is no report of the kind '.doc'"),
        ("[display]\ntheme = 4", "display.theme = 4: must be a text"),
        ("[display]\ninterval = 0.001", "display.interval = 0.001: must be 0.05 or more"),
        ("[dispaly]\nascii = true", "dispaly.ascii: no such setting; did you mean 'display.ascii'?"),
        ("[keys]\nrun.pause = 4", "keys.run.pause = 4: must be a key or a list of keys"),
        ("rate = ", "is no TOML"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, told: str) -> None:
    project(text)
    for words in (["--headless", "--limit", "1"], ["config", "validate"], ["config", "show"]):
        done = here(*words)
        assert done.code == 2, done.told
        assert "pipeline-monitor.toml: " in done.err
        assert told in done.err


def test_everything_that_is_wrong_is_told_at_once_keys_included() -> None:
    project('raet = 5\nworkers = "many"\n[keys]\n"run.puase" = "p"')
    done = here("config", "validate", "pipeline-monitor.toml")
    assert done.code == 2
    assert len(done.err.splitlines()) == 3
    assert "keys.run.puase: no such action; did you mean 'run.pause'?" in done.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[display]\ntheme = "drak"', "--theme drak: there is"),
        ('[keys]\n"run.pause" = "no such key"', "no such key"),
    ],
)
def test_what_only_the_screen_knows_to_be_wrong_is_told_by_validate(text: str, told: str) -> None:
    project(text)
    done = here("config", "validate")
    assert done.code == 2, done.told
    assert "pipeline-monitor.toml: " in done.err
    assert told in done.err


def test_wrong_variables_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value, told in (
        ("RAET", "5", "PIPELINE_MONITOR_RAET: no such setting; did you mean 'PIPELINE_MONITOR_RATE'?"),
        ("RATE", "fast", "PIPELINE_MONITOR_RATE=fast: must be a number"),
        ("HEADLESS", "maybe", "PIPELINE_MONITOR_HEADLESS=maybe: must be one of"),
    ):
        with monkeypatch.context() as changed:
            changed.setenv(f"PIPELINE_MONITOR_{name}", value)
            with pytest.raises(ConfigurationError) as caught:
                demo()
        assert told in str(caught.value)


def test_a_variable_that_is_no_setting_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert VARIABLE in NO_SETTINGS
    monkeypatch.setenv(VARIABLE, "anything")
    assert demo().rate is None
    assert here("config", "validate").code == 0


def test_init_writes_a_file_in_which_everything_is_named_and_nothing_set(places: Path) -> None:
    assert here("config", "init").code == 0
    text = Path("pipeline-monitor.toml").read_text()
    assert text == template()
    assert tomllib.loads(text) == {"display": {}, "keys": {}}
    assert "0 settings, nothing wrong" in here("config", "validate").out
    again = here("config", "init")
    assert again.code == 2
    assert "is there already" in again.err
    said = "\n".join(line.removeprefix("# ") if " = " in line else line for line in text.splitlines())
    Path("all.toml").write_text(said)
    assert here("config", "validate", "all.toml").code == 0, here("config", "validate", "all.toml").told
    for name in known_options():
        assert f"\n# {name.removeprefix('display.')} = " in text, name
    assert here("config", "init", places / "no/folder.toml").code == 2


def test_nothing_is_set_and_that_is_fine() -> None:
    assert "config init" in here("config", "validate").out
    for words in (["config"], ["config", "shwo"], ["config", "show", "x"], ["config", "init", "--json"]):
        assert here(*words).code == 2
