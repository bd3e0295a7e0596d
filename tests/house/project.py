"""What the tests of the house read from the project's own files."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]


def settings() -> dict[str, Any]:
    """The whole of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def requirements() -> dict[str, list[Requirement]]:
    """Every requirement by where it stands: ``core``, an extra's name, or a group's name."""
    everything = settings()
    project = everything["project"]
    named: dict[str, list[str]] = {
        "core": project["dependencies"],
        **project["optional-dependencies"],
        **everything["dependency-groups"],
    }
    return {place: [Requirement(text) for text in texts] for place, texts in named.items()}


def packages() -> set[str]:
    """The top-level folders that are part of the product."""
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    return folders - {"tests", "benchmarks", "examples", "launcher"}
