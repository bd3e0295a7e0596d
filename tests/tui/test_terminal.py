"""The terminal is given back on every kind of exit: the screen runs on a real pseudo-terminal."""

from __future__ import annotations

import contextlib
import random
import re
import shlex
import signal
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

ROOT = Path(__file__).parents[2]
DEADLINE_S = 30

ALTERNATE, CURSOR, FOCUS, PASTE = "1049", "25", "1004", "2004"
MOUSE = ("1000", "1002", "1003", "1006", "1015", "1016")


class Terminal:
    """A program on a pseudo-terminal, and the modes that it has put the terminal into."""

    def __init__(
        self, scenario: str, columns: int = 100, stdout: Path | None = None, **variables: str
    ) -> None:
        command = [sys.executable, "-m", "tests.tui.screen_program", scenario]
        redirection = f" > {shlex.quote(str(stdout))}" if stdout else ""
        line = f"exec {shlex.join(command)}{redirection}"
        if scenario == "orphan":
            # The program kills the shell that started it; the terminal's own shell lives on.
            line = f"({shlex.join(command)}; true); sleep 4; echo SHELL AGAIN"
        self.child = pexpect.spawn(
            "/bin/sh",
            ["-c", line],
            cwd=str(ROOT),
            dimensions=(30, columns),
            timeout=DEADLINE_S,
            encoding="utf-8",
            codec_errors="replace",
            env={
                "TERM": "xterm-256color",
                "PATH": "/usr/bin:/bin",
                "LANG": "C.UTF-8",
                "PYTHONPATH": str(ROOT),
                **variables,
            },
        )
        self.line_settings = termios.tcgetattr(self.child.child_fd)
        self.output = ""

    def wait_for(self, text: str) -> None:
        self.child.expect_exact(text)
        self.output += str(self.child.before) + str(self.child.after)

    def finish(self) -> int | None:
        """Wait for the program's end; gives its exit status."""
        self.child.expect(pexpect.EOF)
        self.output += str(self.child.before)
        self.child.close()
        return self.child.exitstatus

    @property
    def modes(self) -> dict[str, bool]:
        """Each mode that was ever set or reset, and whether it is set now."""
        modes = {}
        for numbers, letter in re.findall(r"\x1b\[\?([\d;]+)([hl])", self.output):
            for number in numbers.split(";"):
                modes[number] = letter == "h"
        return modes

    @property
    def after_screen(self) -> str:
        """What was written after the alternate screen was left."""
        return self.output.rpartition(f"\x1b[?{ALTERNATE}l")[2]

    def assert_restored(self) -> None:
        modes = self.modes
        assert modes[ALTERNATE] is False
        assert modes[CURSOR] is True
        for mode in (*MOUSE, FOCUS, PASTE):
            assert not modes.get(mode, False), f"mode {mode} is still on"


@pytest.fixture
def started() -> Iterator[list[Terminal]]:
    programs: list[Terminal] = []
    yield programs
    for program in programs:
        program.child.close(force=True)


def on_screen(started: list[Terminal], scenario: str, columns: int = 100) -> Terminal:
    terminal = Terminal(scenario, columns)
    started.append(terminal)
    terminal.wait_for("Records Processed")
    return terminal


def settings_now(terminal: Terminal) -> list[object]:
    return list(termios.tcgetattr(terminal.child.child_fd))


def test_q_on_a_run_that_is_over_leaves_at_once(started: list[Terminal]) -> None:
    terminal = on_screen(started, "ended")
    terminal.child.send("q")
    terminal.wait_for("STDOUT WORKS")
    assert settings_now(terminal)[:6] == terminal.line_settings[:6]
    assert terminal.finish() == 0
    terminal.assert_restored()
    assert "RESULT None [] handlers kept" in terminal.after_screen


def test_q_and_drain_gives_the_terminal_back(started: list[Terminal]) -> None:
    terminal = on_screen(started, "plain")
    terminal.child.send("q")
    terminal.wait_for("Drain and quit")
    terminal.child.send("d")
    assert terminal.finish() == 0
    terminal.assert_restored()
    assert "RESULT None ['drain'] handlers kept" in terminal.after_screen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_closes_the_screen_at_once_and_lets_the_run_drain(
    started: list[Terminal], number: signal.Signals
) -> None:
    terminal = on_screen(started, "stubborn")
    terminal.child.kill(number)
    assert terminal.finish() == 0
    terminal.assert_restored()
    assert f"RESULT {number.value} ['drain'] handlers kept" in terminal.after_screen


def test_the_first_sigint_drains_and_the_second_aborts(started: list[Terminal]) -> None:
    terminal = on_screen(started, "stubborn")
    terminal.child.kill(signal.SIGINT)
    terminal.wait_for("Draining")
    terminal.child.kill(signal.SIGINT)
    assert terminal.finish() == 0
    terminal.assert_restored()
    assert "RESULT 2 ['drain', 'abort'] handlers kept" in terminal.after_screen


def test_one_sigint_is_enough_where_the_run_drains(started: list[Terminal]) -> None:
    terminal = on_screen(started, "plain")
    terminal.child.kill(signal.SIGINT)
    assert terminal.finish() == 0
    terminal.assert_restored()
    assert "RESULT 2 ['drain'] handlers kept" in terminal.after_screen


def test_an_error_of_the_screen_is_shown_after_the_terminal_is_restored(started: list[Terminal]) -> None:
    terminal = Terminal("broken")
    started.append(terminal)
    assert terminal.finish() == 1
    terminal.assert_restored()
    assert "Traceback (most recent call last)" in terminal.after_screen
    assert "AttributeError" in terminal.after_screen
    assert "Traceback" not in terminal.output[: -len(terminal.after_screen)]


def test_what_stages_print_is_in_the_log_and_does_not_garble_the_screen(started: list[Terminal]) -> None:
    terminal = on_screen(started, "chatter")
    terminal.child.send("l")
    for way in ("child2", "child", "fd2", "fd1", "logging", "stderr", "print"):
        terminal.wait_for(f"STRAY {way}")
    terminal.child.send("q")
    terminal.wait_for("Drain and quit")
    terminal.child.send("d")
    assert terminal.finish() == 0
    terminal.assert_restored()
    assert "\nSTRAY" not in terminal.output


def test_a_window_that_closes_does_not_leave_the_program_behind(started: list[Terminal]) -> None:
    terminal = on_screen(started, "plain")
    child = terminal.child
    process = vars(child)["ptyproc"]
    process.fileobj.close()
    child.closed = process.closed = True
    end = time.monotonic() + DEADLINE_S
    while child.isalive():
        assert time.monotonic() < end, "the program still runs without its terminal"
        time.sleep(0.05)


def test_the_size_is_the_terminals_also_with_stdout_redirected(
    started: list[Terminal], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    terminal = Terminal("ended", columns=150, stdout=out)
    started.append(terminal)
    terminal.wait_for("FILTERED")
    terminal.child.send("q")
    assert terminal.finish() == 0
    terminal.assert_restored()
    assert out.read_text() == "STDOUT WORKS\n"


def test_a_storm_of_new_sizes_is_survived(started: list[Terminal]) -> None:
    terminal = on_screen(started, "full")
    chance = random.Random(5)
    for _ in range(200):
        terminal.child.setwinsize(chance.randint(1, 60), chance.randint(1, 200))
        time.sleep(0.02)
        # Who does not read holds the screen up, which then sees only the last of the sizes.
        with contextlib.suppress(pexpect.TIMEOUT):
            terminal.output += terminal.child.read_nonblocking(1 << 20, timeout=0)
    terminal.child.setwinsize(40, 120)
    terminal.child.send("4")
    terminal.wait_for("OBJECTS BY TYPE")
    terminal.child.send("q")
    terminal.wait_for("Drain and quit")
    terminal.child.send("d")
    assert terminal.finish() == 0
    terminal.assert_restored()


def test_without_colours_none_is_sent(started: list[Terminal]) -> None:
    terminal = Terminal("full", NO_COLOR="1")
    started.append(terminal)
    terminal.wait_for("Records Processed")
    terminal.child.send("8")
    terminal.wait_for("CAUSES")
    terminal.child.kill(signal.SIGTERM)
    assert terminal.finish() == 0
    terminal.assert_restored()
    colours = re.findall(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;\d+)*m", terminal.output)
    assert not colours


def test_a_terminal_without_utf_8_is_sent_ascii(started: list[Terminal]) -> None:
    terminal = Terminal("full", LC_ALL="C", LANG="C")
    started.append(terminal)
    terminal.wait_for("Records Processed")
    for key, word in (("7", "FAULT"), ("8", "CAUSES"), ("f", "which fault")):
        terminal.child.send(key)
        terminal.wait_for(word)
    terminal.child.kill(signal.SIGTERM)
    assert terminal.finish() == 0
    terminal.assert_restored()
    assert terminal.output.isascii()
    assert "\\u" not in terminal.output


def test_a_mouse_is_taken_and_answered(started: list[Terminal]) -> None:
    terminal = on_screen(started, "full")
    assert any(terminal.modes.get(mode) for mode in MOUSE)
    # A click on the third tab, as a terminal tells it: 20 cells on, on the third line.
    terminal.child.send("\x1b[<0;20;3M\x1b[<0;20;3m")
    terminal.wait_for("SOURCES")
    terminal.child.kill(signal.SIGTERM)
    assert terminal.finish() == 0
    terminal.assert_restored()


def test_without_a_mouse_the_terminal_keeps_it(started: list[Terminal]) -> None:
    terminal = on_screen(started, "mouseless")
    terminal.child.kill(signal.SIGTERM)
    assert terminal.finish() == 0
    assert not any(mode in terminal.modes for mode in MOUSE)


def test_nothing_that_a_record_says_reaches_the_terminal(started: list[Terminal]) -> None:
    terminal = on_screen(started, "nasty", columns=240)
    terminal.child.send("5")
    terminal.wait_for("SAMPLED")
    terminal.child.send("\r")
    terminal.wait_for("unchanged")
    terminal.child.kill(signal.SIGTERM)
    assert terminal.finish() == 0
    terminal.assert_restored()
    assert "[red]x[/red] \\x1b]0;owned" in terminal.output
    for sequence in ("\x1b]0;owned", "\x9b5n", "\u202e"):
        assert sequence not in terminal.output


def test_the_death_of_whoever_started_it_gives_the_terminal_back(started: list[Terminal]) -> None:
    terminal = on_screen(started, "orphan")
    terminal.wait_for("SHELL AGAIN")
    terminal.finish()
    terminal.assert_restored()
    assert "RESULT 1 ['drain'] handlers kept" in terminal.after_screen
