"""stdout is data, stderr is narration, whatever a pipeline prints and however the streams are tied."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from run import headless, narrator
from tests.house.project import ROOT
from tests.run import files
from tests.run.command import DEADLINE_S, call, environment, here, parsed, run_here, shell, write

BOX = "║  All 5 input records successfully processed."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("streams")


@pytest.mark.parametrize("locale", ["utf-8", "ascii"])
def test_what_a_pipeline_prints_stays_out_of_the_report(tmp_path: Path, locale: str) -> None:
    file = write(tmp_path / "p.py", files.TALKING)
    done = call("run", file, "--headless", "--json", "-", env=environment(PYTHONIOENCODING=locale))
    assert done.code == 0, done.told
    assert parsed(done.out)["pipeline"] == "talkinG ✓"
    for text in files.SAID:
        assert text in done.err, done.told


def test_without_json_stdout_is_the_box_alone(tmp_path: Path) -> None:
    done = call("run", write(tmp_path / "p.py", files.TALKING), "--headless")
    assert done.code == 0, done.told
    rows = done.out.splitlines()
    assert rows[0].startswith("╔")
    assert rows[-1].startswith("╚")
    assert not any(text in done.out for text in files.SAID)


def test_stdout_is_as_before_after_a_run_in_this_process(tmp_path: Path) -> None:
    before = sys.stdout
    done = run_here(write(tmp_path / "p.py", files.HEALTHY + "\n    print('at import')\n"))
    assert done.code == 0
    assert "at import" in done.err
    assert sys.stdout is before


def test_every_report_is_written(tmp_path: Path) -> None:
    wanted = {"--json": "r.json", "--report": "r.html", "--junit": "j.xml"}
    done = here(
        "--headless",
        "--limit",
        "5",
        *(str(word) for pair in wanted.items() for word in (pair[0], tmp_path / pair[1])),
    )
    assert done.code == 0, done.told
    assert BOX in done.out
    for name in wanted.values():
        assert f"Wrote {tmp_path / name}" in done.err
    assert parsed((tmp_path / "r.json").read_text(encoding="utf-8"))["records"]["delivered"] == 5
    assert ElementTree.parse(tmp_path / "j.xml").getroot().tag in ("testsuites", "testsuite")
    assert "</html>" in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert here("--headless", "--limit", "5", "--report", str(tmp_path / "r.md")).code == 0
    assert "5" in (tmp_path / "r.md").read_text(encoding="utf-8")


def test_a_report_that_cannot_be_written_keeps_no_other_back(tmp_path: Path) -> None:
    file = write(
        tmp_path / "p.py",
        files.HEALTHY + "\n    import shutil\n    shutil.rmtree(Path(__file__).with_name('gone'))\n",
    )
    (tmp_path / "gone").mkdir()
    done = here(
        "run", file, "--headless", "--json", tmp_path / "gone" / "r.json", "--junit", tmp_path / "j.xml"
    )
    assert done.code == 5, done.told
    assert "the run is over, but its report is not all there: --json" in done.err.lower()
    assert (tmp_path / "j.xml").exists()
    assert "PIPELINE STATUS" in done.out


@pytest.mark.parametrize(
    ("tied", "code", "out", "err"),
    [
        ("| head -1", 0, "╔", ""),
        ("| cat", 0, BOX, ""),
        (">&-", 0, "", ""),
        ("2>&-", 0, BOX, ""),
        ("<&-", 0, BOX, ""),
        ("--json - >&-", 2, "", "--json -: stdout is closed; give a file"),
        ("--json - 2>&-", 0, '"healthy"', ""),
        ("--json - | head -1", 0, "{", ""),
    ],
)
def test_streams_may_be_tied_in_any_way(folder: Path, tied: str, code: int, out: str, err: str) -> None:
    command, bar, rest = tied.partition("|")
    piped = f"{{ $MONITOR --headless --limit 5 {command}; echo $? > code; }} {bar} {rest}"
    done = shell(piped, cwd=folder)
    assert int((folder / "code").read_text()) == code, done.told
    assert out in done.out
    assert err in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("variable", ["LC_ALL=C", "PYTHONIOENCODING=ascii", "PYTHONIOENCODING=latin-1"])
def test_where_utf8_is_not_spoken_the_box_is_ascii(variable: str) -> None:
    name, _, value = variable.partition("=")
    done = call("--headless", "--limit", "5", env=environment(**{"PYTHONIOENCODING": None, name: value}))
    assert done.code == 0, done.told
    assert done.out.isascii()
    assert "PIPELINE STATUS: * HEALTHY" in done.out


def test_without_a_terminal_it_says_so_and_runs_headless() -> None:
    done = call("--limit", "5")
    assert done.code == 0
    assert done.err == "Running headless: stdin and stderr are no terminals.\n"
    assert BOX in done.out


def test_progress_is_told_in_lines_where_there_is_no_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headless, "LINES_EVERY_S", 0.05)
    monkeypatch.setattr(headless, "POLL_S", 0.01)
    done = run_here(write(tmp_path / "p.py", files.HEALTHY), "--rate", "400")
    assert done.code == 0, done.told
    for stage in ("ingestion", "odd", "output"):
        assert f"s  {stage} " in done.err
    assert "rejected" in done.err
    assert "\r" not in done.err
    assert "\x1b" not in done.err


def test_a_terminal_shows_a_bar_and_is_left_clean(tmp_path: Path) -> None:
    pexpect = pytest.importorskip("pexpect")
    arguments = [str(ROOT / "monitor.py"), "--headless", "--limit", "100", "--rate", "120", "--seed", "1"]
    child = pexpect.spawn(
        sys.executable,
        arguments,
        cwd=str(tmp_path),
        env=environment(TERM="xterm-256color", PYTHONIOENCODING="utf-8"),
        encoding="utf-8",
        dimensions=(24, 30),
        timeout=DEADLINE_S,
    )
    try:
        child.expect(r"\r\x1b\[2K(demo \[[^\r\n]*)\r")
        assert len(child.match[1]) < 30
        child.expect_exact("\r\x1b[2K╔")
        child.expect("100 input records")
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 0
    finally:
        child.close(force=True)


def test_a_dumb_terminal_gets_neither_screen_nor_bar(tmp_path: Path) -> None:
    pexpect = pytest.importorskip("pexpect")
    text, code = pexpect.run(
        f"{sys.executable} {ROOT / 'monitor.py'} --limit 40 --rate 100",
        cwd=str(tmp_path),
        env=environment(TERM="dumb", PYTHONIOENCODING="utf-8"),
        encoding="utf-8",
        timeout=DEADLINE_S,
        withexitstatus=True,
    )
    assert code == 0, text
    assert "TERM is empty or dumb" in text
    assert "\x1b" not in text


def test_what_users_and_records_say_reaches_the_terminal_without_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    narrator.say("one\ttab \x1b[31mred\x07\nnext \u202eline")
    assert capsys.readouterr().err == "one     tab \\x1b[31mred\\x07\nnext \\u202eline\n"


@pytest.mark.parametrize("name", ["-m launcher", "monitor.py"])
def test_messages_begin_with_the_name_that_it_was_called_by(name: str) -> None:
    done = shell(f"'{sys.executable}' {name} --nope", cwd=ROOT)
    assert done.code == 2
    assert done.err.startswith("pipeline-monitor: " if "launcher" in name else "monitor.py: ")


def test_the_json_report_is_utf8_in_every_locale(tmp_path: Path) -> None:
    file = write(tmp_path / "p.py", files.HEALTHY.replace('"numbers"', '"Zahlen ü"'))
    done = call(
        "run", file, "--headless", "--json", "-", env=environment(LC_ALL="C", PYTHONIOENCODING="ascii")
    )
    assert json.loads(done.out)["pipeline"] == "Zahlen ü"
