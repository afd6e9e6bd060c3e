from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from pathlib import Path

import apsw
import apsw.bestpractice
import pytest

from tests.guest.disk import Disk

ROOT = Path(__file__).resolve().parents[2]


def digest() -> str:
    """SHA-256 over the disk after each of 50 sessions with checkpoints, a freeze and a shutdown in between."""
    disk, sha = Disk(), hashlib.sha256()
    for number in range(50):
        disk.cycle(kind={9: "freeze", 33: "shutdown", 40: "checkpoint"}.get(number, "cycle"))  # type: ignore[arg-type]
        for block in sorted(disk.blocks):
            sha.update(block.to_bytes(8, "big") + disk.blocks[block])
    return sha.hexdigest()


def test_the_same_run_gives_the_same_bytes_in_another_process() -> None:
    """Disk after disk equal: twice here, and in a fresh process that used another database first."""
    here = digest()
    assert digest() == here
    program = (
        "import apsw; c = apsw.Connection(':memory:'); c.execute('select randomblob(77)').fetchall();"
        "from tests.guest.test_determinism import digest; print(digest())"
    )
    there = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert there.stdout.strip() == here


def test_other_users_of_sqlite_at_the_same_time_do_not_matter(tmp_path: Path) -> None:
    """Another thread draws from SQLite's one generator and writes WAL databases all the while: same bytes."""
    quiet, stop, drawn = digest(), threading.Event(), []

    def noise() -> None:
        connection = apsw.Connection(str(tmp_path / "other.db"))
        connection.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; CREATE TABLE t(x)").fetchall()
        while not stop.is_set():
            connection.execute("INSERT INTO t VALUES (randomblob(50)); PRAGMA wal_checkpoint(RESTART)").fetchall()
            drawn.append(apsw.randomness(3))
        connection.close()

    thread = threading.Thread(target=noise)
    thread.start()
    try:
        noisy = {digest()}
        while len(drawn) < 100 and thread.is_alive():
            noisy.add(digest())
    finally:
        stop.set()
        thread.join()
    assert noisy == {quiet}
    assert len(drawn) >= 100


def test_the_process_keeps_its_own_sqlite(tmp_path: Path) -> None:
    """The default VFS stays what it was, files opened without naming one are ordinary files, nothing stays mounted."""
    from labkit.guest import vfs

    before = [name for name in apsw.vfs_names() if name != vfs.NAME]
    Disk().cycle()
    assert apsw.vfs_names()[0] == before[0]
    assert apsw.vfs_names().count(vfs.NAME) == 1
    path = tmp_path / "mine.db"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE t(x)")
    connection.close()
    assert path.stat().st_size > 0
    assert vfs._mounts == {}


def test_a_learners_connection_hooks_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """With all of APSW's recommended hooks set, sessions write the same bytes and the hooks are still there."""
    plain = digest()
    hooks = list(apsw.bestpractice.recommended)
    monkeypatch.setattr(apsw, "connection_hooks", hooks)
    assert digest() == plain
    assert apsw.connection_hooks is hooks


def test_another_seed_gives_other_bytes() -> None:
    """The seed reaches the disk: orders and the log's salts differ."""
    one, other = Disk(seed=1), Disk(seed=2)
    one.cycle()
    other.cycle()
    assert one.blocks != other.blocks
    assert one.look().orders != other.look().orders


def test_two_guests_at_once_do_not_meet() -> None:
    """Sessions of eight disks in eight threads: each disk equals the one written alone."""
    alone = [Disk(seed=seed) for seed in range(8)]
    together = [Disk(seed=seed) for seed in range(8)]

    def run(disk: Disk) -> None:
        for _ in range(25):
            disk.cycle()

    for disk in alone:
        run(disk)
    threads = [threading.Thread(target=run, args=(disk,)) for disk in together]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [disk.blocks for disk in together] == [disk.blocks for disk in alone]
