"""From a bare site to protection, and down again in the guide's order (rules 2.7, 2.8, 4.1 to 4.4)."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

import labkit
from tests.recovery.labs import BUSY, QUIET, SHOP, error_of, facts, guesses, new_lab, task_states

CLOUD = "OnPremise Cloud"


def test_each_step_needs_the_one_before(tmp_path: Path) -> None:
    """Register, configure, map, enable: out of order each is refused with what is missing, then accepted in order."""
    with new_lab(tmp_path, QUIET, stage="prepared") as lab:
        assert error_of(lambda: lab.vault.enable_protection("QUIET")).code == 900515
        assert error_of(lab.vault.map_network).code == 900517
        assert error_of(lab.vault.configure_protection).code == 900846
        assert error_of(lambda: lab.vault.register_server("HV01")).code == 900511
        assert guesses(error_of(lambda: lab.vault.register_server("SC1")).cause, "SC01")
        lab.vault.register_server(wait=True)
        assert error_of(lab.vault.register_server).code == 900512
        assert error_of(lambda: lab.vault.enable_protection("QUIET")).code == 900515
        lab.vault.configure_protection(wait=True)
        lab.vault.map_network(wait=True)
        lab.vault.enable_protection("QUIET", wait=True)
        lab.wait(lab.vault.items["QUIET"])
        assert lab.vault.items["QUIET"].state == "Protected"
        assert [job.scenario for job in lab.jobs.values()] == [
            "RegisterDra",
            "AssociateProtectionProfile",
            "NetworkMapping",
            "EnableDr",
            "IrCompletion",
        ]


@pytest.mark.rule("2.7-4", "2.7-5", "2.7-6")
def test_settings_of_a_cloud_are_checked(tmp_path: Path) -> None:
    """Frequency 30 s, 5 or 15 min; retention 0 to 24 whole hours; snapshots none or 1 to 12 hours: else 900514."""
    with new_lab(tmp_path, QUIET, stage="registered") as lab:
        configure = lab.vault.configure_protection
        for frequency in ("1min", "10min", "30min", "29s", "31s", "0s"):
            assert error_of(lambda f=frequency: configure(frequency=f)).code == 900514  # type: ignore[misc]
        for retention in (-1, 25):
            error = error_of(lambda r=retention: configure(retention=r))  # type: ignore[misc]
            assert (error.code, "0-24" in error.action) == (900514, True)
        for hours in (-1, 13):
            assert error_of(lambda h=hours: configure(app_consistent=h)).code == 900514  # type: ignore[misc]
        assert error_of(lambda: configure(retention=1.5)).code == 900063
        assert error_of(lambda: configure(app_consistent=0.5)).code == 900063  # type: ignore[arg-type]
        configure(frequency="15min", retention=24, app_consistent=12, wait=True)
        kept = facts(lab, "cloud.configured")[-1]
        assert (kept["frequency"], kept["retention"], kept["app_consistent"]) == (900_000, 24, 12)


@pytest.mark.rule("2.7-4", "2.7-5", "2.7-6")
def test_defaults_of_a_cloud(tmp_path: Path) -> None:
    """A site file that says nothing of them: every 5 minutes, no additional points, no snapshots."""
    path = tmp_path / "bare.yml"
    path.write_text(f"site: bare\nvms:\n  - {QUIET}\n", encoding="utf-8")
    with labkit.create(tmp_path / "bare.lab", site=path, stage="configured") as lab:
        kept = facts(lab, "cloud.configured")[0]
        assert (kept["frequency"], kept["retention"], kept["app_consistent"]) == (300_000, 0, 0)


def test_jobs_of_the_cloud_and_the_network(tmp_path: Path) -> None:
    """Saving starts a job on the cloud; a network is mapped to an existing virtual network and to no other."""
    with new_lab(tmp_path, QUIET, stage="registered") as lab:
        job = lab.vault.configure_protection()
        assert (job.target, job.state) == (CLOUD, "InProgress")
        lab.wait(job)
        assert job.state == "Succeeded"
        assert error_of(lab.vault.configure_protection).code == 900513
        error = error_of(lambda: lab.vault.map_network(target="AzureNetz"))
        assert (error.code, "AzureNetwork" in error.cause) == (900010, True)
        lab.vault.map_network(wait=True)
        assert facts(lab, "network.mapped")[0]["to"] == "AzureNetwork"


def test_the_steps_of_enabling(tmp_path: Path) -> None:
    """Prerequisites, target, replication, initial replication, provider state: in the order the guide prints."""
    with new_lab(tmp_path, QUIET, stage="configured") as lab:
        job = lab.vault.enable_protection("QUIET", wait=True)
        assert list(task_states(job).items()) == [
            ("EnableProtectionPrerequisitesCheck", "Succeeded"),
            ("CreateProtectionTarget", "Succeeded"),
            ("EnableProtection", "Succeeded"),
            ("VmStartInitialReplication", "Succeeded"),
            ("UpdateDraState", "Succeeded"),
        ]
        times = [(task.started, task.ended) for task in job.tasks]
        assert all(before[1] == after[0] for before, after in itertools.pairwise(times))
        assert lab.site.machines["QUIET"].state == "Running"


def test_what_the_list_shows_during_and_after(tmp_path: Path) -> None:
    """During initial replication its state and health OK, no failover; then protected and ready."""
    with new_lab(tmp_path, QUIET, stage="configured", bandwidth="1Mbps") as lab:
        lab.vault.enable_protection("QUIET", wait=True)
        item = lab.vault.items["QUIET"]
        assert (item.description, item.health, item.rpo) == ("Initial replication in progress", "Normal", None)
        assert item.allowed_operations == ("DisableProtection",)
        lab.wait(item)
        assert (item.description, item.health, item.active_location) == ("Protected", "Normal", "Primary")
        assert "PlannedFailover" in item.allowed_operations


def test_disabling_in_the_middle_of_initial_replication(tmp_path: Path) -> None:
    """What was under way is gone, nothing goes on with it, and the VM can be protected again at once."""
    with new_lab(tmp_path, QUIET, stage="configured", bandwidth="1Mbps") as lab:
        lab.vault.enable_protection("QUIET", wait=True)
        lab.run("10s")
        lab.vault.disable_protection("QUIET", wait=True)
        lab.run("1h")
        assert dict(lab.vault.items) == {}
        assert facts(lab, "initial.ended", "QUIET") == []
        assert lab.verify() == []
        lab.vault.enable_protection("QUIET", wait=True)
        lab.wait(lab.vault.items["QUIET"])
        assert lab.verify(full=True) == []


@pytest.mark.rule("4.1-1", "4.2-1", "4.4-1")
def test_down_in_order_and_only_in_order(tmp_path: Path) -> None:
    """VMs, cloud, server, vault, storage and network: each step too early is refused with what is in its way."""
    with new_lab(tmp_path, SHOP, BUSY) as lab:
        lab.run("1h")
        early = {
            900516: lab.vault.release_cloud,
            900518: lab.vault.unregister_server,
            900519: lab.vault.delete,
        }
        digest = lab.events_digest
        for code, step in early.items():
            assert error_of(step).code == code
        assert "BUSY, SHOP" in error_of(lab.vault.release_cloud).message
        assert error_of(lambda: lab.azure.delete_storage("mysiterecovery")).code == 900524
        assert error_of(lambda: lab.azure.delete_network("AzureNetwork")).code == 900524
        assert lab.events_digest == digest
        lab.vault.disable_protection("SHOP", wait=True)
        error = error_of(lab.vault.release_cloud)
        assert (error.code, "BUSY" in error.message, "SHOP" in error.message) == (900516, True, False)
        lab.vault.disable_protection("BUSY", wait=True)
        lab.vault.release_cloud(wait=True)
        assert error_of(lab.vault.delete).code == 900519
        lab.vault.unregister_server(wait=True)
        lab.vault.delete(wait=True)
        lab.azure.delete_storage("mysiterecovery")
        lab.azure.delete_network("AzureNetwork")
        assert (lab.azure.storage, lab.azure.networks, lab.azure.machines) == ([], [], {})
        assert error_of(lab.vault.register_server).code == 900510
        lab.run("1d")
        assert lab.verify() == []
        assert lab.site.machines["SHOP"].answering  # the site never noticed


def test_disabling_cleans_both_sides(tmp_path: Path) -> None:
    """No replica, no relation, no transfer is left of a VM whose protection is disabled; its neighbour goes on."""
    with new_lab(tmp_path, SHOP, BUSY) as lab:
        lab.run("1h")
        lab.vault.disable_protection("SHOP", wait=True)
        cycles = len(facts(lab, "cycle", "SHOP"))
        lab.run("1h")
        assert len(facts(lab, "cycle", "SHOP")) == cycles
        assert list(lab.vault.items) == ["BUSY"]
        assert error_of(lambda: lab.vault.items["SHOP"]).code == 900502
        assert len(facts(lab, "cycle", "BUSY")) > 20
        assert lab.verify() == []


@pytest.mark.rule("4.4-1")
def test_storage_and_network_may_be_kept(tmp_path: Path) -> None:
    """Storage account and network outlive the vault, and cannot go while a VM left in Azure stands on them."""
    with new_lab(tmp_path, QUIET) as lab:
        lab.vault.planned_failover("QUIET", wait=True)
        lab.vault.disable_protection("QUIET", wait=True)
        lab.vault.release_cloud(wait=True)
        lab.vault.unregister_server(wait=True)
        lab.vault.delete(wait=True)
        assert (lab.azure.storage, lab.azure.networks) == (["mysiterecovery"], ["AzureNetwork"])
        assert error_of(lambda: lab.azure.delete_storage("mysiterecovery")).code == 900524
        lab.azure.delete_machine("QUIET")
        lab.azure.delete_storage("mysiterecovery")
        lab.azure.delete_network("AzureNetwork")


def test_names_of_azure_come_with_a_guess(tmp_path: Path) -> None:
    """What is not there is told by the name the user knows it by."""
    with new_lab(tmp_path, QUIET) as lab:
        lab.vault.planned_failover("QUIET", wait=True)
        error = error_of(lambda: lab.azure.delete_machine("QIET"))
        assert error.code == 900010
        assert "azure/" not in error.message
        assert "Did you mean 'QUIET'?" in error.cause
        assert "mysiterecovery" in error_of(lambda: lab.azure.delete_storage("mysiterecover")).cause


@pytest.mark.parametrize(
    ("cpu", "memory", "size"),
    [
        (1, "memory: 512MB", "XS"),
        (1, "memory: 1GB", "S"),
        (2, "memory: 2GB", "M"),
        (4, "memory: 5GB", "L"),
        (2, "memory: 12GB", "A5"),
        (8, "memory: 14GB", "XL"),
        (4, "memory: 20GB", "A6"),
        (2, "memory: 2GB, memory_max: 1TB", "A7"),
    ],
)
def test_the_target_size(tmp_path: Path, cpu: int, memory: str, size: str) -> None:
    """The first size that fits CPUs and memory (its maximum, when dynamic) in the guide's order; A7 when none does."""
    vm = f"{{name: VM, os: Windows Server 2012 R2, cpu: {cpu}, {memory}, disks: [{{name: os, size: 24MB, used: 1MB}}]}}"
    with new_lab(tmp_path, vm) as lab:
        assert lab.vault.items["VM"].size == size
        lab.vault.planned_failover("VM", wait=True)
        assert lab.azure.machines["VM"].size == size


def test_the_lab_can_be_set_up_again_after_the_teardown_of_the_cloud(tmp_path: Path) -> None:
    """A cloud that was released is configured anew with another frequency, and replicates by it."""
    with new_lab(tmp_path, QUIET) as lab:
        lab.vault.disable_protection("QUIET", wait=True)
        lab.vault.release_cloud(wait=True)
        lab.vault.configure_protection(frequency="30s", wait=True)
        lab.vault.enable_protection("QUIET", wait=True)
        lab.wait(lab.vault.items["QUIET"])
        lab.run("10min")
        cuts = [fact["cut"] for fact in facts(lab, "cycle", "QUIET")][-20:]
        assert cuts == [cuts[0] + 30_000 * n for n in range(20)]


def test_waiting_for_what_cannot_happen_ends_near_now(tmp_path: Path) -> None:
    """A job that waits for a line that is gone: the wait says so, and the clock is not run away for a year."""
    with new_lab(tmp_path, SHOP) as lab:
        lab.run("1h")
        lab.faults.set_bandwidth("100kbps")
        job = lab.vault.planned_failover("SHOP")
        lab.run("50s")
        lab.faults.lose_line()
        before = lab.clock.ms
        assert error_of(lambda: lab.wait(job)).code == 900541
        assert lab.clock.ms - before <= 7 * 86_400_000


def test_nothing_replicates_from_a_lost_site(tmp_path: Path) -> None:
    """The site without power, whatever stage protection is at: no cycle, no initial replication, no fresh RPO."""
    with new_lab(tmp_path, QUIET, SHOP, stage="configured") as lab:
        lab.vault.enable_protection("SHOP", wait=True)
        while not any(job.scenario == "IrCompletion" for job in lab.jobs.values()):
            lab.run("1s")
        lab.faults.lose_site()
        lab.run("1h")
        assert facts(lab, "cycle", "SHOP") == []


def test_initial_replication_goes_on_after_an_outage_of_the_site(tmp_path: Path) -> None:
    """The site loses power in the middle of initial replication; with power back it is brought to its end."""
    with new_lab(tmp_path, SHOP, stage="configured", bandwidth="1Mbps") as lab:
        lab.vault.enable_protection("SHOP", wait=True)
        lab.run("10s")
        lab.faults.lose_site()
        lab.run("1h")
        lab.faults.restore_site()
        lab.run("6h")
        assert lab.vault.items["SHOP"].state == "Protected"
        assert lab.verify() == []


def test_a_32_bit_guest_is_refused(tmp_path: Path) -> None:
    """Only 64-bit systems are protected: the job fails with 70002, which names the system, and nothing stays of it."""
    old = "{name: OLD, os: 'Windows Server 2008 SP2 (x86)', disks: [{name: os, size: 24MB}]}"
    with new_lab(tmp_path, QUIET, old, stage="configured") as lab:
        error = error_of(lambda: lab.vault.enable_protection("OLD", wait=True))
        assert error.code == 70002
        assert "x86" in error.message
        assert list(lab.vault.items) == []
