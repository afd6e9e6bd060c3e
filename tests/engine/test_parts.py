"""Lists of entities in rows of their own: whatever happens to a list, the file has it, and little is written for it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

import labkit
from labkit.engine.parts import Parts
from labkit.engine.store import SCHEMA, Store
from labkit.replication.relation import Relation


class Thing(msgspec.Struct, array_like=True, frozen=True):
    """An element."""

    number: int


DECODERS: dict[str, msgspec.json.Decoder[Any]] = {"k": msgspec.json.Decoder(list[Thing])}
OWNER = ("k", "a")

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 5)),
        st.tuples(st.just("remove"), st.integers(0, 30)),
        st.tuples(st.just("insert"), st.integers(0, 30)),
        st.tuples(st.just("commit"), st.integers(0, 1)),
        st.tuples(st.just("drop"), st.just(0)),
    ),
    max_size=30,
)


@given(STEPS)
def test_the_file_has_the_list(steps: list[tuple[str, int]]) -> None:
    """Adding, removing and even inserting anywhere, over any commits and reopenings: the order is kept."""
    store = Store(Path("none.lab"), sqlite3.connect(":memory:", isolation_level=None))
    store.db.execute("CREATE TABLE parts (n INTEGER PRIMARY KEY, kind TEXT, id TEXT, body BLOB)")
    parts, things, number = Parts(store, DECODERS), list[Thing](), 0
    for what, count in [*steps, ("commit", 1)]:
        if what == "add":
            things += [Thing(number + more) for more in range(count)]
        elif what == "insert":
            things.insert(count, Thing(number))
        elif what == "remove" and things:
            del things[count % len(things)]
        elif what == "drop":
            parts.drop([OWNER])
            things = []
        elif what == "commit":
            parts.compare(OWNER, things)
            parts.flush(store)
            assert Parts(store, DECODERS).of(OWNER) == things
            if count:
                parts = Parts(store, DECODERS)
                things = parts.of(OWNER)
        number += 10


def test_a_commit_writes_what_came_and_went(tmp_path: Path) -> None:
    """Two hours of points at 30 s: the rows of the first hour's end are not written again by the second's."""
    path = tmp_path / "a.lab"
    with labkit.create(path, stage="configured") as lab:
        lab.vault.change_protection(frequency="30s", wait=True)
        lab.wait(lab.vault.enable_protection("MYBSD01"))
        lab.wait(lab.vault.items["MYBSD01"])
        lab.run("1h")
        kept = lab.read(lambda world: len(world.get(Relation, "MYBSD01").points))
        rows = dict(lab.read(lambda world: world.store.rows("SELECT n, body FROM parts")))
        lab.run("30min")
        after = dict(lab.read(lambda world: world.store.rows("SELECT n, body FROM parts")))
        points = lab.vault.items["MYBSD01"].recovery_points
    assert kept > 100
    assert len(set(rows.items()) & set(after.items())) > 0
    with labkit.open(path) as lab:
        assert lab.vault.items["MYBSD01"].recovery_points == points


def test_a_file_of_the_schema_before(tmp_path: Path) -> None:
    """Points in the relation's own row: read as they are, also by who only reads; the next commit moves them."""
    path = tmp_path / "a.lab"
    with labkit.create(path, stage="protected") as lab:
        lab.run("1h")
        points = lab.vault.items["MYBSD01"].recovery_points
        whole = lab.read(lambda world: [(r.id, msgspec.json.encode(r)) for r in world.all(Relation)])
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for name, body in whole:
            db.execute("UPDATE entities SET body = ? WHERE kind = 'relation' AND id = ?", (body, name))
        db.execute("DROP TABLE parts")
        db.execute("PRAGMA user_version = 2")
    with labkit.open(path, read_only=True) as lab:
        assert lab.vault.items["MYBSD01"].recovery_points == points
        assert lab.verify() == []
    with labkit.open(path) as lab:
        assert lab.vault.items["MYBSD01"].recovery_points == points
        lab.run("5min")
        assert lab.verify() == []
        assert lab.read(lambda world: world.store.rows("SELECT count(*) FROM parts"))[0][0] >= 2
        assert lab.read(lambda world: world.store.rows("PRAGMA user_version"))[0][0] == SCHEMA
    with labkit.open(path) as lab:
        assert set(points[-5:]) < set(lab.vault.items["MYBSD01"].recovery_points)
