"""Each dependency has its reason, and each lock pins what the project asks for."""

from __future__ import annotations

import re

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.project import ROOT, requirements

LOCKS = {
    "requirements.lock": ["core"],
    "requirements-dev.lock": ["core", "parquet", "polars", "postgres", "pydantic", "examples", "dev"],
    "requirements-bench.lock": ["core", "bench"],
}


def pins(lock: str) -> dict[str, list[Requirement]]:
    """The pinned packages of a lock by name; a name has several where versions differ by platform."""
    found: dict[str, list[Requirement]] = {}
    for line in (ROOT / lock).read_text().splitlines():
        if line and not line.startswith((" ", "#")):
            pin = Requirement(line.removesuffix("\\").strip())
            found.setdefault(canonicalize_name(pin.name), []).append(pin)
    return found


def test_every_dependency_has_its_reason_and_no_other_is_named() -> None:
    rows = [
        line for line in (ROOT / "docs/dependencies.md").read_text().splitlines() if line.startswith("| `")
    ]
    asked = {requirement.name for group in requirements().values() for requirement in group}
    extras = {name for name in requirements() if name not in {"core", "dev", "bench"}}
    named: set[str] = set()
    for row in rows:
        cells = row.strip("|").split("|")
        assert len(cells) >= 2, row
        assert all(cell.strip() for cell in cells), f"no reason is given in: {row}"
        # An extra's row names the extra first; one of the same name as its package is fine.
        named |= set(re.findall(r"`([\w-]+)`", cells[0] + (cells[1] if len(cells) == 3 else "")))
    assert asked <= named, f"docs/dependencies.md says nothing of {sorted(asked - named)}"
    strangers = (
        {name for row in rows for name in re.findall(r"`([\w-]+)`", row.split("|")[1])} - asked - extras
    )
    assert not strangers, f"docs/dependencies.md explains what nothing asks for: {sorted(strangers)}"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_what_is_asked_for(lock: str) -> None:
    pinned = pins(lock)
    for place in LOCKS[lock]:
        for requirement in requirements()[place]:
            name = canonicalize_name(requirement.name)
            assert name in pinned, f"{lock} lacks {requirement}: run `make lock`"
            for pin in pinned[name]:
                version = next(iter(pin.specifier)).version
                assert requirement.specifier.contains(version), (
                    f"{lock}: {pin} is not {requirement}: run `make lock`"
                )


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_is_exact_hashed_and_names_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "http" not in text
    assert "--find-links" not in text
    for entry in re.split(r"\n(?=\w)", text.split("\n", 2)[2]):
        assert re.match(r"[\w.-]+==[\w.]+", entry), entry
        assert "--hash=sha256:" in entry, f"no hash: {entry}"


def test_the_locks_agree() -> None:
    core = pins("requirements.lock")
    for lock in LOCKS:
        for name, pin in core.items():
            assert pins(lock)[name] == pin, f"{lock} pins another {name}: run `make lock`"
