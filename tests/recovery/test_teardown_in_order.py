"""STEP 4: both ways to remove a VM, the clean-up by hand, the server, provider and agents (rules 4.1 to 4.4, F-10)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from labkit.lab import Lab
from labkit.site.servers import Server
from tests.recovery.labs import BUSY, QUIET, SHOP, error_of, facts, new_lab, state_of
from tests.recovery.test_cloud_to_cloud import THEIRS, two_clouds

HOST = "HV01.demo.contoso.com"


def stop_managing(lab: Lab, vm: str = "QUIET") -> None:
    """The vault forgets a VM while VMM's service is stopped; then the service is there again."""
    lab.site.vmm.stop_service()
    lab.vault.stop_managing(vm, wait=True)
    lab.site.vmm.start_service()


def refused(lab: Lab, work: Callable[[], object]) -> int:
    """The code a call is refused with; nothing has happened."""
    before = lab.events_digest
    code = error_of(work).code
    assert lab.events_digest == before
    return code


@pytest.mark.rule("4.1-2")
def test_disabling_needs_vmm_and_stop_managing_does_not(tmp_path: Path) -> None:
    """VMM not connected: disabling fails, names the other way and changes nothing; stop managing goes through."""
    with new_lab(tmp_path, QUIET, BUSY) as lab:
        lab.site.vmm.stop_service()
        error = error_of(lambda: lab.vault.disable_protection("QUIET", wait=True))
        assert (error.code, "stop_managing" in error.action) == (900930, True)
        assert state_of(lab, "QUIET") == "Protected"
        lab.vault.stop_managing("QUIET", wait=True)
        assert list(lab.vault.items) == ["BUSY"]
        cycles = len(facts(lab, "cycle", "QUIET"))
        lab.run("1h")
        assert len(facts(lab, "cycle", "QUIET")) == cycles
        assert lab.verify() == []
        lab.site.vmm.start_service()
        lab.vault.disable_protection("BUSY", wait=True)
        lab.vault.enable_protection("BUSY", wait=True)  # disabled, it can be enabled at once


@pytest.mark.rule("4.1-3")
def test_the_clean_up_has_an_order(tmp_path: Path) -> None:
    """Before, between and after: enabling is refused with what is missing until both steps are done, in their order."""
    with new_lab(tmp_path, QUIET) as lab:
        clear, remove = lab.site.vmm.clear_dr_protection, lab.site.remove_replication_relationship
        enable = lab.vault.enable_protection
        assert refused(lab, lambda: clear("QUIET")) == 900934  # the vault manages it
        assert refused(lab, lambda: remove("QUIET", HOST)) == 900934
        stop_managing(lab)
        assert refused(lab, lambda: enable("QUIET")) == 900931
        assert refused(lab, lambda: remove("QUIET", HOST)) == 900935
        clear("QUIET")
        assert refused(lab, lambda: clear("QUIET")) == 900934
        assert refused(lab, lambda: enable("QUIET")) == 900932
        for wrong in ("HV01", "HV02.demo.contoso.com", "SC01.demo.contoso.com", ""):
            assert refused(lab, lambda wrong=wrong: remove("QUIET", wrong)) == 900936
        assert HOST in error_of(lambda: remove("QUIET", "HV01")).action
        remove("QUIET", HOST)
        assert refused(lab, lambda: remove("QUIET", HOST)) == 900934
        enable("QUIET", wait=True)
        lab.wait(lab.vault.items["QUIET"])
        assert lab.verify(full=True) == []


@pytest.mark.rule("4.1-3")
def test_clearing_needs_vmm_and_the_host(tmp_path: Path) -> None:
    """The first step is taken on the VMM server while its service runs; the second on a host that runs."""
    with new_lab(tmp_path, QUIET) as lab:
        lab.site.vmm.stop_service()
        lab.vault.stop_managing("QUIET", wait=True)
        assert refused(lab, lambda: lab.site.vmm.clear_dr_protection("QUIET")) == 900642
        lab.site.vmm.start_service()
        lab.site.vmm.clear_dr_protection("QUIET")
        lab.site.stop_server("HV01")
        assert refused(lab, lambda: lab.site.remove_replication_relationship("QUIET", HOST)) == 900621
        lab.site.start_server("HV01")
        lab.site.remove_replication_relationship("QUIET", HOST)


def test_stop_managing_a_vm_of_a_lost_site(tmp_path: Path) -> None:
    """The site is gone after an unplanned failover: the VM in Azure stays with its disks, and can be deleted."""
    with new_lab(tmp_path, SHOP) as lab:
        lab.run("10min")
        lab.faults.lose_site()
        lab.vault.unplanned_failover("SHOP", wait=True)
        lab.vault.stop_managing("SHOP", wait=True)
        assert lab.azure.machines["SHOP"].answering or lab.azure.machines["SHOP"].state != "Off"
        assert {row.kind for row in lab.leftovers()} >= {"vm", "vmm settings", "replication relationship"}
        lab.azure.delete_machine("SHOP")
        assert "disks" not in {row.kind for row in lab.leftovers()}
        assert lab.verify() == []


def test_stop_managing_is_refused_like_disabling(tmp_path: Path) -> None:
    """While a test failover waits, or another job runs, and for a VM that is not protected."""
    with new_lab(
        tmp_path, QUIET, "{name: FREE, os: FreeBSD 10.0, protected: no, disks: [{name: os, size: 24MB}]}"
    ) as lab:
        assert error_of(lambda: lab.vault.stop_managing("FREE")).code == 900502
        lab.vault.test_failover("QUIET", wait=True)
        assert error_of(lambda: lab.vault.stop_managing("QUIET")).code == 20013
        lab.vault.complete_test("QUIET", wait=True)
        lab.vault.planned_failover("QUIET")
        assert error_of(lambda: lab.vault.stop_managing("QUIET")).code == 532


def test_site_to_site_the_replica_becomes_hyper_v_s(tmp_path: Path) -> None:
    """Of a pair of clouds the hosts go on replicating; after the clean-up the other site's VM stands by itself."""
    with two_clouds(tmp_path, SHOP) as lab:
        lab.vault.register_server(wait=True)
        lab.vault.register_server("SC02", wait=True)
        lab.vault.configure_protection(target=THEIRS, wait=True)
        lab.vault.enable_protection("SHOP", wait=True)
        lab.wait(lab.vault.items["SHOP"])
        lab.vault.stop_managing("SHOP", wait=True)
        cycles = len(facts(lab, "cycle", "SHOP"))
        lab.run("1h")
        assert len(facts(lab, "cycle", "SHOP")) > cycles
        lab.site.vmm.clear_dr_protection("SHOP")
        lab.site.remove_replication_relationship("SHOP", HOST)
        assert lab.hyperv.replicas == {}
        lab.hyperv.delete("SHOP")
        lab.vault.enable_protection("SHOP", wait=True)
        lab.wait(lab.vault.items["SHOP"])
        assert {row.component for row in lab.azure.meter()} == {"protection.site"}
        assert lab.verify() == []


# --- the server -------------------------------------------------------------------------------------------------------


@pytest.mark.rule("4.3-1", "4.1-1")
def test_a_reason_is_chosen_from_the_list(tmp_path: Path) -> None:
    """What is not in the list is refused with the list; the reason that is chosen is kept."""
    with new_lab(tmp_path, QUIET, stage="registered") as lab:
        names = [reason.name for reason in lab.vault.unregister_reasons]
        error = error_of(lambda: lab.vault.unregister_server(reason="retierd"))
        assert (error.code, error.details["choices"]) == (900937, ", ".join(names))
        lab.vault.unregister_server(reason="retired", wait=True)
        assert [(fact["reason"], fact["purged"]) for fact in facts(lab, "server.unregistered")] == [("retired", 0)]
        lab.vault.register_server(wait=True)  # it was cleaned up
        lab.vault.unregister_server(reason=lab.vault.unregister_reasons[-1], wait=True)
        assert facts(lab, "server.unregistered")[-1]["reason"] == names[-1]


@pytest.mark.rule("4.3-1")
def test_a_server_that_is_not_reached_leaves_its_settings(tmp_path: Path) -> None:
    """Removed by PurgeDra with its cloud, but not while a VM is protected; registered again only after the clean-up."""
    with new_lab(tmp_path, QUIET) as lab:
        lab.site.vmm.stop_service()
        assert refused(lab, lab.vault.unregister_server) == 900938
        lab.vault.stop_managing("QUIET", wait=True)
        assert lab.vault.unregister_server(wait=True).scenario == "PurgeDra"
        assert lab.vault.clouds == []
        lab.site.vmm.start_service()
        assert refused(lab, lab.vault.register_server) == 900933
        assert refused(lab, lab.site.uninstall_provider) == 900933
        assert ("server settings", "SC01") in {(row.kind, row.name) for row in lab.leftovers()}
        lab.site.clean_up_registration()
        assert refused(lab, lab.site.clean_up_registration) == 900939
        lab.vault.register_server(wait=True)
        assert [row.state for row in lab.vault.clouds] == [""]
        assert lab.verify() == []


@pytest.mark.rule("4.3-1")
def test_provider_and_agents_go_last(tmp_path: Path) -> None:
    """The provider not while the server is registered, an agent not while a VM on its host is protected."""
    with new_lab(tmp_path, QUIET) as lab:
        assert refused(lab, lab.site.uninstall_provider) == 900940
        error = error_of(lambda: lab.site.uninstall_agent("HV01"))
        assert (error.code, error.details["vms"]) == (900942, "QUIET")
        free = lab.read(lambda world: world.get(Server, "HV01").free)
        lab.vault.disable_protection("QUIET", wait=True)
        lab.site.uninstall_agent("HV01")
        assert refused(lab, lambda: lab.site.uninstall_agent("HV01")) == 900840
        lab.vault.release_cloud(wait=True)
        lab.vault.unregister_server(wait=True)
        lab.site.uninstall_provider()
        assert refused(lab, lab.vault.register_server) == 900830
        assert not [one for one in lab.site.server("SC01").software if "Provider" in one]
        assert not [one for one in lab.site.server("HV01").software if "Agent" in one]
        assert lab.read(lambda world: world.get(Server, "HV01").free) > free
        lab.site.install_provider()
        lab.site.install_agent("HV01", cache="D:\\Scratch")
        lab.vault.register_server(wait=True)


@pytest.mark.rule("4.1-1")
def test_a_cloud_that_recovers_another_is_released_first(tmp_path: Path) -> None:
    """The recovery cloud's server is not unregistered while the pair stands."""
    with two_clouds(tmp_path, SHOP) as lab:
        lab.vault.register_server(wait=True)
        lab.vault.register_server("SC02", wait=True)
        lab.vault.configure_protection(target=THEIRS, wait=True)
        assert refused(lab, lambda: lab.vault.unregister_server("SC02")) == 900518
        lab.vault.release_cloud(wait=True)
        lab.vault.unregister_server("SC02", wait=True)


# --- Azure's side -----------------------------------------------------------------------------------------------------


@pytest.mark.rule("4.4-1")
def test_disks_left_in_an_account_are_deleted_by_hand(tmp_path: Path) -> None:
    """They keep the account in use; deleted, the account can go; asked for again there are none."""
    with new_lab(tmp_path, QUIET) as lab:
        stop_managing(lab)
        lab.vault.release_cloud(wait=True)
        lab.vault.unregister_server(wait=True)
        lab.vault.delete(wait=True)
        error = error_of(lambda: lab.azure.delete_storage("mysiterecovery"))
        assert (error.code, "QUIET" in error.details["users"]) == (900524, True)
        assert error_of(lambda: lab.azure.delete_disks("mysiterecovery", "SHOP")).code == 900943
        lab.azure.delete_disks("mysiterecovery", "QUIET")
        assert refused(lab, lambda: lab.azure.delete_disks("mysiterecovery", "QUIET")) == 900943
        lab.azure.delete_storage("mysiterecovery")


@pytest.mark.rule("F-11")
def test_migration(tmp_path: Path) -> None:
    """Failed over, committed, protection removed: the VM in Azure runs on for good and serves."""
    with new_lab(tmp_path, SHOP) as lab:
        lab.run("10min")
        lab.vault.planned_failover("SHOP", wait=True)
        lab.vault.commit("SHOP", wait=True)
        lab.vault.disable_protection("SHOP", wait=True)
        assert dict(lab.vault.items) == {}
        lab.run("3d")
        assert lab.azure.machines["SHOP"].answering
        assert [row.kind for row in lab.leftovers()][:1] == ["vm"]
        assert lab.verify() == []


@pytest.mark.rule("F-10")
def test_the_way_back_from_a_failover_that_waits(tmp_path: Path) -> None:
    """Not cancelled but removed: the VM in Azure runs and costs; deleted, the site's VM is protected from the start."""
    with new_lab(tmp_path, SHOP) as lab:
        lab.run("10min")
        lab.vault.planned_failover("SHOP", wait=True)
        lab.vault.disable_protection("SHOP", wait=True)
        left = {row.kind: row for row in lab.leftovers()}
        assert left["vm"].dollars_per_day
        assert "delete_machine" in left["vm"].action
        lab.azure.delete_machine("SHOP")
        lab.site.start("SHOP")
        lab.vault.enable_protection("SHOP", wait=True)
        lab.wait(lab.vault.items["SHOP"])
        assert len(facts(lab, "initial.ended", "SHOP")) == 2
        assert lab.verify(full=True) == []
