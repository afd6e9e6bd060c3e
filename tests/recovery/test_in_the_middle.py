"""VMM, its site or its hosts go in the middle of a job that goes through them: the job fails and leaves nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import labkit
from labkit.guest.machine import Machine
from labkit.lab import Lab
from labkit.recovery.hostreplica import HostReplica
from labkit.recovery.item import ProtectedItem
from labkit.replication.relation import Relation
from tests.recovery.labs import SHOP, error_of, new_lab
from tests.recovery.step2 import ADMIN
from tests.recovery.test_cloud_to_cloud import OURS, THEIRS, two_clouds

Step = Callable[[Lab], object]

LOSSES: dict[str, Step] = {
    "site": lambda lab: lab.faults.lose_site(),
    "line": lambda lab: lab.faults.lose_line(),
    "crash": lambda lab: lab.faults.crash_host(),
    "service": lambda lab: lab.site.vmm.stop_service(),
    "server": lambda lab: lab.site.stop_server("SC01"),
}
GONE: dict[str, Step] = {"SC02": lambda lab: lab.site.stop_server("SC02")}


@pytest.fixture(scope="session")
def _stages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("middle")
    found = {}
    for stage in ("registered", "configured"):
        with new_lab(folder, SHOP, stage=stage) as lab:
            found[stage] = lab.path
    (folder / "two").mkdir()
    with two_clouds(folder / "two", SHOP) as lab:
        for server in ("SC01", "SC02"):
            lab.vault.register_server(server, wait=True)
        lab.vault.configure_protection(target=THEIRS, points=3, wait=True)
        found["pair"] = lab.path
    return found


@pytest.fixture
def at(_stages: dict[str, Path], tmp_path: Path) -> Iterator[Callable[[str], Lab]]:
    """A lab at a stage."""
    made: list[Lab] = []

    def open_at(stage: str) -> Lab:
        shutil.copy(_stages[stage], tmp_path / "m.lab")
        made.append(labkit.open(tmp_path / "m.lab"))
        return made[-1]

    yield open_at
    for lab in made:
        lab.close()


def _left(lab: Lab) -> list[str]:
    kinds = (ProtectedItem, HostReplica, Relation)
    found = lab.read(lambda world: [one.id for kind in kinds for one in world.all(kind)])
    return found + lab.read(lambda world: [one.id for one in world.all(Machine) if one.side != "site"])


def _fails(lab: Lab, job: labkit.lab.Job, task: str = "") -> int:
    """The code the job fails with, at this task."""
    error = error_of(lambda: lab.wait(job))
    assert job.state == "Failed"
    assert job.tasks[-1].state != "Succeeded"
    if task:
        assert next(one.name for one in job.tasks if one.state == "Failed") == task
    return error.code


@pytest.mark.rule("2.8-1")
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("after", "task"), [("1s", "CreateProtectionTarget"), ("50s", "EnableProtection")])
def test_enabling(at: Callable[[str], Lab], loss: str, after: str, task: str) -> None:
    """Each task asks; neither item nor replica is left, and once all is back the protection succeeds."""
    lab = at("configured")
    job = lab.vault.enable_protection("SHOP")
    lab.run(after)
    LOSSES[loss](lab)
    assert _fails(lab, job, task) == 900525
    assert _left(lab) == []
    BACK[loss](lab)
    lab.vault.enable_protection("SHOP", wait=True)
    lab.wait(lab.vault.items["SHOP"])


BACK: dict[str, Step] = {
    "site": lambda lab: lab.faults.restore_site(),
    "line": lambda lab: lab.faults.restore_line(),
    "crash": lambda lab: lab.run("10min"),
    "service": lambda lab: lab.site.vmm.start_service(),
    "server": lambda lab: lab.site.start_server("SC01"),
}


@pytest.mark.rule("2.8-1", "2.7-11")
@pytest.mark.parametrize("loss", [*LOSSES, "SC02"])
@pytest.mark.parametrize("after", ["1s", "50s"])
def test_enabling_in_a_pair(at: Callable[[str], Lab], loss: str, after: str) -> None:
    """A pair needs VMM of both sides."""
    lab = at("pair")
    job = lab.vault.enable_protection("SHOP")
    lab.run(after)
    {**LOSSES, **GONE}[loss](lab)
    assert _fails(lab, job) == 900525
    assert _left(lab) == []


@pytest.mark.rule("2.7-11")
def test_a_failed_enabling_leaves_no_replica_whatever_the_switch(at: Callable[[str], Lab]) -> None:
    """ "Delete the replica" off is about a protection that stood: after a failed job the next one succeeds."""
    lab = at("pair")
    lab.vault.release_cloud(wait=True)
    lab.vault.configure_protection(target=THEIRS, delete_replica=False, wait=True)
    lab.faults.lose_line("replica-site")
    assert error_of(lambda: lab.vault.enable_protection("SHOP", wait=True)).code == 40000
    assert _left(lab) == []
    lab.faults.restore_line("replica-site")
    lab.vault.enable_protection("SHOP", wait=True)


@pytest.mark.rule("2.7-8")
@pytest.mark.parametrize(
    ("after", "loss", "code"),
    [
        ("20s", LOSSES["site"], 900683),
        ("5s", LOSSES["service"], 900642),
        ("5s", lambda lab: lab.site.stop_server("HV01"), 12700),
        ("20s", LOSSES["line"], 900525),
    ],
)
@pytest.mark.parametrize("target", [None, THEIRS])
def test_configuring(at: Callable[[str], Lab], after: str, loss: Step, code: int, target: str | None) -> None:
    """The cloud is not configured."""
    lab = at("registered" if target is None else "pair")
    if target is not None:
        lab.vault.release_cloud(wait=True)
    job = lab.vault.configure_protection(target=target)
    lab.run(after)
    loss(lab)
    assert _fails(lab, job) == code
    assert [row.state for row in lab.vault.clouds if row.name == OURS] == [""]


_JOBS: dict[str, tuple[str, Step, str]] = {
    "map": ("configured", lambda lab: lab.vault.map_network(), "service"),
    "unregister": ("registered", lambda lab: lab.vault.unregister_server(), "site"),
    "release": ("configured", lambda lab: lab.vault.release_cloud(), "site"),
    "change": ("configured", lambda lab: lab.vault.change_protection(frequency="15min"), "site"),
    "release pair": ("pair", lambda lab: lab.vault.release_cloud(), "SC02"),
    "change pair": ("pair", lambda lab: lab.vault.change_protection(frequency="15min"), "SC02"),
}


@pytest.mark.rule("2.7-10", "4.2-1", "4.3-1")
@pytest.mark.parametrize("name", _JOBS)
def test_other_jobs_of_the_vault(at: Callable[[str], Lab], name: str) -> None:
    """Mapping, unregistering, releasing, changing: nothing of it has happened."""
    stage, begin, loss = _JOBS[name]
    lab = at(stage)
    before = (lab.vault.clouds, lab.site.servers)
    job = begin(lab)
    lab.run("4s")
    {**LOSSES, **GONE}[loss](lab)
    assert _fails(lab, job) == 900525  # type: ignore[arg-type]
    assert (lab.vault.clouds, lab.site.servers) == before


@pytest.mark.rule("2.3-6")
@pytest.mark.parametrize(
    ("after", "loss", "code"),
    [
        ("1s", LOSSES["crash"], 900683),
        ("60s", lambda lab: lab.site.stop_server("HV01"), 12700),
        ("60s", LOSSES["service"], 900642),
    ],
)
def test_adding_a_host(at: Callable[[str], Lab], after: str, loss: Step, code: int) -> None:
    """VMM and the host answer until the host has been refreshed."""
    lab = at("registered")
    lab.site.vmm.remove_host("HV01")
    job = lab.site.vmm.add_host("HV01", credentials=ADMIN)
    lab.run(after)
    loss(lab)
    assert _fails(lab, job) == code
    assert "HV01" not in lab.site.vmm.hosts
