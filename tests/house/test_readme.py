"""What the documents print works: commands, pipelines, output, links, and the tables of keys and codes."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from metrics.definitions.measures import MEASURES
from metrics.verdict import EXIT_FAILED, EXIT_LEDGER, EXIT_THRESHOLD
from run import exit_codes
from run.commands import COMMANDS
from tests.house.project import ROOT, settings
from tests.run.command import here
from tui.actions import ACTIONS
from tui.look import Look
from tui.views.tabs import tabs

README = ROOT / "README.md"
GUIDE = ROOT / "docs/writing-a-pipeline.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
SCREEN_GUIDE = ROOT / "docs/screen.md"
PICTURES = {name: ROOT / f"docs/images/{name}.svg" for name in ("home", "memory", "records", "diagnosis")}
MARK = re.compile(r"<!-- runs: exit (\d+) -->")
FIGURES = re.compile(r"(METRICS \(last |Throughput: |Avg Latency: |Memory: ).*")


@dataclass(frozen=True)
class Block:
    """A fenced block; ``exit`` is set on those that are marked to be run."""

    line: int
    kind: str
    text: str
    exit: int | None


def blocks(document: Path) -> list[Block]:
    found: list[Block] = []
    lines = iter(enumerate(document.read_text(encoding="utf-8").splitlines(), 1))
    mark = None
    for number, line in lines:
        if line.startswith("```"):
            body = list(_until_fence(lines))
            found.append(Block(number, line[3:], "\n".join(body), int(mark[1]) if mark else None))
            mark = None
        elif line:
            mark = MARK.fullmatch(line)
    return found


def _until_fence(lines: Iterator[tuple[int, str]]) -> Iterator[str]:
    for _, line in lines:
        if line == "```":
            return
        yield line


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like the checkout to a reader's commands, and may be written to."""
    folder = tmp_path_factory.mktemp("checkout")
    for path in ROOT.iterdir():
        if path.name != "examples" and not path.name.startswith("."):
            (folder / path.name).symlink_to(path)
    (folder / "examples").mkdir()
    for path in (ROOT / "examples").glob("*.py"):
        (folder / "examples" / path.name).write_bytes(path.read_bytes())
    (folder / "bin").mkdir()
    (folder / "bin/python").symlink_to(sys.executable)
    return folder


def shell(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "EXAMPLES_OUT"}
    environment["PATH"] = f"{folder / 'bin'}{os.pathsep}{environment['PATH']}"
    # A link to an interpreter alone would forget its environment.
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path and path != str(ROOT))
    environment["PYTHONIOENCODING"] = "utf-8"
    return subprocess.run(
        ["sh", "-e", "-c", text],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=100,
    )


def steady(text: str) -> str:
    """Output without what differs from run to run: figures, paths, and where a frame breaks its lines."""
    lines = (FIGURES.sub(r"\1", line.strip("║╔╗╠╣╚╝═ ")).strip() for line in text.splitlines())
    return " ".join(line for line in lines if line).partition("Rejected records:")[0]


@pytest.mark.timeout(400)  # dozens of processes, on a machine that may be busy
def test_every_command_of_the_readme_runs_as_printed_and_prints_what_is_shown(checkout: Path) -> None:
    found = blocks(README)
    (pipeline,) = [block for block in found if block.kind == "python"]
    (checkout / "orders.py").write_text(pipeline.text, encoding="utf-8")
    ran = 0
    for block, behind in zip(found, [*found[1:], None], strict=True):
        if block.exit is None:
            continue
        done = shell(block.text, checkout)
        where = f"README.md, line {block.line}"
        assert done.returncode == block.exit, f"{where}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        if behind is not None and behind.kind == "text":
            assert steady(done.stdout) == steady(behind.text), where
        ran += 1
    assert ran >= 6
    assert (checkout / "junit.xml").exists()
    assert (checkout / "report.html").exists()


def test_the_blocks_of_the_guide_are_one_pipeline_that_runs(checkout: Path) -> None:
    text = "\n\n".join(block.text for block in blocks(GUIDE) if block.kind == "python")
    (checkout / "guide.py").write_text(text, encoding="utf-8")
    done = shell("python monitor.py run guide.py --headless", checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "HEALTHY" in done.stdout


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_python_in_documents_is_python(document: Path) -> None:
    for block in blocks(document):
        if block.kind == "python":
            ast.parse(block.text, f"{document.name}, line {block.line}")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = document.parent / name if name else document
        assert path.exists(), f"{document.name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in anchors, f"{document.name}: {target}"


def test_commands_name_options_that_exist(checkout: Path) -> None:
    helped = shell("python monitor.py run --help", checkout).stdout
    helped += "".join(here(command.name, "--help").out for command in COMMANDS)
    offered = set(re.findall(r"--[a-z-]+", helped))
    assert {"--headless", "--read-only"} <= offered
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        commands = "\n".join(re.findall(r"(?:monitor\.py|pipeline-monitor) [^`\n]*", text))
        named = {*re.findall(r"(?<= )--[a-z-]+", commands), *re.findall(r"`(--[a-z-]+)", text)}
        assert named <= offered, document.name


def test_the_tables_of_the_readme_are_complete() -> None:
    text = README.read_text(encoding="utf-8")
    keys = SCREEN_GUIDE.read_text(encoding="utf-8").partition("## Keys")[2]
    for action in ACTIONS:
        shown = ", ".join(f"`{key}`" for key in action.shown.split(" "))
        row = f"| {shown} | `{action.id}` | {action.title} |"
        assert row in keys, f"{SCREEN_GUIDE.name} lacks the line {row}"
    cells = re.findall(r"^\| ([\d, ]+) \|", text, re.MULTILINE)
    codes = {int(code) for cell in cells for code in cell.split(",")}
    named = {value for name, value in vars(exit_codes).items() if name.isupper() and isinstance(value, int)}
    assert codes == {EXIT_FAILED, EXIT_LEDGER, EXIT_THRESHOLD, *named}


def test_the_readme_names_every_option(checkout: Path) -> None:
    text = README.read_text(encoding="utf-8")
    for option in re.findall(
        r"^  (--[a-z-]+)", shell("python monitor.py run --help", checkout).stdout, re.MULTILINE
    ):
        assert f"`{option}" in text, f"README.md says nothing of {option}"


def test_the_guide_names_every_measure() -> None:
    section = GUIDE.read_text(encoding="utf-8").partition("## Thresholds")[2]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(MEASURES)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_loads_nothing_and_shows_todays_screen(name: str) -> None:
    text = PICTURES[name].read_text(encoding="utf-8")
    assert "@font-face" not in text
    assert set(re.findall(r"https?://[^\"'<)\s]+", text)) == {"http://www.w3.org/2000/svg"}
    shown = "".join(ElementTree.fromstring(text).itertext()).replace("\xa0", " ")
    assert " ".join(tabs(120, Look(), name, ACTIONS).text.split()) in " ".join(shown.split())
    words = {
        "home": ("STAGES", "METRICS", "THROUGHPUT", "MEMORY", "EVENTS", "departed"),
        "memory": ("CACHES", "OBJECTS BY TYPE"),
        "records": ("RECORDS", "FOLLOWING", "enrich"),
        "diagnosis": ("DIAGNOSIS", "CONCLUDED", "IT IS", "Fix:"),
    }[name]
    missing = [word for word in words if word not in shown]
    assert not missing, f"{missing} not in the picture: python -m docs.screenshot"


def test_the_changelog_has_the_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{settings()['project']['version']}]" in text
