"""The ledger against a tree of plain dicts: any reading, splitting, merging and committing balances."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.batch import Partition
from pipeline.ids import NO_IDS, Id, Ids
from pipeline.ledger import Ledger
from pipeline.ledger_books import Fate

_PARTITIONS = [Partition("s", "p"), Partition("s", "q")]
Node = tuple[Partition, Id]


@dataclass
class Model:
    """Every record that was read and every child, and what became of each."""

    read: list[Node] = field(default_factory=list)
    children: dict[Node, list[Node]] = field(default_factory=dict)
    leader: dict[Node, Node] = field(default_factory=dict)
    fate: dict[Node, Fate] = field(default_factory=dict)
    duplicated: list[str] = field(default_factory=list)
    unwritten: set[Node] = field(default_factory=set)

    def leaves(self, node: Node) -> Iterator[Node]:
        """The node itself, or those of its descendants that have no children."""
        if node not in self.children:
            yield node
            return
        for child in self.children[node]:
            yield from self.leaves(child)

    def fates(self, node: Node) -> set[Fate | None]:
        """What became of the leaves of a node; None stands for one that is open."""
        found: set[Fate | None] = set()
        for leaf in self.leaves(node):
            if leaf in self.leader:
                found |= self.fates(self.leader[leaf])
            else:
                found.add(self.fate.get(leaf))
        return found

    def settle(self, node: Node, fate: Fate) -> None:
        if node in self.fate or node in self.children:
            self.duplicated.append(node[0].record(node[1]))
        else:
            self.fate[node] = fate
            self.unwritten.discard(node)

    @property
    def open_leaves(self) -> list[Node]:
        """What a stage or a sink may have in hand now."""
        leaves = [leaf for root in self.read for leaf in self.leaves(root)]
        return [leaf for leaf in leaves if leaf not in self.fate and leaf not in self.leader]

    def count(self, partition: Partition, fate: Fate | None) -> int:
        """Records read from the partition that met this fate (None: that are open)."""
        return sum(1 for root in self.read if root[0] == partition and self._final(root) == fate)

    def lost(self) -> list[str]:
        return [
            leaf[0].record(leaf[1])
            for root in sorted(self.read, key=lambda node: node[1].offset)
            if self._final(root) is None
            for leaf in self.leaves(root)
            if None in self.fates(leaf)
        ]

    def _final(self, root: Node) -> Fate | None:
        fates = self.fates(root)
        weights: tuple[Fate | None, ...] = (None, "rejected", "delivered", "filtered")
        return next(fate for fate in weights if fate in fates)


class Run:
    """The same random deeds, done to a ledger and to a model."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.ledger = Ledger()
        self.model = Model()
        self.next_offset = dict.fromkeys(_PARTITIONS, 0)
        self.read_at: dict[Node, float] = {}

    def do(self) -> None:
        self.chance.choice([self.read, self.read, self.split, self.merge, self.commit, self.commit])()

    def read(self) -> None:
        partition = self.chance.choice(_PARTITIONS)
        start = self.next_offset[partition] + self.chance.choice([0, 0, 2])
        ids = Ids.span(start, start + self.chance.randint(1, 6))
        self.next_offset[partition] = ids.runs[-1].stop
        at = float(len(self.model.read))
        self.ledger.read(partition, ids, at)
        self.model.read += [(partition, id) for id in ids]
        self.read_at.update({(partition, id): at for id in ids})

    def split(self) -> None:
        model, chance = self.model, self.chance
        for partition, parent in self.some(self.on_their_way(), 3):
            count = chance.randint(2, 3)
            assert self.ledger.fan_out(partition, [(parent, count)]) == [(parent, count)]
            assert not self.ledger.fan_out(partition, [(parent, count)]), "told again, it changes nothing"
            model.children[partition, parent] = [(partition, parent.child(n)) for n in range(count)]

    def merge(self) -> None:
        group = self.some(self.on_their_way(), 4)
        if len(group) < 2:
            return
        *followers, leader = group
        assert self.ledger.merge(leader[0], leader[1], followers) == len(followers)
        assert self.ledger.merge(leader[0], leader[1], followers) == 0, "told again, it changes nothing"
        self.model.leader.update(dict.fromkeys(followers, leader))

    def commit(self) -> None:
        chance, model = self.chance, self.model
        partition = chance.choice(_PARTITIONS)
        mine = [node for node in self.some(model.open_leaves, 8) if node[0] == partition]
        delivered = [node for node in mine if chance.random() < 0.6]
        others = [node for node in mine if node not in delivered]
        filtered = [node for node in others if chance.random() < 0.5]
        rejected = [node for node in others if node not in filtered]
        if chance.random() < 0.2:
            again = [n for n in (*model.fate, *model.children) if n[0] == partition and n not in model.leader]
            delivered += self.some(again, 2)
        before = {p: self.counted(p) for p in _PARTITIONS}
        given = Ids.named(id for _, id in delivered)
        unwritten: list[Node] = []
        if chance.random() < 0.5:
            written = [(id, 1) for id in given]
            receipt: Ids | list[Id] = given
        else:
            written = [(id, chance.choice([0, 1, 1, 1, 2])) for id in given]
            receipt = [id for id, times in written for _ in range(times)]
            unwritten = [(partition, id) for id, times in written if not times]
            late = [node for node in model.unwritten if node[0] == partition and node not in delivered]
            for _, id in self.some([n for n in late if n not in filtered + rejected], 1):
                receipt.append(id)
                written.append((id, 1))
        settled = self.ledger.commit(
            partition, given, receipt, [Ids.named(id for _, id in filtered)], [id for _, id in rejected]
        )
        model.unwritten |= {n for n in unwritten if n not in model.fate and n not in model.children}
        for id, times in written:
            for _ in range(times):
                model.settle((partition, id), "delivered")
        for node in filtered:
            model.settle(node, "filtered")
        for node in rejected:
            model.settle(node, "rejected")
        parts = dict([(partition, settled), *settled.elsewhere])
        for p in _PARTITIONS:
            part = parts.get(p)
            told = (part.delivered, part.filtered, part.rejected) if part else (0, 0, 0)
            assert tuple(a - b for a, b in zip(self.counted(p), before[p], strict=True)) == told

    def counted(self, partition: Partition) -> tuple[int, int, int]:
        line = dict(self.ledger.partitions()).get(partition)
        return (line.delivered, line.filtered, line.rejected) if line else (0, 0, 0)

    def on_their_way(self) -> list[Node]:
        """What has not been given to the sink yet."""
        return [node for node in self.model.open_leaves if node not in self.model.unwritten]

    def some(self, nodes: list[Node], most: int) -> list[Node]:
        return self.chance.sample(nodes, min(len(nodes), self.chance.randint(0, most)))

    def check(self) -> None:
        for partition, line in self.ledger.partitions():
            model = self.model
            assert line.balanced
            assert line.read == sum(1 for node in model.read if node[0] == partition)
            assert line.delivered == model.count(partition, "delivered")
            assert line.filtered == model.count(partition, "filtered")
            assert line.rejected == model.count(partition, "rejected")
            assert line.in_flight + line.lost == model.count(partition, None)
            assert line.in_flight >= 0
            unwritten = {id for p, id in model.unwritten if p == partition and not id.path}
            assert line.lost == len(unwritten)
            open = [id.offset for p, id in model.read if p == partition and None in model.fates((p, id))]
            assert self.ledger.watermark(partition) == min(open, default=None)
            waiting = [self.read_at[partition, Id(offset)] for offset in open if Id(offset) not in unwritten]
            assert line.since == min(waiting, default=None)
        counts, lines = self.ledger.counts(), [line for _, line in self.ledger.partitions()]
        assert counts.balanced
        assert counts.since == min((line.since for line in lines if line.since is not None), default=None)
        assert Counter(self.ledger.duplicated_ids()) == Counter(self.model.duplicated)


@settings(max_examples=400)
@given(st.integers(0, 1 << 40), st.integers(1, 40))
def test_any_history_balances_and_names_what_is_lost_and_what_came_twice(seed: int, deeds: int) -> None:
    run = Run(seed)
    for _ in range(deeds):
        run.do()
        run.check()
    ledger, model = run.ledger, run.model
    ledger.close(complete=True)
    counts = ledger.counts()
    assert counts.balanced
    assert counts.in_flight == 0
    assert sorted(ledger.lost_ids()) == sorted(model.lost())
    assert counts.duplicated == len(model.duplicated)
    assert counts.lost == sum(model.count(partition, None) for partition in _PARTITIONS)


def test_after_an_abort_what_is_open_is_in_flight() -> None:
    ledger, partition = Ledger(), _PARTITIONS[0]
    ledger.read(partition, Ids.span(0, 10), 0.0)
    given = Ids.span(0, 4)
    ledger.commit(partition, given, given, [], [])
    ledger.close(complete=False)
    counts = ledger.counts()
    assert (counts.in_flight, counts.lost, counts.delivered) == (6, 0, 4)
    assert ledger.lost_ids() == []


def test_ten_million_ids_with_ten_thousand_holes_stay_small() -> None:
    ledger, partition = Ledger(), _PARTITIONS[0]
    holes = range(0, 10_000_000, 1_000)
    for start in holes:
        ledger.read(partition, Ids.span(start, start + 1_000), 0.0)
        given = Ids.span(start + 1, start + 1_000)
        ledger.commit(partition, given, given, [], [])
    book = ledger._accounts.books[partition]
    assert len(book.open.serialize()) < 64_000
    ledger.close(complete=True)
    assert ledger.counts().lost == len(holes)
    assert ledger.lost_ids(limit=3) == ["s/p:0", "s/p:1000", "s/p:2000"]
    assert len(ledger.lost_ids()) == 1_000


def test_what_is_remembered_of_reads_follows_what_is_in_flight() -> None:
    ledger, partition = Ledger(), _PARTITIONS[0]
    ledger.read(partition, Ids.span(0, 1), 7.0)  # held back for ever
    for start in range(1, 1_000_000, 10):
        ids = Ids.span(start, start + 10)
        ledger.read(partition, ids, 8.0)
        ledger.commit(partition, ids, ids, [], [])
    assert ledger.counts().since == 7.0
    assert len(ledger._accounts.books[partition].arrivals) < 200


def test_a_commit_that_is_taken_back_forgets_no_time() -> None:
    ledger, partition = Ledger(), _PARTITIONS[0]
    ids = Ids.span(0, 5)
    ledger.read(partition, ids, 3.0)

    def fail_in_a_commit() -> None:
        with ledger.tentatively():
            ledger.commit(partition, ids, ids, [], [])
            assert ledger.counts().since is None
            for start in range(5, 500):  # so many that it would be tidied up
                ledger.read(partition, Ids.span(start, start + 1), 4.0)
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk is full"):
        fail_in_a_commit()
    assert ledger.counts().since == 3.0


def test_it_says_where_a_lost_record_was_last_seen() -> None:
    ledger, partition = Ledger(), _PARTITIONS[0]
    ledger.read(partition, Ids.span(0, 10), 0.0)
    ledger.pass_on("window", partition, 0, Ids.span(0, 6))
    ledger.take("window", partition, 0, Ids.span(0, 6))
    ledger.hold("window", partition, Ids.span(0, 6))
    ledger.release("window", partition, Ids.span(0, 4))
    ledger.pass_on("output", partition, 1, Ids.span(0, 4))
    ledger.take("output", partition, 1, Ids.span(1, 4))
    ledger.close(complete=True)
    assert ledger.lost_at("window") == 2
    assert ledger.lost_at("output") == 1
    assert ledger.lost_at("elsewhere") == 0


def test_a_batch_may_be_taken_in_parts() -> None:
    ledger, partition = Ledger(), _PARTITIONS[0]
    ledger.read(partition, Ids.span(0, 4), 0.0)
    ledger.pass_on("next", partition, 0, Ids.span(0, 4))
    ledger.take("next", partition, 0, Ids.span(0, 1))
    ledger.pass_on("next", partition, 0, NO_IDS)
    ledger.take("next", partition, 0, Ids.span(1, 4))
    ledger.close(complete=True)
    assert ledger.lost_at("next") == 0
