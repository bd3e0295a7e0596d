"""Which modules are the user's."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

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


def test_a_module_is_where_its_link_leads(tmp_path: Path) -> None:
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    project.mkdir()
    elsewhere.mkdir()
    for folder, name in ((project, "prices.py"), (elsewhere, "rates.py")):
        (folder / name).write_text("", encoding="utf-8")
    (elsewhere / "prices.py").symlink_to(project / "prices.py")
    (tmp_path / "linked").symlink_to(project)
    code = ours.UserCode()
    code.meet({"__name__": "orders", "__file__": str(project / "orders.py")})
    assert code.beside({"__name__": "prices", "__file__": str(elsewhere / "prices.py")})
    assert code.beside({"__name__": "prices", "__file__": str(tmp_path / "linked/prices.py")})
    assert not code.beside({"__name__": "rates", "__file__": str(elsewhere / "rates.py")})


def test_a_module_that_is_imported_later_or_gone_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def names() -> list[str]:
        code = ours.UserCode()
        code.meet({"__name__": "orders", "__file__": str(tmp_path / "orders.py")})
        return [space["__name__"] for space in code.all_beside()]

    assert names() == []
    late = ModuleType("late_prices")
    late.__file__ = str(tmp_path / "late_prices.py")
    monkeypatch.setitem(sys.modules, "late_prices", late)
    assert names() == names() == ["late_prices"]
    monkeypatch.delitem(sys.modules, "late_prices")
    assert names() == []
