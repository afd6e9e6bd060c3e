"""What a failed job leaves behind, whom VMM asks first, and what goes with a server that leaves the vault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import labkit
from labkit.lab import Lab
from labkit.lab.views import Job
from tests.recovery.labs import QUIET, SHOP, error_of, facts, new_lab, task_states
from tests.recovery.step2 import ADMIN, CLOUD, azure, fabric, failed, key, lab_of, manager, refused, register
from tests.recovery.test_cloud_to_cloud import BIG, THEIRS, two_clouds

TWO_HOSTS = "hosts: [HV01, HV02]"
SHARES: dict[str, Any] = {"initial": "export", "export_path": r"\\HV01\Out", "import_path": r"\\HV11\In"}


@pytest.fixture(scope="module")
def _two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with two_clouds(tmp_path_factory.mktemp("two"), SHOP, BIG) as lab:
        for server in ("SC01", "SC02"):
            lab.vault.register_server(server, wait=True)
        return lab.path


@pytest.fixture
def both(_two: Path, tmp_path: Path) -> Iterator[Lab]:
    """Two VMM servers in the vault with a cloud each; SHOP and BIG are not protected yet."""
    with labkit.open(_two, read_only=True) as lab:
        lab.copy(tmp_path / "two.lab")
    with labkit.open(tmp_path / "two.lab") as lab:
        yield lab


def _protected(lab: Lab, *vms: str) -> None:
    lab.vault.configure_protection(target=THEIRS, points=3, wait=True)
    for vm in vms:
        lab.vault.enable_protection(vm, wait=True)
    for vm in vms:
        lab.wait(lab.vault.items[vm])


# --- a server leaves the vault ----------------------------------------------------------------------------------------


@pytest.mark.rule("2.6-3", "4.3-1")
def test_a_server_that_left_sends_no_cloud_by_itself(tmp_path: Path) -> None:
    """Unregistered, VMM sends no cloud any more: registered again without "all clouds", none of before is there."""
    with lab_of(tmp_path) as lab:
        fabric(lab)
        azure(lab)
        register(lab)
        assert [row.name for row in lab.vault.clouds] == [CLOUD]
        lab.vault.unregister_server(wait=True)
        assert not lab.site.vmm.clouds[CLOUD].sends
        lab.site.register(key(lab), all_clouds=False, wait=True)
        assert lab.vault.clouds == []
        lab.site.vmm.send_cloud(CLOUD)
        assert [row.name for row in lab.vault.clouds] == [CLOUD]


@pytest.mark.rule("2.6-3", "4.3-1")
def test_the_clouds_of_the_other_server_go_on_being_sent(both: Lab) -> None:
    """Only the clouds of the server that leaves are sent no more; the other server's one stays in the vault."""
    both.vault.unregister_server("SC02", wait=True)
    assert [row.name for row in both.vault.clouds] == [CLOUD]
    assert both.site.vmm.clouds[CLOUD].sends
    assert not both.site.vmm.on("SC02").clouds[THEIRS].sends


@pytest.mark.rule("2.7-9", "4.3-1")
def test_network_mappings_go_with_their_server(tmp_path: Path) -> None:
    """Mapped, the virtual network is in use; with the server unregistered it is not, and a VM is on no network."""
    with new_lab(tmp_path, QUIET) as lab:
        assert lab.vault.target("QUIET").network == "AzureNetwork"
        lab.vault.disable_protection("QUIET", wait=True)
        lab.vault.release_cloud(wait=True)
        assert refused(lab, 900524, lambda: lab.azure.delete_network("AzureNetwork")).details["name"] == "AzureNetwork"
        lab.vault.unregister_server(wait=True)
        lab.vault.register_server(wait=True)
        lab.vault.configure_protection(wait=True)
        lab.vault.enable_protection("QUIET", wait=True)
        assert lab.vault.target("QUIET").network == ""
        lab.azure.delete_network("AzureNetwork")


@pytest.mark.rule("2.7-9", "4.3-1")
def test_network_mappings_of_the_other_server_stay(both: Lab) -> None:
    """The second site's server leaves: the site's network is mapped as before, and its virtual network in use."""
    both.vault.map_network(wait=True)
    both.vault.unregister_server("SC02", wait=True)
    assert error_of(lambda: both.azure.delete_network("AzureNetwork")).code == 900524
    both.vault.configure_protection(wait=True)
    both.vault.enable_protection("SHOP", wait=True)
    assert both.vault.target("SHOP").network == "AzureNetwork"


# --- two clouds -------------------------------------------------------------------------------------------------------


@pytest.mark.rule("2.7-11")
@pytest.mark.parametrize("host", ["HV01", "HV12"])
def test_the_port_of_a_pair_is_taken_on_either_side(both: Lab, host: str) -> None:
    """A host of the protected cloud counts as one of the recovery cloud does; on another port the pair is made."""
    both.site.use_port(host, 9000, "Inventory")
    failed(both, 900625, "CloudPairingPrerequisitesCheck", both.vault.configure_protection(target=THEIRS, port=9000))
    both.vault.configure_protection(target=THEIRS, port=9001, wait=True)
    assert both.site.server(host).ports[9000] == "Inventory"


def test_replicas_go_to_the_host_that_has_the_fewest(both: Lab) -> None:
    """Two hosts in the recovery cloud and two VMs: a replica on each; the next one goes where one was taken away."""
    both.vault.configure_protection(target=THEIRS, wait=True)
    for vm in ("SHOP", "BIG"):
        both.vault.enable_protection(vm, wait=True)
    assert {vm: view.replica for vm, view in both.hyperv.replicas.items()} == {"SHOP": "HV11", "BIG": "HV12"}
    both.wait(both.vault.items["BIG"])
    both.vault.disable_protection("BIG", wait=True)
    both.vault.enable_protection("BIG", wait=True)
    assert both.hyperv.replicas["BIG"].replica == "HV12"


@pytest.mark.rule("2.7-11")
def test_a_share_is_one_of_a_server_that_runs(both: Lab) -> None:
    """31218 with the path for a server that is off, for export as for import; started, the same page is taken."""
    both.site.stop_server("HV12")

    def configure(field: str) -> Job:
        return both.vault.configure_protection(target=THEIRS, **{**SHARES, field: r"\\HV12\In"})

    for field in ("export_path", "import_path"):
        error = refused(both, 31218, lambda field=field: configure(field))  # type: ignore[misc]
        assert error.details["found"] == r"\\HV12\In"
    both.site.start_server("HV12")
    both.wait(configure("import_path"))


@pytest.mark.rule("2.7-11")
def test_a_share_is_one_of_a_server_of_the_domain(tmp_path: Path) -> None:
    """31218 for a host that has not joined; joined, the same page is taken."""
    servers = "{hosts: [HV01, {name: HV02, joined: no}]}"
    with two_clouds(tmp_path, QUIET, stage="start", servers=servers) as lab:
        for server, host, cloud in (("SC01", "HV01", CLOUD), ("SC02", "HV11", THEIRS)):
            lab.site.add_feature(server)
            lab.site.install(server, "SQL Server 2012 SP1")
            lab.site.install(server, "ADK")
            lab.site.install_vmm(server, accept_licence=True)
            lab.site.vmm.on(server).add_host(host, credentials=ADMIN, wait=True)
            lab.site.vmm.on(server).create_cloud(cloud, profiles=["Hyper-V"])
        azure(lab)
        for server in ("SC01", "SC02"):
            lab.site.install_provider(key(lab), server=server, wait=True)
        paths: dict[str, Any] = {**SHARES, "export_path": r"\\HV02\Out"}
        refused(lab, 31218, lambda: lab.vault.configure_protection(target=THEIRS, **paths))
        lab.site.join_domain("HV02")
        lab.vault.configure_protection(target=THEIRS, wait=True, **paths)
        assert [row.target for row in lab.vault.clouds if row.name == CLOUD] == ["SC02.demo.contoso.com"]


# --- failovers that fail on their way ---------------------------------------------------------------------------------


@pytest.mark.rule("1.2-8")
def test_a_reverse_that_fails_after_its_commit_leaves_a_committed_failover(both: Lab) -> None:
    """It has committed when the site loses power: the item is committed, and can only be reversed; it then is."""
    _protected(both, "SHOP")
    both.run("20min")
    both.vault.unplanned_failover("SHOP", wait=True)
    job = both.vault.reverse_replication("SHOP")
    both.run("20s")
    assert task_states(job)["VmCommit"] == "Succeeded"
    both.faults.lose_site()
    error_of(lambda: both.wait(job))
    assert job.state == "Failed"
    item = both.vault.items["SHOP"]
    assert item.allowed_operations == ("ReverseReplicate",)
    assert error_of(lambda: both.vault.commit("SHOP")).code == 900501
    both.faults.restore_site()
    both.vault.reverse_replication("SHOP", wait=True)
    both.wait(item)
    assert (item.state, item.active_location) == ("Protected", "Recovery")
    assert both.verify() == []


@pytest.mark.rule("1.2-8")
@pytest.mark.parametrize("synchronise", [False, True])
def test_an_unplanned_failover_that_fails_leaves_replication_as_it_was(both: Lab, synchronise: bool) -> None:
    """Back to a site that loses power meanwhile: the item stays protected, and with power there cycles go on."""
    _protected(both, "SHOP")
    both.vault.planned_failover("SHOP", wait=True)
    item = both.vault.items["SHOP"]
    both.wait(item)
    both.run("20min")
    job = both.vault.unplanned_failover("SHOP", synchronise=synchronise)
    both.run("1min")
    both.faults.lose_site()
    error_of(lambda: both.wait(job))
    assert (job.state, item.state, item.active_location) == ("Failed", "Protected", "Recovery")
    both.run("10min")
    both.faults.restore_site()
    both.run("2h")
    before = len(facts(both, "cycle", "SHOP"))
    both.run("1h")
    assert len(facts(both, "cycle", "SHOP")) >= before + 12
    assert item.rpo is not None
    assert item.rpo <= 310
    assert both.verify(full=True) == []


# --- suspended --------------------------------------------------------------------------------------------------------


@pytest.mark.rule("2.2-2")
def test_jobs_of_vmm_go_on_while_the_subscription_is_suspended(tmp_path: Path) -> None:
    """The trial's month is over: VMM adds a host all the same, and the vault's own jobs are refused."""
    with lab_of(tmp_path) as lab:
        manager(lab)
        azure(lab)
        lab.run("32d")
        assert lab.azure.subscription.state == "Suspended"  # type: ignore[union-attr]
        job = lab.site.vmm.add_host("HV01", credentials=ADMIN)
        lab.run("5min")
        assert (job.state, lab.site.vmm.hosts) == ("Succeeded", {"HV01": "All Hosts"})
        assert error_of(lambda: lab.vault.generate_key(tmp_path)).code in range(900800, 900810)


# --- VMM --------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("2.3-6")
def test_vmm_is_asked_at_the_first_task_of_adding_a_host(tmp_path: Path) -> None:
    """Its service is stopped after the click: the first task fails, and the host's role is not touched."""
    with lab_of(tmp_path, servers="hosts: [{name: HV01, role: no}]") as lab:
        manager(lab)
        job = lab.site.vmm.add_host("HV01", credentials=ADMIN)
        lab.site.vmm.stop_service()
        failed(lab, 900642, "InstallVmmAgent", job)
        assert lab.site.server("HV01").features == []
        lab.site.vmm.start_service()
        lab.site.vmm.add_host("HV01", credentials=ADMIN, wait=True)
        assert lab.site.server("HV01").features == ["Hyper-V"]


@pytest.mark.rule("2.4-1")
def test_a_new_vm_of_a_cloud_goes_to_the_host_with_the_fewest(tmp_path: Path) -> None:
    """Two VMs stand on the first host, none on the second: two new ones go there, then by turns."""
    other = QUIET.replace("QUIET", "CALM")
    with lab_of(tmp_path, QUIET, other, servers=TWO_HOSTS) as lab:
        fabric(lab, "HV01", "HV02")
        assert {view.host for view in lab.site.vmm.vms.values()} == {"HV01"}
        for number in range(4):
            lab.site.vmm.create_vm(f"NEW{number}", "Ubuntu 14.04", cloud=CLOUD)
        assert [lab.site.vmm.vms[f"NEW{n}"].host for n in range(4)] == ["HV02", "HV02", "HV01", "HV02"]


# --- encryption -------------------------------------------------------------------------------------------------------


@pytest.mark.rule("2.6-4")
def test_no_certificate_stays_of_a_registration_that_was_refused(tmp_path: Path) -> None:
    """Refused by its key file or by VMM, it leaves no ``.pfx``, whose path can be given again."""
    with lab_of(tmp_path) as lab:
        fabric(lab)
        azure(lab)
        path, out = key(lab), tmp_path / "mine.pfx"
        lab.site.install_provider()
        more: dict[str, Any] = {"certificate": out, "password": "correct horse"}
        broken = tmp_path / "broken.VaultCredentials"
        broken.write_text("nothing", encoding="utf-8")
        error_of(lambda: lab.site.register(broken, **more))
        assert not out.exists()
        lab.site.vmm.stop_service()
        refused(lab, 900642, lambda: lab.site.register(path, **more))
        assert not out.exists()
        lab.site.vmm.start_service()
        lab.site.register(path, wait=True, **more)
        assert out.exists()


@pytest.mark.rule("2.7-3", "F-4")
def test_the_key_of_a_cloud_whose_configuration_failed_is_gone(tmp_path: Path) -> None:
    """Encryption was chosen and the job failed: configured without it, a failover asks for no certificate."""
    with new_lab(tmp_path, QUIET, stage="registered") as lab:
        lab.site.make_certificate(tmp_path, password="correct horse")
        lab.site.vmm.change_cloud(CLOUD, profiles=[])
        failed(lab, 10003, "CloudPairingPrerequisitesCheck", lab.vault.configure_protection(encrypt=True))
        lab.site.vmm.change_cloud(CLOUD, profiles=["Hyper-V"])
        lab.vault.configure_protection(wait=True)
        lab.vault.map_network(wait=True)
        lab.vault.enable_protection("QUIET", wait=True)
        lab.wait(lab.vault.items["QUIET"])
        assert lab.vault.planned_failover("QUIET", wait=True).state == "Succeeded"


@pytest.mark.rule("2.7-3", "F-4")
def test_encryption_is_chosen_again_after_a_failure(tmp_path: Path) -> None:
    """The same page once more after the failed job: it is taken, and the failover asks for the certificate."""
    with new_lab(tmp_path, QUIET, stage="registered") as lab:
        made = lab.site.make_certificate(tmp_path, password="correct horse")
        lab.site.vmm.change_cloud(CLOUD, profiles=[])
        failed(lab, 10003, "CloudPairingPrerequisitesCheck", lab.vault.configure_protection(encrypt=True))
        lab.site.vmm.change_cloud(CLOUD, profiles=["Hyper-V"])
        lab.vault.configure_protection(encrypt=True, wait=True)
        lab.vault.enable_protection("QUIET", wait=True)
        lab.wait(lab.vault.items["QUIET"])
        refused(lab, 900563, lambda: lab.vault.planned_failover("QUIET"))
        more: dict[str, Any] = {"certificate": str(made), "password": "correct horse"}
        assert lab.vault.planned_failover("QUIET", wait=True, **more).state == "Succeeded"
