"""Processes and folders, as the lease and the promise about network folders see them."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from labkit.engine import host, lease
from labkit.engine.store import Store


@pytest.fixture
def ended() -> tuple[str, int, int]:
    """The identity of a process that has ended and been asked after."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = host.start_time(child.pid)
    child.kill()
    child.communicate()
    return host.name(), child.pid, started


def test_a_process_is_known_by_host_pid_and_start(ended: tuple[str, int, int]) -> None:
    """This process lives; an ended one does not; another host's cannot be known."""
    name, pid, started = host.identity()
    assert host.alive(name, pid, started) is True
    assert host.alive(*ended) is False
    assert host.alive("another-" + name, pid, started) is None


def test_a_pid_used_again_is_another_process() -> None:
    """The same pid with another start time is not the process that wrote its name down."""
    name, pid, started = host.identity()
    assert host.alive(name, pid, started - 60) is False
    assert host.alive(name, pid, started + 60) is False


@pytest.mark.parametrize("pid", [0, -1, 2**31 - 1, 2**40, 2**70])
def test_numbers_that_are_no_process(pid: int) -> None:
    """Whatever stands in a damaged or foreign row is at worst a dead process, never an exception."""
    assert host.alive(host.name(), pid, 12345) is False


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no zombies")
def test_a_zombie_is_dead() -> None:
    """A killed process that its parent has not asked after holds no lease any more."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = host.start_time(child.pid)
    assert started > 0
    child.kill()
    deadline = psutil.Process(child.pid)
    for _ in range(500):
        if deadline.status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(0.01)
    assert deadline.status() == psutil.STATUS_ZOMBIE
    assert host.alive(host.name(), child.pid, started) is False
    child.communicate()


@pytest.mark.promise(5)
def test_a_dead_owner_is_replaced_and_dead_openers_forgotten(tmp_path: Path, ended: tuple[str, int, int]) -> None:
    """The lease of a dead process is no obstacle; one of another host is, since nobody can look."""
    store = Store.create(tmp_path / "a.lab")
    with store.writing():
        store.write("UPDATE lease SET epoch = 7, token = 'x', host = ?, pid = ?, started = ?", ended)
        store.write("INSERT INTO openers VALUES ('x', ?, ?, ?)", ended)
        store.write("INSERT INTO openers VALUES ('far', 'elsewhere', 1, 1)")
    mine = lease.Lease()
    lease.register(store, mine.token)
    assert {row[0] for row in store.rows("SELECT token FROM openers")} == {"far", mine.token}
    assert not lease.owner(store).living
    mine.acquire(store)
    assert lease.owner(store).epoch == 8
    with store.writing():
        store.write("UPDATE lease SET host = 'elsewhere'")
    other = lease.Lease()
    with pytest.raises(Exception, match="elsewhere"):
        other.acquire(store)
    other.acquire(store, take_over=True)
    assert lease.owner(store).epoch == 9
    mine.release(store)  # not ours any more: stays theirs
    assert lease.owner(store).token == other.token
    store.close()


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("plain", "local"),
        ("OneDrive - Contoso/labs", "synchronised"),
        ("dropbox", "synchronised"),
        ("Google Drive/x", "synchronised"),
        ("iCloudDrive", "synchronised"),
        ("my onedrive notes", "local"),
    ],
)
def test_folders_that_a_client_synchronises(tmp_path: Path, folder: str, kind: str) -> None:
    """Known by a part of their path that begins with the client's name, in any case."""
    made = tmp_path / folder
    made.mkdir(parents=True)
    assert host.folder_kind(made) == kind


def test_a_onedrive_of_another_name_is_known_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OneDrive says in the environment where it is, whatever its folder is called; a link to it changes nothing."""
    root = tmp_path / "Contoso 株式会社"
    (root / "labs").mkdir(parents=True)
    monkeypatch.setenv("OneDriveCommercial", str(root))
    assert host.folder_kind(root / "labs") == "synchronised"
    assert host.folder_kind(tmp_path) == "local"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows asks the drive itself")
def test_a_network_share_is_known_by_the_longest_mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mount that a folder is really on decides: a local disk inside a share is local, and the other way round."""
    share, inner = tmp_path / "share", tmp_path / "share" / "local"
    inner.mkdir(parents=True)
    real = psutil.disk_partitions(all=True)
    like = real[0] if real else pytest.skip("no mounts are known here")
    mounts = [
        *real,
        like._replace(mountpoint=str(share), fstype="nfs4"),
        like._replace(mountpoint=str(inner), fstype="ext4"),
    ]
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: mounts)
    assert host.folder_kind(share) == "network"
    assert host.folder_kind(inner) == "local"
    assert host.folder_kind(tmp_path) == "local"
