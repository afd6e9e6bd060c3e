"""Commands, refusals, runs, and two sessions on one file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import labkit
from labkit import LabError
from labkit.engine.session import Session
from labkit.engine.world import World
from labkit.site import vms
from tests.engine import toys
from tests.engine.walk import contents


@pytest.mark.promise(2)
def test_the_journal_has_every_command_done_and_refused(tmp_path: Path) -> None:
    """Who, when, what, with which arguments, and how it ended; also for arguments no table can hold."""
    with labkit.create(tmp_path / "a.lab", stage="registered", surface="test") as lab:
        lab.faults.set_bandwidth("20Mbps")
        for attempt in (
            lambda: lab.vault.enable_protection("NOBODY"),
            lambda: lab.command("odd", {"vm": "\ud800"}, lambda world: vms.get(world, "\ud800").id),
            lambda: lab.faults.flip_block("MYWSV01", "os", 2**80),
        ):
            with pytest.raises(LabError):
                attempt()
        rows = lab.journal[-4:]
    assert [row["outcome"] for row in rows] == ["done", "refused", "refused", "refused"]
    assert [row["code"] for row in rows] == [None, 900010, 900010, 900502]
    assert json.loads(rows[0]["arguments"]) == {"bandwidth": "20Mbps", "to": "azure"}
    assert json.loads(rows[3]["arguments"])["block"] == 2**80
    assert {row["surface"] for row in rows} == {"test"}
    assert [row["n"] for row in rows] == list(range(rows[0]["n"], rows[0]["n"] + 4))
    assert all(row["wall"] and row["user"] and row["command"] for row in rows)


@pytest.mark.promise(2)
def test_a_refused_command_changes_nothing(tmp_path: Path) -> None:
    """Every table but the journal is the same after a refusal, also when the work had begun to change things."""
    session = toys.new(tmp_path / "a.lab")

    def half(world: World) -> None:
        world.now += 5
        world.get(toys.Counter, "a").ticks = 99
        world.add(toys.Counter("b"))
        world.after(1, "toy.note", "x")
        world.fact("half", "a")
        world.next("toy")
        world.chunks.put((1, 2, 3), b"x")
        raise LabError(900502, vm="a")

    before = contents(tmp_path / "a.lab")
    with pytest.raises(LabError):
        session.command("half", {}, half)
    assert contents(tmp_path / "a.lab") == before
    assert session.store.waiting() is False  # a plain copy would have the journal's entry, too
    assert toys.counter(session).ticks == 0
    assert session.store.rows("SELECT command, outcome, code FROM journal ORDER BY n DESC LIMIT 1") == [
        ("half", "refused", 900502)
    ]
    session.close()


@pytest.mark.promise(2)
def test_a_crashing_command_changes_nothing_and_the_lab_lives_on(tmp_path: Path) -> None:
    """A bug in a command (any exception) leaves the world as it was, in the file and in memory."""
    session = toys.new(tmp_path / "a.lab")

    def crash(world: World) -> None:
        world.get(toys.Counter, "a").ticks = 99
        raise ZeroDivisionError

    before = contents(tmp_path / "a.lab")
    with pytest.raises(ZeroDivisionError):
        session.command("crash", {}, crash)
    assert contents(tmp_path / "a.lab") == before
    with session.playing():
        session.advance(1_001_000)
    assert toys.counter(session).ticks == 1
    session.close()


def test_an_interrupt_anywhere_in_a_run_leaves_the_last_commit(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a batch: what was committed stays, the lease is given back, running on goes on."""
    session, calm = toys.new(tmp_path / "a.lab"), toys.new(tmp_path / "b.lab")
    session.batch_steps = 10

    def stop(world: World) -> bool:
        if world.get(toys.Counter, "a").ticks == 25:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt), session.playing():
        session.advance(1_100_000, stop)
    assert 10 <= toys.counter(session).ticks < 25
    for one in (session, calm):
        with one.playing():
            one.advance(1_100_000)
    assert contents(session.store.path) == contents(calm.store.path)
    session.close()
    calm.close()


@pytest.mark.promise(4)
@pytest.mark.parametrize("steps", [1, 2, 7, 1_000])
def test_nothing_depends_on_where_a_batch_ends(tmp_path: Path, steps: int) -> None:
    """The whole file, timers' numbers and all, is the same for every size of a batch."""
    session, one = toys.new(tmp_path / "a.lab"), toys.new(tmp_path / "b.lab")
    session.batch_steps = steps
    for each in (session, one):
        with each.playing():
            each.advance(1_300_000)
    assert contents(session.store.path) == contents(one.store.path)
    session.close()
    one.close()


@pytest.mark.promise(5)
def test_a_batch_that_lost_is_computed_anew(tmp_path: Path) -> None:
    """A command of another session that commits in the middle of a batch is seen by the rest of the run."""
    path = tmp_path / "a.lab"
    player, other = toys.new(path), Session.open(path, "other")
    spoken = []

    def interfere(world: World) -> bool:
        ticks = world.get(toys.Counter, "a").ticks
        if ticks == 10 and len(spoken) < 3:
            spoken.append(ticks)
            other.command("note", {}, lambda world: world.get(toys.Counter, "a").seen.append(f"n{len(spoken)}"))
        return False

    with player.playing():
        player.advance(1_020_000, interfere)
    found = toys.counter(player)
    assert found.seen == ["n1", "n2", "n3"]
    assert found.ticks == toys.counter(other).ticks > 10
    facts = player.store.rows("SELECT count(*) FROM facts")[0][0]
    assert facts == found.ticks
    other.close()
    player.close()


@pytest.mark.promise(5)
def test_a_run_that_always_loses_gets_its_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often others commit in between, after a few losses a batch holds the file from its start."""
    monkeypatch.setattr("labkit.engine.store._WAIT_MS", 20)  # both are one thread: waiting for each other is in vain
    path = tmp_path / "a.lab"
    player, other = toys.new(path), Session.open(path, "other")
    refused = []

    def interfere(world: World) -> bool:
        try:
            other.command("note", {}, lambda world: world.get(toys.Counter, "a").seen.append("x"))
        except LabError as error:
            refused.append(error.code)
        return False

    with player.playing():
        player.advance(1_003_500, interfere)
    assert toys.counter(player).ticks == 3
    assert set(refused) == {900007}
    assert len(toys.counter(player).seen) == len(
        player.store.rows("SELECT 1 FROM journal WHERE command = 'note' AND outcome = 'done'")
    )
    other.close()
    player.close()


@pytest.mark.promise(5)
def test_one_plays_at_a_time_and_take_over_is_noticed(tmp_path: Path) -> None:
    """A second session of a living process is refused (900030), may take over, and the first stops (900031)."""
    path = tmp_path / "a.lab"
    one, two = toys.new(path), Session.open(path, "other")
    with one.playing():
        with pytest.raises(LabError) as refused, two.playing():
            pass
        assert refused.value.code == 900030
        assert refused.value.exit_status == 4
        one.advance(1_010_000)
        with two.playing(take_over=True):
            two.advance(1_020_000)
            before = contents(path)
            with pytest.raises(LabError) as lost:
                one.advance(1_030_000)
            assert lost.value.code == 900031
            assert contents(path) == before
            two.advance(1_025_000)
    with one.playing():
        one.advance(1_030_000)
    with one.reading() as world:
        assert world.now == 1_030_000
    two.close()
    one.close()


def test_a_run_inside_live_play_keeps_the_lease(tmp_path: Path) -> None:
    """Holding twice in one session is fine; the lease is given back when the last hold ends."""
    path = tmp_path / "a.lab"
    one, two = toys.new(path), Session.open(path, "other")
    with one.playing():
        with one.playing():
            one.advance(1_005_000)
        one.advance(1_010_000)
        with pytest.raises(LabError), two.playing():
            pass
    with two.playing():
        two.advance(1_020_000)
    one.close()
    two.close()


def test_closing_while_playing_gives_the_lease_back(tmp_path: Path) -> None:
    """A lab closed in the middle of live play is free for everybody at once."""
    path = tmp_path / "a.lab"
    one, two = toys.new(path), Session.open(path, "other")
    with one.playing():
        one.close()
        with two.playing():
            two.advance(1_010_000)
    with two.reading() as world:
        assert world.now == 1_010_000
    one.close()
    two.close()


@pytest.mark.promise(1)
def test_a_long_read_hinders_no_command_and_the_file_is_whole_after_it(tmp_path: Path) -> None:
    """While another session reads, commands are quick; when it has read, all is in the one file."""
    path = tmp_path / "a.lab"
    reader, writer = toys.new(path), Session.open(path, "other")
    with reader.reading() as world:
        ticks = world.get(toys.Counter, "a").ticks
        writer.command("note", {}, lambda world: world.get(toys.Counter, "a").seen.append("x"))
        assert world.get(toys.Counter, "a").seen == []
        assert ticks == 0
    assert writer.store.waiting() is False
    copied = tmp_path / "copy.lab"
    copied.write_bytes(path.read_bytes())
    with_copy = Session.open(copied, "copy")
    assert toys.counter(with_copy).seen == ["x"]
    for session in (with_copy, reader, writer):
        session.close()
