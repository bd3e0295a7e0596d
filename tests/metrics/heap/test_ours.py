"""Which modules are the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from metrics.heap import ours


def test_an_environment_in_the_projects_folder_is_not_the_users_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / ".venv/lib/site-packages"
    monkeypatch.setattr(ours, "_LIBRARIES", (str(installed),))
    code = ours.UserCode()
    code.meet({"__name__": "orders", "__file__": str(tmp_path / "orders.py")})
    beside = {"__name__": "prices", "__file__": str(tmp_path / "prices.py")}
    library = {"__name__": "rich.cells", "__file__": str(installed / "rich/cells.py")}
    assert code.owns(beside)
    assert code.beside(beside)
    assert not code.owns(library)
    assert not code.beside(library)


def test_a_stage_that_is_installed_is_the_users_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, "_LIBRARIES", (str(tmp_path),))
    code = ours.UserCode()
    code.meet({"__name__": "shop.stages", "__file__": str(tmp_path / "shop/stages.py")})
    assert code.owns({"__name__": "shop.prices", "__file__": str(tmp_path / "shop/prices.py")})
    assert not code.owns({"__name__": "rich.cells", "__file__": str(tmp_path / "rich/cells.py")})
