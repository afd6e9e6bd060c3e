"""Protection of a cloud to another cloud: configure, map, enable, take down (rules 1.2-2, 2.7-1, 2.7-11, F-2)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import labkit
from labkit.engine.errors import LabError
from labkit.lab import Lab
from labkit.replication.relation import Relation
from tests.recovery.labs import MINUTE, SHOP, error_of, facts, task_states
from tests.recovery.step2 import failed

OURS, THEIRS = "OnPremise Cloud", "Backup Cloud - 2ndDC"
BIG = (
    "{name: BIG, os: Windows Server 2012 R2, generation: 2, protected: no, disks: [{name: os, size: 200GB, used: 2MB}]}"
)


def two_clouds(
    folder: Path, *vms: str, stage: str = "prepared", vmm: str = "SC02", servers: str = "{}", line: str = "1Gbps"
) -> Lab:
    """Two sites with a cloud each; with ``vmm=SC01`` both clouds are of one VMM server."""
    path = folder / "two.yml"
    listed = "\n".join(f"  - {vm}" for vm in (vms or (SHOP,)))
    path.write_text(
        f"site: two\nservers: {servers}\n"
        f"replica_site: {{hosts: [HV11, HV12], vmm: {vmm}, cloud: {THEIRS}, line: {{bandwidth: {line}}}}}\n"
        f"vms:\n{listed}\n",
        encoding="utf-8",
    )
    return labkit.create(path.with_suffix(".lab"), site=path, stage=stage)


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Lab]:
    """Both VMM servers are registered; the VMs SHOP and BIG (generation 2, 200 GB) are not protected yet."""
    with two_clouds(tmp_path, SHOP, BIG) as lab:
        lab.vault.register_server(wait=True)
        lab.vault.register_server("SC02", wait=True)
        yield lab


def _protect(lab: Lab, vm: str = "SHOP", **settings: Any) -> None:
    lab.vault.configure_protection(target=THEIRS, wait=True, **settings)
    lab.vault.enable_protection(vm, wait=True)
    lab.wait(lab.vault.items[vm])


@pytest.mark.rule("1.2-2", "2.7-1")
def test_the_portal_lists_both_rows_of_a_pair(both: Lab) -> None:
    """Unpaired no role and no target; paired two rows, one for each role, with the other side's server and cloud."""
    assert {(row.name, row.role, row.state, row.target) for row in both.vault.clouds} == {
        (OURS, "", "", ""),
        (THEIRS, "", "", ""),
    }
    both.vault.configure_protection(target=THEIRS, wait=True)
    rows = {row.name: tuple(row)[1:] for row in both.vault.clouds}
    assert rows == {
        OURS: ("protected", "configured", "SC01.demo.contoso.com", 2, "SC02.demo.contoso.com", THEIRS),
        THEIRS: ("recovery", "configured", "SC02.demo.contoso.com", 0, "SC01.demo.contoso.com", OURS),
    }


@pytest.mark.rule("1.2-2", "2.7-1")
def test_to_azure_the_target_is_azure(both: Lab) -> None:
    """The same page with Microsoft Azure as target: one row with a role, the other cloud stays as it is."""
    both.vault.configure_protection(wait=True)
    rows = {row.name: (row.role, row.target, row.target_cloud) for row in both.vault.clouds}
    assert rows == {OURS: ("protected", "Microsoft Azure", ""), THEIRS: ("", "", "")}


@pytest.mark.rule("2.7-11")
def test_what_each_target_asks(both: Lab) -> None:
    """Storage account, retention and encryption are Azure's; points, port and the like another cloud's: refused."""
    before = both.events_digest
    for wrong in ({"retention": 1}, {"storage": "mysiterecovery"}, {"encrypt": True}):
        refused = error_of(lambda wrong=wrong: both.vault.configure_protection(target=THEIRS, **wrong))
        assert (refused.code, refused.details["setting"]) == (900890, next(iter(wrong)))
    for wrong in ({"points": 1}, {"port": 8084}, {"compression": False}, {"delete_replica": True}):
        refused = error_of(lambda wrong=wrong: both.vault.configure_protection(**wrong))
        assert (refused.code, refused.details["setting"]) == (900895, next(iter(wrong)))
    assert both.events_digest == before
    both.vault.configure_protection(target=THEIRS, wait=True)
    both.vault.enable_protection("SHOP", wait=True)
    assert error_of(lambda: both.vault.set_target("SHOP", size="M")).code == 900948  # no size: that is Azure's
    assert both.vault.items["SHOP"].size == ""


@pytest.mark.rule("2.7-11")
def test_ranges_site_to_site(both: Lab) -> None:
    """0 to 15 points, snapshots less often than points, ports 1 to 65535, shares: just outside it is refused."""
    share = {"initial": "export", "export_path": r"\\HV01\Out", "import_path": r"\\HV11\In"}
    wrong: list[tuple[int, dict[str, Any]]] = [
        (900514, {"points": 16}),
        (900514, {"points": -1}),
        (900514, {"points": 1, "app_consistent": 2}),
        (900514, {"authentication": "ntlm"}),
        (900627, {"port": 65_536}),
        (900588, {"initial": "pigeon"}),
        (31218, {"initial": "export"}),
        (31218, {**share, "export_path": "C:\\Out"}),
        (31218, {**share, "import_path": r"\\NOBODY\In"}),
        (31218, {**share, "import_path": r"\\HV11"}),
    ]
    for code, settings in wrong:
        refused = error_of(lambda settings=settings: both.vault.configure_protection(target=THEIRS, **settings))
        assert refused.code == code, settings
    both.vault.configure_protection(target=THEIRS, points=15, app_consistent=12, port=65_535, wait=True)
    assert both.site.server("HV11").ports[65_535] == "Hyper-V Replica"


@pytest.mark.rule("2.7-11")
def test_default_ports(both: Lab) -> None:
    """8084 with certificates (the default), 8083 with Kerberos, on the hosts of both clouds; taken, the job fails."""
    both.site.use_port("HV12", 8084, "Inventory")
    refused = failed(both, 900625, "CloudPairingPrerequisitesCheck", both.vault.configure_protection(target=THEIRS))
    assert (refused.details["server"], refused.details["port"]) == ("HV12", 8084)
    assert [8084 in both.site.server(host).ports for host in ("HV01", "HV11")] == [False] * 2  # looked at before
    assert not any(row.role for row in both.vault.clouds)
    both.vault.configure_protection(target=THEIRS, authentication="kerberos", wait=True)
    assert [8083 in both.site.server(host).ports for host in ("HV01", "HV11", "HV12")] == [True] * 3


@pytest.mark.rule("2.7-11", "1.2-1")
def test_a_vm_crosses_the_line_to_the_other_cloud(both: Lab) -> None:
    """Five tasks, finalized on both sides, replicated every 5 minutes, points by number: the disks are equal."""
    both.vault.configure_protection(target=THEIRS, points=3, wait=True)
    job = both.vault.enable_protection("SHOP", wait=True)
    assert list(task_states(job).values()) == ["Succeeded"] * 5
    both.wait(both.vault.items["SHOP"])
    assert both.vault.items["SHOP"].state == "Protected"
    kinds = [job.scenario for job in both.jobs.values()][-2:]
    assert kinds == ["PrimaryIrCompletion", "SecondaryIrCompletion"]
    both.run("5h")
    assert len(both.vault.items["SHOP"].recovery_points) == 1 + 3
    assert both.vault.items["SHOP"].rpo <= 310
    assert both.read(lambda world: world.get(Relation, "SHOP").frequency) == 5 * MINUTE
    assert both.hyperv.replicas["SHOP"].replica in ("HV11", "HV12")
    assert both.verify(full=True) == []
    assert both.azure.machines == {}


@pytest.mark.rule("1.4-1", "1.4-2", "1.4-7")
def test_site_to_site_has_other_requirements(tmp_path: Path) -> None:
    """VMM of 2012 SP1 and hosts on Windows Server 2012 do; so does generation 2 with 200 GB; to Azure none of these."""
    with two_clouds(tmp_path, BIG, servers="{host_os: Windows Server 2012}", stage="start") as lab:
        for server, hosts in (("SC01", ["HV01"]), ("SC02", ["HV11"])):
            lab.site.add_feature(server)
            lab.site.install(server, "SQL Server 2012")
            lab.site.install(server, "ADK")
            lab.site.install_vmm(server, version="System Center 2012 SP1", accept_licence=True)
            console = lab.site.vmm.on(server)
            for job in console.add_hosts(hosts, credentials="DEMO\\Administrator"):
                lab.wait(job)
            console.create_cloud(OURS if server == "SC01" else THEIRS, profiles=["Hyper-V"])
        lab.site.vmm.assign("BIG", OURS)
        lab.site.vmm.set_system("BIG", "Windows Server 2012 R2")
        lab.azure.sign_up("someone@example.org", "090-0000-0000", "0000-0000-0000-0000")
        lab.azure.create_vault("MyVault", "Japan East")
        lab.azure.create_storage("mysiterecovery", "Japan East")
        key = lab.vault.generate_key(tmp_path)
        for server in ("SC01", "SC02"):
            lab.site.install_provider(key, server=server, wait=True)
        assert error_of(lambda: lab.vault.configure_protection(wait=True)).code == 900844
        assert error_of(lambda: lab.vault.configure_protection(target=THEIRS, frequency="30s")).code == 900514
        _protect(lab, "BIG")
        assert lab.vault.items["BIG"].state == "Protected"
        assert lab.site.server("HV01").software == []  # no agent


def test_two_clouds_of_one_server(tmp_path: Path) -> None:
    """Both clouds belong to one VMM server (facts.md 6): the pair works, and neither is in a second one."""
    with two_clouds(tmp_path, vmm="SC01") as lab:
        lab.vault.register_server(wait=True)
        assert error_of(lambda: lab.vault.configure_protection(target=OURS)).code == 900891
        _protect(lab)
        lab.run("1h")
        assert lab.verify(full=True) == []
        assert error_of(lambda: lab.vault.configure_protection(THEIRS, target=OURS)).code == 900892
        assert error_of(lambda: lab.vault.configure_protection(THEIRS)).code == 900892


def test_export_and_import(both: Lab) -> None:
    """Exported, nothing crosses the line and the item waits; imported, the changes since then are sent."""
    share = {"initial": "export", "export_path": r"\\HV01\Out", "import_path": r"\\hv11.demo.contoso.com\In"}
    both.vault.configure_protection(target=THEIRS, wait=True, **share)
    both.vault.enable_protection("SHOP", wait=True)
    both.run("6h")
    assert both.vault.items["SHOP"].description == "Initial replication in progress"
    assert facts(both, "initial.piece") == []
    both.vault.import_initial_replication("SHOP")
    both.wait(both.vault.items["SHOP"])
    both.run("1h")
    assert both.vault.items["SHOP"].state == "Protected"
    assert both.verify(full=True) == []
    assert error_of(lambda: both.vault.import_initial_replication("SHOP")).code in (900582, 900584)


@pytest.mark.rule("2.7-9")
def test_networks_of_the_other_server(both: Lab) -> None:
    """Mapped to a network of the recovery cloud's VMM server; a network it has not is refused with those it has."""
    refused = error_of(lambda: both.vault.map_network(target="Nowhere", server="SC02"))
    assert (refused.code, refused.details["choices"]) == (900010, "VirtualSwitch - FrontEnd")
    both.vault.map_network(server="SC02", wait=True)
    assert facts(both, "network.mapped")[-1]["server"] == "SC02"
    both.vault.map_network(wait=True)  # the same network to Azure: both mappings stand
    assert [fact.get("server", "") for fact in facts(both, "network.mapped")] == ["SC02", ""]


@pytest.mark.rule("F-2")
def test_from_another_cloud_to_azure(both: Lab) -> None:
    """The target changes only over the whole way: VM out, cloud released, configured anew (with the agent)."""
    _protect(both)
    assert error_of(both.vault.configure_protection).code == 900513
    assert error_of(both.vault.release_cloud).code == 900516
    both.vault.disable_protection("SHOP", wait=True)
    assert error_of(both.vault.configure_protection).code == 900513
    both.vault.release_cloud(wait=True)
    both.vault.configure_protection(wait=True)
    both.vault.enable_protection("SHOP", wait=True)
    both.wait(both.vault.items["SHOP"])
    assert both.vault.items["SHOP"].state == "Protected"
    assert both.hyperv.machines == {}


def test_what_is_left_without_deleting_the_replica(both: Lab) -> None:
    """With the switch off the replica VM stays at the other site; the VM is protected again when it was deleted."""
    _protect(both, delete_replica=False)
    both.run("1h")
    both.vault.disable_protection("SHOP", wait=True)
    assert list(both.hyperv.machines) == ["SHOP"]
    assert error_of(lambda: both.vault.enable_protection("SHOP")).code == 900894
    assert error_of(lambda: both.hyperv.delete("BIG")).code == 900010
    both.hyperv.delete("SHOP")
    both.vault.enable_protection("SHOP", wait=True)
    both.wait(both.vault.items["SHOP"])
    assert both.verify() == []


def test_no_place_and_no_connection(both: Lab) -> None:
    """No host of the recovery cloud runs: 40004 with 31225. The line between the sites is lost: 40000. Both mended."""
    both.vault.configure_protection(target=THEIRS, wait=True)
    for host in ("HV11", "HV12"):
        both.site.stop_server(host)
    refused = error_of(lambda: both.vault.enable_protection("SHOP", wait=True))
    assert refused.code == 40004
    assert refused.provider is not None
    assert refused.provider["code"] == 31225
    both.site.start_server("HV12")
    both.faults.lose_line("replica-site")
    refused = error_of(lambda: both.vault.enable_protection("SHOP", wait=True))
    assert (refused.code, refused.details["host"], refused.details["port"]) == (40000, "HV12", 8084)
    assert (both.vault.items.get("SHOP"), both.hyperv.machines) == (None, {})
    both.faults.restore_line("replica-site")
    both.vault.enable_protection("SHOP", wait=True)
    both.wait(both.vault.items["SHOP"])
    assert both.vault.items["SHOP"].state == "Protected"


def test_hyper_v_manager_keeps_its_hands_off(both: Lab) -> None:
    """What Site Recovery looks after is shown by Hyper-V Manager, and not changed there."""
    _protect(both)
    assert both.hyperv.replicas["SHOP"].state == "Replicating"
    for work in (both.hyperv.failover, both.hyperv.remove, both.hyperv.planned_failover):
        assert error_of(lambda work=work: work("SHOP")).code == 900893


def test_a_second_server_has_a_name_of_its_own(tmp_path: Path) -> None:
    """A VMM server of the second site that is called like a host is refused with its line."""
    with pytest.raises(LabError) as refused:
        two_clouds(tmp_path, vmm="HV11")
    assert refused.value.code == 900200
    assert "replica_site.vmm" in str(refused.value)


def test_an_older_vmm_is_upgraded_for_azure(tmp_path: Path) -> None:
    """VMM of 2012 SP1 cannot protect to Azure (900844); upgraded to 2012 R2 the same click succeeds."""
    with two_clouds(tmp_path, stage="start") as lab:
        lab.site.add_feature("SC01")
        lab.site.install("SC01", "SQL Server 2012")
        lab.site.install("SC01", "ADK")
        lab.site.install_vmm(version="System Center 2012 SP1", accept_licence=True)
        lab.site.vmm.add_host("HV01", credentials="DEMO\\Administrator", wait=True)
        lab.site.vmm.create_cloud(OURS, profiles=["Hyper-V"])
        lab.azure.sign_up("someone@example.org", "090-0000-0000", "0000-0000-0000-0000")
        lab.azure.create_vault("MyVault", "Japan East")
        lab.azure.create_storage("mysiterecovery", "Japan East")
        lab.site.install_provider(lab.vault.generate_key(tmp_path), wait=True)
        assert error_of(lambda: lab.vault.configure_protection(wait=True)).code == 900844
        assert error_of(lambda: lab.site.update("SC01", "System Center 2012 SP1")).code == 900659
        lab.site.update("SC01", "System Center 2012 R2")
        lab.site.update("SC01", "UR3")
        lab.vault.configure_protection(wait=True)
        assert lab.vault.clouds[0].role == "protected"
