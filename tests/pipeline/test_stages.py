"""What a stateful stage may do with a record, and which name and fate the result has."""

from __future__ import annotations

import pytest

from pipeline.batch import Partition
from pipeline.ids import Id
from pipeline.stages import Child, Dropped, Family, Merger, Record, Stage

_P, _Q = Partition("s", "p"), Partition("s", "q")


def record(offset: int, partition: Partition = _P, read_at: float = 0.0) -> Record:
    return Record(partition, Id(offset), f"v{offset}", read_at)


def test_a_record_tells_its_name_and_value() -> None:
    one = record(7)
    assert (one.id, one.partition, one.value) == ("s/p:7", "s/p", "v7")
    assert repr(one) == "<Record s/p:7 'v7'>"
    other = one.replace("new")
    assert (other.id, other.value, one.value) == ("s/p:7", "new", "v7")


def test_children_are_named_after_their_parent() -> None:
    first, second = record(7).split(["a", "b"])
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert (first.id, second.id) == ("s/p:7.0", "s/p:7.1")
    assert (first.value, second.value) == ("a", "b")
    changed = second.replace("c")
    assert isinstance(changed, Child)
    assert changed.id == "s/p:7.1"
    grand = changed.split([1, 2, 3])[2]
    assert isinstance(grand, Record)
    assert grand.id == "s/p:7.1.2"
    assert list(grand._lineage()) == [Family(_P, Id(7), 2), Family(_P, Id(7, "1"), 3)]


def test_of_no_children_the_record_is_filtered() -> None:
    (only,) = record(7).split([])
    assert isinstance(only, Dropped)
    assert (only.record.id, only.reason) == ("s/p:7", None)


def test_a_dropped_record_says_why() -> None:
    one = record(1)
    assert one.filtered() == Dropped(one, None)
    assert one.rejected("too late") == Dropped(one, "too late")


def test_a_merged_record_stands_for_the_others_and_is_as_old_as_the_oldest() -> None:
    merged = Record.merge([record(1, read_at=5.0), record(2, _Q, read_at=3.0), record(3, read_at=9.0)], "sum")
    assert (merged.id, merged.value, merged._read_at) == ("s/p:3", "sum", 3.0)
    assert list(merged._lineage()) == [Merger(_P, Id(3), ((_P, Id(1)), (_Q, Id(2))))]
    assert list(merged.replace("x")._lineage()) == list(merged._lineage())
    alone = Record.merge([record(4)], "same")
    assert (alone.id, list(alone._lineage())) == ("s/p:4", [])
    with pytest.raises(ValueError, match="at least one"):
        Record.merge([], "none")


def test_merged_again_it_still_stands_for_all() -> None:
    inner = Record.merge([record(1), record(2)], "inner")
    outer = Record.merge([record(0), inner, record(3)], "outer")
    (merger,) = outer._lineage()
    assert isinstance(merger, Merger)
    assert merger.leader == Id(3)
    assert set(merger.followers) == {(_P, Id(0)), (_P, Id(1)), (_P, Id(2))}
    last = Record.merge([record(4), outer], "last")
    (merger,) = last._lineage()
    assert isinstance(merger, Merger)
    assert merger.leader == Id(3)
    assert set(merger.followers) == {(_P, Id(n)) for n in (0, 1, 2, 4)}


def test_merged_children_bring_their_families_along() -> None:
    children = [each for each in record(7).split(["a", "b"]) if isinstance(each, Record)]
    merged = Record.merge(children, "ab")
    assert list(merged._lineage()) == [Family(_P, Id(7), 2), Merger(_P, Id(7, "1"), ((_P, Id(7, "0")),))]
    (child, _) = merged.split([1, 2])
    assert isinstance(child, Record)
    assert list(child._lineage()) == [*merged._lineage(), Family(_P, Id(7, "1"), 2)]


def test_a_stage_that_does_not_override_anything_holds_and_opens_nothing() -> None:
    stage = Stage()
    stage.open()
    assert list(stage.flush()) == []
    stage.close()
    with pytest.raises(NotImplementedError, match="Stage must define process"):
        stage.process([])
