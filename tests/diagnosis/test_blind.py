"""Who diagnoses cannot import, see or be told which fault was put in."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from diagnosis.observation import Observation
from pipeline.faults import catalogue
from run.diagnose.launcher import TrialLauncher
from run.tampering import sealed
from tests.house.project import ROOT

PIPELINE = """
from pipeline import Pipeline, count, generated

made = Pipeline("made", batch_size=20)
made.read(generated("orders", records=300))


@made.stage
def slim(order):
    return {"id": order["id"]}


made.write(count())
"""


def test_no_file_of_it_imports_faults_or_the_engine() -> None:
    for path in (ROOT / "diagnosis").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert not name.startswith(("pipeline.faults", "pipeline.engine", "run")), path
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert "MONITOR_CONTEXT" not in node.value, path


def test_importing_all_of_it_brings_in_no_fault() -> None:
    code = (
        "import sys, diagnosis.engine; bad = ('pipeline.faults', 'pipeline.engine', 'run'); "
        "print([name for name in sys.modules if name.startswith(bad)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def _observed(tmp_path: Path, faults: list[str]) -> Observation:
    from diagnosis.change import Change

    file = tmp_path / "made.py"
    file.write_text(PIPELINE, encoding="utf-8")
    context = tmp_path / "context"
    context.write_text(sealed(faults), encoding="ascii")
    return TrialLauncher(str(file), context=context).launch(Change(batch_size=20), 60.0)


def test_an_observation_of_a_run_with_a_fault_names_none(tmp_path: Path) -> None:
    from diagnosis.observation import to_json

    run = _observed(tmp_path, ["leak.dict@slim,intensity=high"])
    assert run.ending == "complete"
    assert any(each.lengths[-1] >= 290 for each in run.containers), run.containers
    document = to_json(run)
    for variant in catalogue.VARIANTS:
        assert variant.name not in document
    assert "pipeline/faults" not in document
    assert "MONITOR_CONTEXT" not in document
