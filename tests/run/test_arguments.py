"""What is wrong on the command line is told in one line that names it, with exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from run.arguments import parse
from tests.run.command import here


def refused(*words: str) -> str:
    done = here(*words)
    assert done.code == 2, done.told
    assert done.out == ""
    assert done.err.startswith("pipeline-monitor: ")
    return done.err


def test_everything_that_can_be_said_is_understood() -> None:
    words = (
        "run p.py:orders --headless --read-only --json - --report r.html --junit j.xml "
        "--limit 5 --duration 1.5 --rate 10 --batch-size 7 --workers 3 --seed -9 "
        "--fail-if lost>0 --fail-if p95>1s"
    )
    settings = parse(words.split(), "monitor.py")
    assert settings.file == "p.py:orders"
    assert settings.headless
    assert settings.read_only
    assert (settings.json, settings.report, settings.junit) == ("-", Path("r.html"), Path("j.xml"))
    assert (settings.limit, settings.duration, settings.rate) == (5, 1.5, 10.0)
    assert (settings.batch_size, settings.workers, settings.seed) == (7, 3, -9)
    assert settings.fail_if == ("lost>0", "p95>1s")


def test_nothing_said_is_the_demo() -> None:
    settings = parse([], "monitor.py")
    assert settings.file is None
    assert settings.limit is None
    assert settings.seed == 0
    assert not settings.headless


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--headles", "unknown option '--headles'; did you mean --headless?"),
        ("--jsn=-", "unknown option '--jsn=-'; did you mean --json?"),
        ("--limi 5", "unknown option '--limi'; did you mean --limit?"),
        ("--zzz", "unknown option '--zzz'; see pipeline-monitor --help"),
        ("run p.py --fail-iff x", "did you mean --fail-if?"),
        ("rnu p.py", "unknown command 'rnu'; did you mean 'run'?"),
        ("zzz", "unknown command 'zzz'; there is: run"),
        ("p.py", "'p.py' is no command; to run a pipeline: pipeline-monitor run p.py"),
        ("p.py:orders", "to run a pipeline: pipeline-monitor run p.py:orders"),
        ("--headless extra", "unknown argument 'extra'"),
        ("run a.py b.py", "unknown argument 'b.py'"),
        ("--limit 3 run p.py", "the command comes first: pipeline-monitor run"),
        ("run", "say which file defines the pipeline: pipeline-monitor run FILE[:NAME]"),
        ("--headless=yes", "--headless takes no value, but 'yes' was given"),
        ("--limit", "--limit needs a value: --limit N"),
        ("--json", "--json needs a value: --json PATH|-"),
        ("--report --headless", "--report needs a value: --report PATH"),
    ],
)
def test_an_unknown_word_is_named_with_what_may_have_been_meant(words: str, told: str) -> None:
    assert told in refused(*words.split())


@pytest.mark.parametrize(
    ("option", "value", "bound"),
    [
        ("--limit", "-1", "0 or more"),
        ("--limit", "ten", "a whole number"),
        ("--limit", "1.5", "a whole number"),
        ("--batch-size", "0", "1 or more"),
        ("--batch-size", "-3", "1 or more"),
        ("--workers", "0", "1 or more"),
        ("--workers", "257", "256 or less"),
        ("--workers", "two", "a whole number"),
        ("--seed", "x", "a whole number"),
        ("--rate", "0", "more than 0"),
        ("--rate", "-1", "more than 0"),
        ("--rate", "fast", "a number"),
        ("--rate", "nan", "a finite number"),
        ("--rate", "inf", "a finite number"),
        ("--duration", "0", "more than 0"),
        ("--duration", "1e300", "or less"),
        ("--duration", "1m", "a number"),
        ("--report", "r.pdf", ".html"),
        ("--report", "r", "its name has no ending"),
        ("--report", "/", "this is a folder"),
        ("--json", "/no/such/folder/r.json", "there is no folder '/no/such/folder'"),
        ("--junit", "/no/such/folder/j.xml", "create it first"),
        ("--json", "", "name a file"),
        ("--report", "", "name a file"),
    ],
)
@pytest.mark.parametrize("together", [False, True], ids=["apart", "with ="])
def test_a_wrong_value_is_named_with_its_option_and_its_bound(
    option: str, value: str, bound: str, together: bool
) -> None:
    told = refused("--headless", *([f"{option}={value}"] if together else [option, value]))
    assert len(told.splitlines()) == 1
    assert option in told
    assert value in told
    assert bound in told


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("eror_rate>1%", "did you mean 'error_rate'?"),
        ("p95(trnsform)>1s", "there is no stage 'trnsform'; did you mean 'transform'?"),
        ("p95(TRANSFORM)", "a comparison is missing here"),
        ("lost>", "a number is missing here"),
        ("lost>0s", "cannot be given in 's'"),
        ("", "a threshold begins with a measure"),
    ],
)
def test_a_wrong_threshold_is_marked_before_anything_is_run(expression: str, told: str) -> None:
    err = refused("--headless", "--fail-if", "lost>0", "--fail-if", expression)
    assert "--fail-if: " in err
    assert told in err
    assert err.splitlines()[-1].strip("^ ") == ""


def test_two_reports_need_two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = refused("--headless", "--json", "r.json", "--report", f"{tmp_path}/./r.json")
    assert "--json writes this file already" in told


def test_control_characters_of_an_argument_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in refused("--headless\x1b[31m")
    assert "\\x1b[31m" in refused("run", "p\x1b[31m.py", "--headless")


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["run", "p.py", "-h"]], ids=" ".join)
def test_help_names_every_option(words: list[str]) -> None:
    done = here(*words)
    assert done.code == 0
    for option in ("--headless", "--json", "--report", "--junit", "--limit", "--duration", "--rate"):
        assert option in done.out
    for option in ("--batch-size", "--workers", "--seed", "--fail-if", "--read-only"):
        assert option in done.out
