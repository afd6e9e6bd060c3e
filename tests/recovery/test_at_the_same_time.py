"""Jobs on clouds, servers and vaults that would take from each other what they work with: the second is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import labkit
from labkit.lab import Lab
from tests.recovery.labs import SHOP, error_of, new_lab
from tests.recovery.test_cloud_to_cloud import OURS, THEIRS, two_clouds

Step = Callable[[Lab], object]


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Lab]:
    """Both VMM servers registered, no pair yet."""
    with two_clouds(tmp_path, SHOP) as lab:
        for server in ("SC01", "SC02"):
            lab.vault.register_server(server, wait=True)
        yield lab


def _configure(lab: Lab) -> object:
    return lab.vault.configure_protection()


def _pair(lab: Lab) -> object:
    return lab.vault.configure_protection(target=THEIRS)


def _back(lab: Lab) -> object:
    return lab.vault.configure_protection(THEIRS, target=OURS)


def _unregister(lab: Lab) -> object:
    return lab.vault.unregister_server()


def _unregister_other(lab: Lab) -> object:
    return lab.vault.unregister_server("SC02")


def _hide(lab: Lab) -> object:
    return lab.site.vmm.send_cloud(THEIRS, on=False)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (_configure, _unregister),
        (_unregister, _configure),
        (_pair, _hide),
        (_pair, _unregister_other),
        (_unregister_other, _pair),
        (_pair, _back),
        (_pair, lambda lab: lab.vault.configure_protection(THEIRS)),
    ],
)
def test_the_second_waits_for_the_first(both: Lab, first: Step, second: Step) -> None:
    """532 while the first job runs, nothing changed; time goes on, and the lab verifies."""
    first(both)
    before = both.events_digest
    assert error_of(lambda: second(both)).code in (532, 900847)
    assert both.events_digest == before
    both.run("1h")
    assert both.verify() == []
    assert all(job.state == "Succeeded" for job in both.jobs.values())


def test_a_vault_is_not_deleted_while_a_server_registers(tmp_path: Path) -> None:
    """The registration is at work with it: 532; and no registration with a vault that is being deleted."""
    with new_lab(tmp_path, SHOP, stage="prepared") as lab:
        lab.vault.register_server()
        lab.run("10s")
        assert error_of(lab.vault.delete).code == 532
        lab.run("1h")
        lab.vault.unregister_server(wait=True)
        lab.vault.delete()
        assert error_of(lab.vault.register_server).code == 532
        lab.run("1h")
        assert lab.azure.vaults == {}


def test_no_vm_is_enabled_while_its_cloud_is_released(tmp_path: Path) -> None:
    """532 while the release runs; afterwards the cloud is not configured (900515)."""
    with new_lab(tmp_path, SHOP, stage="configured") as lab:
        lab.vault.release_cloud()
        assert error_of(lambda: lab.vault.enable_protection("SHOP")).code == 532
        lab.run("1h")
        assert error_of(lambda: lab.vault.enable_protection("SHOP")).code == 900515


def test_the_recovery_side_of_a_pair_stays(both: Lab) -> None:
    """A recovery cloud's metadata, server and host cannot be taken away while it is one."""
    _pair(both)
    both.run("5min")
    both.vault.enable_protection("SHOP", wait=True)
    both.wait(both.vault.items["SHOP"])
    assert error_of(lambda: _hide(both)).code == 900835
    assert error_of(lambda: _unregister_other(both)).code == 900518
    host = both.hyperv.replicas["SHOP"].replica
    second = both.site.vmm.on("SC02")
    assert error_of(lambda: second.remove_host(host)).code == 900848
    second.create_host_group("Lent")
    assert error_of(lambda: second.move_host(host, "Lent")).code == 900998


def test_a_server_takes_its_own_mappings_along(both: Lab) -> None:
    """One of two servers leaves the vault: the other's mapping to Azure stands, the one to the leaver goes."""
    both.vault.map_network(wait=True)
    both.vault.map_network(server="SC02", wait=True)
    _unregister_other(both)
    both.run("5min")
    _configure(both)
    both.run("5min")
    both.vault.enable_protection("SHOP", wait=True)
    both.wait(both.vault.items["SHOP"])
    assert both.vault.target("SHOP").network == "AzureNetwork"
    assert error_of(lambda: both.vault.map_network(server="SC02")).code == 900010


def test_a_failed_enabling_leaves_no_replica(both: Lab) -> None:
    """Also where replicas are kept when protection is removed: this one never was one, and enabling works again."""
    both.vault.configure_protection(target=THEIRS, delete_replica=False, wait=True)
    both.faults.lose_line("replica-site")
    assert error_of(lambda: both.vault.enable_protection("SHOP", wait=True)).code == 40000
    assert both.hyperv.machines == {}
    both.faults.restore_line("replica-site")
    both.vault.enable_protection("SHOP", wait=True)
    both.wait(both.vault.items["SHOP"])
    assert both.vault.items["SHOP"].state == "Protected"


def test_the_check_asks_for_the_clouds_target(tmp_path: Path) -> None:
    """Generation 2 and 200 GB fail the check for Azure, and pass it in a cloud that is protected to another cloud."""
    big = "{name: BIG, os: Windows Server 2012 R2, generation: 2, protected: no, disks: [{name: os, size: 200GB}]}"
    with two_clouds(tmp_path, big) as lab:
        for server in ("SC01", "SC02"):
            lab.vault.register_server(server, wait=True)
        assert {found.rule for found in lab.vault.check("BIG") if found.severity == "fails"} >= {"1.4-7", "1.4-8"}
        lab.vault.configure_protection(target=THEIRS, wait=True)
        assert [found.rule for found in lab.vault.check("BIG") if found.severity == "fails"] == []


def test_a_stage_says_what_keeps_a_vm_from_it(tmp_path: Path) -> None:
    """create(stage="protected") with a 32-bit VM ends with that reason, and leaves no lab."""
    old = "{name: OLD, os: 'Windows Server 2008 SP2 (x86)', disks: [{name: os, size: 24MB}]}"
    assert error_of(lambda: new_lab(tmp_path, old)).code == 70002


def test_nothing_to_look_into_yet(tmp_path: Path) -> None:
    """During initial replication, and after a commit, there is no point to choose: 900522."""
    with new_lab(tmp_path, SHOP, stage="configured") as lab:
        lab.vault.enable_protection("SHOP")
        assert error_of(lambda: lab.vault.look_into("SHOP")).code == 900522
        lab.wait(lab.vault.items["SHOP"])
        lab.vault.planned_failover("SHOP", wait=True)
        lab.vault.look_into("SHOP")
        lab.vault.commit("SHOP", wait=True)
        assert error_of(lambda: lab.vault.look_into("SHOP")).code == 900522


def test_the_second_cloud_has_a_name_of_its_own(tmp_path: Path) -> None:
    """Called like the first one, it is a fault with its line."""
    path = tmp_path / "same.yml"
    path.write_text(
        f"site: same\nreplica_site: {{hosts: [HV11], vmm: SC02, cloud: onpremise cloud}}\nvms:\n  - {SHOP}\n",
        encoding="utf-8",
    )
    refused = error_of(lambda: labkit.create(tmp_path / "same.lab", site=path))
    assert refused.code == 900200
    assert "same.yml:2: replica_site.cloud" in str(refused)
