"""Dead letters sent again from the screen of a run that is over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.engine import Options
from pipeline.errors import ConfigurationError
from run import loader
from run.dlq.resending import Resending
from run.live import Resent
from run.lock import exclusive
from run.session import Session
from run.state import open_store
from tests.run.command import DEADLINE_S
from tests.run.test_dlq import LETTERS, RECORDS, ids, orders


def ran(file: Path) -> tuple[Session, Resending]:
    """A run that is over, with what its screen may ask for."""
    pipeline = loader.load(str(file))
    resending = Resending(str(file), pipeline, None, Options(), DEADLINE_S)
    store = open_store(pipeline, None, fresh=False)
    session = Session(pipeline, Options(), store=store, resends=resending)
    with pytest.raises(ConfigurationError, match="still writes"):
        session.resend_letters([])
    session.start()
    assert session.wait(DEADLINE_S)
    return session, resending


def sent(session: Session, resending: Resending, *ids: str) -> Resent:
    session.resend_letters(ids)
    assert resending.wait(DEADLINE_S)
    assert session.resent is not None
    assert not session.resent.under_way
    return session.resent


def names(session: Session) -> list[str]:
    return [letter.id for letter in session.letters("", 0, 1_000)]


def test_one_or_all_of_them_go_through_the_file_as_it_is_now(tmp_path: Path) -> None:
    file = orders(tmp_path)
    with exclusive(loader.load(str(file)), None):  # as the command has it while its screen is up
        session, resending = ran(file)
        assert "resend" in session.powers
        assert len(names(session)) == LETTERS
        again = sent(session, resending, "in/in.jsonl:10")
        assert (again.number, again.sound) == (1, True)
        assert again.text == f"Replayed 1 dead letter: 0 came off the list, {LETTERS} left on it."
        (tmp_path / "fixed").touch()
        one = sent(session, resending, "in/in.jsonl:10")
        assert one.text == f"Replayed 1 dead letter: 1 came off the list, {LETTERS - 1} left on it."
        assert "in/in.jsonl:10" not in names(session)
        assert 10 in ids(tmp_path)
        every = sent(session, resending)
        assert every.text == f"Replayed 20 dead letters: {LETTERS - 1} came off the list, 0 left on it."
        assert names(session) == []
        assert ids(tmp_path) == list(range(RECORDS))
        none = sent(session, resending)
        assert (none.number, none.sound, none.text) == (4, True, "There are no dead letters to replay.")
    assert session.report().snapshot.records.rejected == LETTERS, "the run was as it was"


def test_what_stands_in_the_way_is_told_and_changes_nothing(tmp_path: Path) -> None:
    file = orders(tmp_path)
    session, resending = ran(file)
    before = names(session), ids(tmp_path)
    missing = sent(session, resending, "in/in.jsonl:5")
    assert not missing.sound
    assert "no dead letter has the id" in missing.text
    text = file.read_text()
    file.write_text(f"{text}def (\n")
    broken = sent(session, resending)
    assert not broken.sound
    assert "SyntaxError" in broken.text
    assert "\n" not in broken.text
    file.write_text(text.replace("return order", "return open('/')"))
    (tmp_path / "fixed").touch()
    failing = sent(session, resending)
    assert failing.text.startswith("Replayed")
    assert len(names(session)) == LETTERS, "what fails again stays"
    assert ids(tmp_path) == before[1]
    assert all(json.loads(line)["attempts"] > 1 for line in session.engine.dead_letters.path.open())


def test_where_another_process_writes_to_the_mended_files_place_nothing_is_sent(tmp_path: Path) -> None:
    file = orders(tmp_path)
    session, resending = ran(file)
    elsewhere = (
        file.read_text().replace('"orders"', '"other"').replace('jsonl(here / "out', 'jsonl(here / "two')
    )
    file.write_text(elsewhere)
    with exclusive(loader.load(str(file)), None):
        refused = sent(session, resending)
    assert not refused.sound
    assert "is being run by another process" in refused.text


def test_a_run_without_progress_has_no_such_power(tmp_path: Path) -> None:
    session = Session(loader.load(str(orders(tmp_path))), Options())
    assert "resend" not in session.powers
    with pytest.raises(ConfigurationError, match="no progress"):
        session.resend_letters([])
