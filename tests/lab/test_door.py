"""The lab as one who uses it sees it: digests, waiting, live play, and damage that ``verify`` finds."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import labkit
from labkit import Lab, LabError
from tests.engine.walk import contents


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lab in which both VMs replicate, closed."""
    path = tmp_path_factory.mktemp("protected") / "protected.lab"
    labkit.create(path, stage="protected").close()
    return path


@pytest.fixture
def lab(tmp_path: Path, protected: Path) -> Any:
    """A copy of it, open for one test."""
    with labkit.open(shutil.copy(protected, tmp_path / "a.lab")) as opened:
        yield opened


def code_of(attempt: Callable[[], object]) -> int:
    """The code something is refused with."""
    with pytest.raises(LabError) as refused:
        attempt()
    assert refused.value.message
    return refused.value.code


# --- digests ----------------------------------------------------------------------------------------------------------


def digest(path: Path, *, seed: int = 1, frequency: str | None = None, steps: int = 1_000, stops: int = 1) -> str:
    """Six hours of a protected VM, let pass in ``stops`` runs, the lab closed and opened between them."""
    with labkit.create(path, seed=seed, stage="registered") as lab:
        lab.vault.configure_protection(frequency=frequency, wait=True)
        lab.vault.map_network(wait=True)
        lab.vault.enable_protection("MYWSV01", wait=True)
    for _ in range(stops):
        with labkit.open(path) as lab:
            lab._session.batch_steps = steps
            lab.run(f"{21_600_000 // stops}ms")
            found = lab.events_digest
    return found


@pytest.mark.promise(4)
def test_the_digest_follows_site_seed_and_commands_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same seed and commands, same digest: in other batches, another language, folder and number of runs."""
    folder = tmp_path / "別の フォルダー"
    folder.mkdir()
    first = digest(tmp_path / "a.lab")
    same = [digest(tmp_path / "b.lab", steps=1), digest(tmp_path / "c.lab", steps=7, stops=5)]
    monkeypatch.setenv("TZ", "America/Lima")
    labkit.set_language("ja")
    same.append(digest(folder / "d.lab", stops=3))
    labkit.set_language("en")
    others = [digest(tmp_path / "e.lab", seed=2), digest(tmp_path / "f.lab", frequency="30s")]
    assert same == [first] * 3
    assert len({first, *others}) == 3


# --- time -------------------------------------------------------------------------------------------------------------


def test_time_only_goes_forward(lab: Lab) -> None:
    """An instant in the past is refused; the present one is no error; a run ends where it was asked to."""
    now = lab.clock.ms
    assert code_of(lambda: lab.run(until="2014-09-30T09:00:00+09:00")) == 900544
    assert code_of(lambda: lab.run("yesterday")) == 900101
    assert code_of(lab.run) == 900058
    lab.run("0s")
    lab.run(until=lab.now)
    assert lab.clock.ms - now < 1_000
    assert lab.run(until="2014-10-02T00:00:00Z") == lab.now == "2014-10-02T09:00:00+09:00"


@pytest.mark.promise(2)
def test_a_command_lets_no_time_pass(lab: Lab) -> None:
    """Every command returns at the instant it was given."""
    now = lab.clock.ms
    job = lab.vault.planned_failover("MYWSV01")
    lab.faults.set_bandwidth("20Mbps")
    assert lab.clock.ms == now
    assert job.state == "InProgress"
    assert lab.vault.items["MYWSV01"].allowed_operations == ()


def test_waiting_ends_with_the_job_and_raises_its_error(lab: Lab) -> None:
    """A wait ends at the very end of the job; what a job failed with is raised, again at every wait."""
    job = lab.wait(lab.vault.test_failover("MYWSV01"))
    assert job.state == "Suspended"
    assert lab.wait(job) is job
    assert lab.wait(job.complete("seen")).state == "Succeeded"
    lab.faults.lose_line()
    failing = lab.vault.planned_failover("MYBSD01")
    assert code_of(lambda: lab.wait(failing)) == 900521
    now = lab.clock.ms
    assert code_of(lambda: lab.wait(failing)) == 900521
    assert lab.clock.ms == now
    assert failing.state == "Failed"


def test_waiting_for_what_cannot_come_says_so_soon(tmp_path: Path) -> None:
    """With the line lost, initial replication never ends: 900541 after a virtual day, not after a year."""
    with labkit.create(tmp_path / "a.lab", stage="configured") as lab:
        lab.vault.enable_protection("MYWSV01", wait=True)
        lab.faults.lose_line()
        began = lab.clock.ms
        assert code_of(lambda: lab.wait(lab.vault.items["MYWSV01"])) == 900541
        assert lab.clock.ms - began <= 2 * 86_400_000
        lab.faults.restore_line()
        lab.wait(lab.vault.items["MYWSV01"])
        assert lab.vault.items["MYWSV01"].state == "Protected"


@pytest.mark.promise(3)
def test_a_job_goes_on_in_another_session(tmp_path: Path, lab: Lab) -> None:
    """A job is at a task in the file: whoever opens it next goes on from there, to the same end."""
    lab.vault.planned_failover("MYWSV01")
    lab.run("45s")
    path = lab.copy(tmp_path / "copy.lab")
    lab.run("1h")
    for _ in range(60):
        with labkit.open(path) as other:
            other.run("1min")
    with labkit.open(path) as other:
        assert other.events_digest == lab.events_digest
        assert contents(other.path)["facts"] == contents(lab.path)["facts"]


def test_names_that_are_not_there(lab: Lab) -> None:
    """``in`` and ``get`` answer, ``[]`` refuses with the names there are."""
    assert "MYWSV01" in lab.vault.items
    assert "MYWSV02" not in lab.vault.items
    assert "nobody" not in lab.vault.items
    assert lab.vault.items.get("nobody") is None
    assert "job-9999" not in lab.jobs
    assert code_of(lambda: lab.vault.items["nobody"]) == 900010
    assert code_of(lambda: lab.vault.items["MYWSV02"]) == 900502
    assert code_of(lambda: lab.jobs["job-9999"]) == 900010


# --- live play --------------------------------------------------------------------------------------------------------


async def until(found: Callable[[], bool]) -> None:
    """Give the loop its turns until something holds."""
    end = time.perf_counter() + 20
    while not found():
        assert time.perf_counter() < end
        await asyncio.sleep(0.01)


def test_live_play_beside_commands_runs_and_copies(tmp_path: Path, lab: Lab) -> None:
    """Play, change speed, command, run, copy and pause on one loop; what was played is what a run gives."""
    turns: list[int] = []

    async def learner() -> None:
        began = lab.clock.ms
        lab.clock.play(600, each=lambda: turns.append(lab.clock.ms))
        assert lab.clock.playing
        await until(lambda: len(turns) >= 3)
        assert began < turns[0] < turns[1] < turns[2]
        lab.clock.play(6_000)
        assert lab.clock.speed == 6_000
        before = lab.clock.ms
        lab.run("1h")
        assert lab.clock.ms >= before + 3_600_000
        with labkit.open(lab.copy(tmp_path / "copy.lab")) as copied:
            assert copied.verify() == []
        await until(lambda: turns[-1] > before + 3_600_000)
        assert lab.clock.playing
        lab.clock.pause()
        assert not lab.clock.playing
        stopped = lab.clock.ms
        await lab.clock.stopped()
        await asyncio.sleep(0.2)
        assert lab.clock.ms == stopped

    origin = lab.copy(tmp_path / "origin.lab")
    asyncio.run(learner())
    assert lab.verify() == []
    with labkit.open(origin) as calm:
        calm.run(f"{lab.clock.ms - calm.clock.ms}ms")
        assert calm.events_digest == lab.events_digest


def test_live_play_gives_the_lease_back(lab: Lab) -> None:
    """After a pause or a close another lab object may play at once, in the same turn of the loop."""

    async def learner() -> None:
        with labkit.open(lab.path) as other:
            lab.clock.play()
            await asyncio.sleep(0.1)
            assert code_of(other.clock.play) == 900030
            assert code_of(lambda: other.run("1h")) == 900030
            lab.clock.pause()
            other.run("1h")
            lab.clock.play()
            await asyncio.sleep(0)
            lab.close()
            other.clock.play()
            await asyncio.sleep(0.1)
            assert other.clock.playing

    asyncio.run(learner())


def test_live_play_that_loses_the_lease_ends_in_plain_words(lab: Lab) -> None:
    """A take-over ends live play; the error waits in ``clock.error`` and is raised by ``stopped``."""

    async def learner() -> None:
        lab.clock.play()
        await asyncio.sleep(0.1)
        with labkit.open(lab.path) as other:
            other.run("1h", take_over=True)
        await until(lambda: not lab.clock.playing)
        with pytest.raises(LabError) as lost:
            await lab.clock.stopped()
        assert lost.value.code == 900031
        assert lab.clock.error is lost.value
        lab.clock.play()
        assert lab.clock.error is None
        await asyncio.sleep(0.1)
        assert lab.clock.playing

    asyncio.run(learner())


def test_an_error_in_a_callback_ends_live_play(lab: Lab) -> None:
    """A callback that fails stops the clock and is not lost."""

    async def learner() -> None:
        lab.clock.play(each=lambda: 1 // 0)  # type: ignore[arg-type, return-value]
        with pytest.raises(ZeroDivisionError):
            await lab.clock.stopped()
        assert not lab.clock.playing

    asyncio.run(learner())
    lab.run("1h")


def test_live_play_is_refused_with_a_reason(lab: Lab) -> None:
    """Speeds that are none, and a program without a loop."""
    for speed in (0, -1, float("inf"), float("nan")):
        assert code_of(lambda speed=speed: lab.clock.play(speed)) == 900052  # type: ignore[misc]
    assert code_of(lab.clock.play) == 900053
    assert not lab.clock.playing


# --- damage -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_hours(tmp_path_factory: pytest.TempPathFactory, protected: Path) -> Path:
    """A lab of two hours in which verify finds nothing, closed."""
    path = Path(shutil.copy(protected, tmp_path_factory.mktemp("two-hours") / "a.lab"))
    with labkit.open(path) as lab:
        lab.run("2h")
        assert lab.verify(full=True) == []
    return path


@pytest.mark.promise(2)
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("UPDATE facts SET fact = replace(fact, 'MYWSV01', 'MYWSV99')", "chain"),
        ("DELETE FROM facts WHERE n = 12", "counted"),
        ("UPDATE meta SET value = value - 1 WHERE key = 'facts'", "counted"),
        ("UPDATE meta SET value = value + 86400000 WHERE key = 'now'", "overdue"),
        ("UPDATE meta SET value = 1 WHERE key = 'now'", "later than the clock"),
        ("DELETE FROM blobs WHERE rowid IN (SELECT max(rowid) FROM blobs)", "missing"),
        ("UPDATE timers SET kind = 'unheard.of'", "nobody handles"),
    ],
)
def test_verify_finds_what_was_tampered_with(tmp_path: Path, two_hours: Path, damage: str, words: str) -> None:
    """A change of the file behind labkit's back is found and named."""
    path = Path(shutil.copy(two_hours, tmp_path / "a.lab"))
    with closing(sqlite3.connect(path)) as db, db:
        assert db.execute(damage).rowcount > 0
    with labkit.open(path) as lab:
        problems = lab.verify()
    assert any(words in problem for problem in problems), problems


@pytest.mark.promise(2)
def test_verify_finds_a_flipped_bit_of_a_replica(lab: Lab) -> None:
    """One bit of one block of a replica, and only that is reported."""
    lab.run("1h")
    lab.faults.flip_block("MYBSD01", "os", 5_000)
    lab.run("10min")  # until the next recovery point carries it
    found = lab.verify()
    assert len(found) == 1
    assert "MYBSD01" in found[0]
    assert "5000" in found[0]


def test_only_jobs_and_items_are_waited_for(tmp_path: Path) -> None:
    """Anything else is refused in words (900062), and no time passes."""
    with labkit.create(tmp_path / "a.lab") as lab:
        before = lab.clock.ms
        with pytest.raises(LabError) as refused:
            lab.wait("MYWSV01")  # type: ignore[arg-type]
        assert refused.value.code == 900062
        assert lab.clock.ms == before
