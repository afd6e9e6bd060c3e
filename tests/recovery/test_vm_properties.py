"""What VMM says of a VM, its name and adapter for Azure, and what enabling finds (1.4-6, 1.4-13, 1.4-14, 2.4, F-5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.lab import Lab
from labkit.recovery.item import ProtectedItem
from labkit.recovery.vault import NetworkMapping
from tests.recovery.labs import BUSY, QUIET, error_of, facts, guesses
from tests.recovery.step2 import (
    ADMIN,
    CLOUD,
    R2,
    azure,
    describe,
    fabric,
    failed,
    lab_of,
    protected_cloud,
    refused,
    register,
)

WINDOWS = f"{{name: WEB01, os: {R2}, disks: [{{name: os, size: 24MB, used: 1MB}}, {{name: data, size: 20MB}}]}}"
CHECK = "EnableProtectionPrerequisitesCheck"


def web(more: str, name: str = "WEB01") -> str:
    """The VM WEB01, with more keys."""
    return WINDOWS.replace("WEB01", name).replace("disks:", f"{more}, disks:")


def protect(lab: Lab, vm: str) -> None:
    """Enable its protection, to the end of initial replication."""
    lab.vault.enable_protection(vm, wait=True)
    lab.wait(lab.vault.items[vm])
    assert lab.vault.items[vm].state == "Protected"


# --- cloud, system, disk ----------------------------------------------------------------------------------------------


@pytest.mark.rule("2.4-1")
def test_only_a_vm_of_a_cloud_is_protected(tmp_path: Path) -> None:
    """In no cloud: not offered, refused with 900850; assigned, offered; taken out, not; and protected it stays in."""
    with lab_of(tmp_path, WINDOWS) as lab:
        protected_cloud(lab)
        assert lab.site.vmm.vms["WEB01"].cloud == ""
        assert lab.vault.protectable() == []
        refused(lab, 900850, lambda: lab.vault.enable_protection("WEB01"))
        describe(lab, "WEB01")
        assert lab.vault.protectable() == lab.vault.protectable(CLOUD) == ["WEB01"]
        lab.site.vmm.assign("WEB01", None)
        assert lab.vault.protectable() == []
        lab.site.vmm.assign("WEB01", CLOUD.lower())
        assert lab.site.vmm.clouds[CLOUD].vms == ["WEB01"]
        protect(lab, "WEB01")
        lab.site.vmm.create_cloud("Other", profiles=["Hyper-V"])
        assert CLOUD in refused(lab, 900849, lambda: lab.site.vmm.assign("WEB01", "Other")).message
        refused(lab, 900849, lambda: lab.site.vmm.assign("WEB01", None))
        lab.site.vmm.assign("WEB01", CLOUD.lower())
        lab.vault.disable_protection("WEB01", wait=True)
        lab.site.vmm.assign("WEB01", "Other")
        refused(lab, 900515, lambda: lab.vault.enable_protection("WEB01"))


@pytest.mark.rule("2.4-1")
def test_the_host_has_to_be_in_the_clouds_groups(tmp_path: Path) -> None:
    """Unknown to VMM 900675; on a host outside the cloud's groups 900677; moved there, it is assigned."""
    with lab_of(tmp_path, WINDOWS) as lab:
        fabric(lab)
        lab.site.vmm.create_host_group("Branch")
        lab.site.vmm.create_cloud("B", groups=["Branch"])
        error = refused(lab, 900677, lambda: lab.site.vmm.assign("WEB01", "B"))
        assert "HV01" in error.message
        assert "Branch" in error.message
        lab.site.vmm.move_host("HV01", "Branch")
        lab.site.vmm.assign("WEB01", "B")
        assert "OnPremise Cloud" in refused(lab, 900010, lambda: lab.site.vmm.assign("WEB01", "C")).action
        lab.site.vmm.remove_host("HV01")
        for work in (
            lambda: lab.site.vmm.assign("WEB01", "B"),
            lambda: lab.site.vmm.set_system("WEB01", R2),
            lambda: lab.site.vmm.mark_system_disks("WEB01", "os"),
            lambda: lab.site.vmm.enable_protection("WEB01"),
        ):
            assert "HV01" in refused(lab, 900675, work).message
        lab.site.vmm.add_host("HV01", credentials=ADMIN, wait=True)
        assert lab.site.vmm.vms["WEB01"].cloud == ""


@pytest.mark.rule("2.3-7", "2.4-1")
def test_a_host_that_leaves_the_cloud(tmp_path: Path) -> None:
    """Its host moved out of the cloud's groups, a VM is refused, 900677; moved back, or the group given, not."""
    with lab_of(tmp_path, WINDOWS, QUIET) as lab:
        protected_cloud(lab, "WEB01", "QUIET")
        lab.site.vmm.create_host_group("Branch")
        lab.site.vmm.move_host("HV01", "Branch")
        assert "Branch" not in refused(lab, 900677, lambda: lab.vault.enable_protection("WEB01")).message
        lab.site.vmm.change_cloud(CLOUD, groups=["All Hosts", "Branch"])
        protect(lab, "WEB01")
        lab.vault.disable_protection("WEB01", wait=True)
        lab.site.vmm.change_cloud(CLOUD, groups=["All Hosts"])
        refused(lab, 900677, lambda: lab.vault.enable_protection("QUIET"))
        lab.site.vmm.move_host("HV01", "All Hosts")
        protect(lab, "QUIET")


@pytest.mark.rule("2.4-1", "2.4-2", "2.4-3")
def test_where_a_vm_was_made(tmp_path: Path) -> None:
    """Made outside VMM nothing is set; on a host its system; in a cloud system, disk and cloud, and it is protected."""
    vms = (web("made: hyper-v", "OUTSIDE"), web("made: host", "ONHOST"), web("made: cloud", "INCLOUD"))
    with lab_of(tmp_path, *vms) as lab:
        fabric(lab, cloud=None)
        lab.site.vmm.create_cloud("Other", profiles=["Hyper-V"])
        assert lab.site.vmm.clouds["Other"].vms == []
        lab.site.vmm.create_cloud(CLOUD, profiles=["Hyper-V"])
        shown = {name: (vm.cloud, vm.system, vm.system_disks) for name, vm in lab.site.vmm.vms.items()}
        assert shown == {"OUTSIDE": ("", "", []), "ONHOST": ("", R2, []), "INCLOUD": (CLOUD, R2, ["os"])}
        azure(lab)
        register(lab)
        lab.site.install_agent("HV01", cache=r"D:\Scratch")
        lab.vault.configure_protection(wait=True)
        protect(lab, "INCLOUD")


@pytest.mark.rule("2.4-2", "F-5")
def test_the_system_has_to_be_set(tmp_path: Path) -> None:
    """Unknown at first: the job fails with 70002; not a word of the list is refused, FreeBSD neither, for which Other
    Linux stands; the value set, it is protected.
    """
    with lab_of(tmp_path, WINDOWS, BUSY) as lab:
        protected_cloud(lab)
        for vm, system, disk in (("WEB01", R2, "os"), ("BUSY", "Other Linux (64-bit)", "os")):
            assert lab.site.vmm.vms[vm].system == ""
            lab.site.vmm.assign(vm, CLOUD)
            lab.site.vmm.mark_system_disks(vm, disk)
            assert "Unknown" in failed(lab, 70002, CHECK, lab.vault.enable_protection(vm)).message
            assert vm not in lab.vault.items
            error = refused(lab, 900676, lambda v=vm: lab.site.vmm.set_system(v, "Windows 2012"))  # type: ignore[misc]
            assert R2 in error.action
            error = refused(lab, 900676, lambda v=vm: lab.site.vmm.set_system(v, "FreeBSD 10.0"))  # type: ignore[misc]
            assert "Other Linux (64-bit)" in error.cause
            lab.site.vmm.set_system(vm, system.upper())
            assert lab.site.vmm.vms[vm].system == system
            protect(lab, vm)
        assert "Other Linux (64-bit)" in lab.site.vmm.systems


@pytest.mark.rule("2.4-3", "F-5")
@pytest.mark.parametrize("marked", [(), ("os", "data"), ("data",)])
def test_exactly_one_ide_disk_is_marked(tmp_path: Path, marked: tuple[str, ...]) -> None:
    """None, two, or one on SCSI: the job fails with 70003 and shows what is marked; the IDE disk alone is right."""
    with lab_of(tmp_path, WINDOWS) as lab:
        protected_cloud(lab, "WEB01")
        assert {name: disk[1] for name, disk in lab.site.vmm.vms["WEB01"].disks.items()} == {
            "os": "ide",
            "data": "scsi",
        }
        refused(lab, 900010, lambda: lab.site.vmm.mark_system_disks("WEB01", "c"))
        lab.site.vmm.mark_system_disks("WEB01", *marked)
        error = failed(lab, 70003, CHECK, lab.vault.enable_protection("WEB01"))
        assert all(disk in error.message for disk in marked)
        lab.site.vmm.mark_system_disks("WEB01", "os")
        protect(lab, "WEB01")


@pytest.mark.rule("F-5")
def test_all_causes_are_named_at_once(tmp_path: Path) -> None:
    """Generation 2, no system, no disk marked: one error names the three; nothing of the attempt is left."""
    with lab_of(tmp_path, web("protected: no, generation: 2")) as lab:
        protected_cloud(lab)
        lab.site.vmm.assign("WEB01", CLOUD)
        job = lab.vault.enable_protection("WEB01")
        error = failed(lab, 900860, CHECK, job)
        assert error.details["count"] == 3
        for code in ("70002", "70003", "70009"):
            assert code in str(error)
        assert job.error is not None
        assert str(job.error) == str(error)
        assert lab.vault.items == {}
        assert lab.vault.protectable() == ["WEB01"]
        assert lab.verify() == []


# --- the guest --------------------------------------------------------------------------------------------------------


@pytest.mark.rule("2.4-4", "1.4-6")
def test_a_running_vm_is_protected_as_it_is(tmp_path: Path) -> None:
    """It runs on through set-up and initial replication, and no fact of its guest comes."""
    with lab_of(tmp_path, WINDOWS) as lab:
        protected_cloud(lab, "WEB01")
        seen = lab.site.machines["WEB01"]
        protect(lab, "WEB01")
        assert lab.site.machines["WEB01"] == seen
        guests = [fact["kind"] for fact in lab.facts if fact["entity"] == "site/WEB01"]
        assert guests == ["vm.started", "application.answers"]  # when the lab began
        lab.vault.test_failover("WEB01", wait=True)  # no agent of Azure's in the guest, and it boots
        assert lab.azure.machines["WEB01-test"].state in ("Starting", "Running")


@pytest.mark.rule("2.4-5")
@pytest.mark.parametrize("off", ["remote: no", "firewall: closed"])
def test_remote_access_is_not_checked_by_enabling(tmp_path: Path, off: str) -> None:
    """Without RDP, or with the firewall closed, readiness warns; protection and test failover go through."""
    with lab_of(tmp_path, web(off)) as lab:
        protected_cloud(lab, "WEB01")
        said = [finding for finding in lab.vault.check("WEB01") if finding.rule == "2.4-5"]
        assert [(finding.severity, finding.code) for finding in said] == [("warns", 900874)]
        protect(lab, "WEB01")
        lab.vault.test_failover("WEB01", wait=True)
    with lab_of(tmp_path, WINDOWS) as lab:
        protected_cloud(lab, "WEB01")
        assert {finding.severity for finding in lab.vault.check("WEB01")} == {"holds"}


@pytest.mark.rule("1.4-4")
def test_no_integration_services(tmp_path: Path) -> None:
    """Protected all the same; the planned failover fails at the shut-down with 900853, an unplanned one succeeds."""
    with lab_of(tmp_path, web("integration: none")) as lab:
        protected_cloud(lab, "WEB01")
        protect(lab, "WEB01")
        error = failed(lab, 900853, "VmShutdownVmOnPrimary", lab.vault.planned_failover("WEB01"))
        assert error.exit_status == 2
        assert lab.site.machines["WEB01"].state == "Running"
        assert lab.vault.items["WEB01"].state == "Protected"
        lab.site.shut_down("WEB01")
        lab.vault.planned_failover("WEB01", wait=True)
        assert lab.verify(full=True) == []


# --- name and adapter for Azure ---------------------------------------------------------------------------------------


@pytest.mark.rule("1.4-14")
@pytest.mark.parametrize("operation", ["test_failover", "planned_failover", "unplanned_failover"])
def test_a_name_that_azure_does_not_take(tmp_path: Path, operation: str) -> None:
    """Protected and replicated under it; each failover is refused, 539 around 70044; named by hand, it goes through."""
    with lab_of(tmp_path, web("cpu: 1", "WEB 01")) as lab:
        protected_cloud(lab, "WEB 01")
        protect(lab, "WEB 01")
        begin = getattr(lab.vault, operation)
        error = refused(lab, 539, lambda: begin("WEB 01"))
        assert error.provider is not None
        assert error.provider["code"] == 70044
        assert "WEB 01" in error.provider["message"]
        assert lab.vault.target("WEB 01").name == "WEB 01"
        for name in ("WEB 02", "", "-WEB", "WEB-", "WEB_1", "ウェブ", "A" * 64):
            refused(lab, 70044, lambda n=name: lab.vault.set_target("WEB 01", azure_name=n))  # type: ignore[misc]
        lab.vault.set_target("WEB 01", azure_name="A" * 63)
        assert lab.vault.set_target("WEB 01", azure_name="WEB-01").name == "WEB-01"
        begin("WEB 01", wait=True)
        assert list(lab.azure.machines) == ["WEB-01-test" if operation == "test_failover" else "WEB-01"]
        assert list(lab.vault.items) == ["WEB 01"]
        assert lab.verify(full=True) == []


@pytest.mark.rule("1.4-14")
def test_the_least_name(tmp_path: Path) -> None:
    """One letter is a name; nothing has to be set."""
    with lab_of(tmp_path, web("cpu: 1", "A")) as lab:
        protected_cloud(lab, "A")
        protect(lab, "A")
        lab.vault.planned_failover("A", wait=True)
        assert list(lab.azure.machines) == ["A"]


@pytest.mark.rule("1.4-14")
def test_a_name_is_given_once(tmp_path: Path) -> None:
    """The name of another protected VM, or of a VM that runs in Azure, cannot be given a second time."""
    with lab_of(tmp_path, web("cpu: 1", "A"), web("cpu: 1", "B")) as lab:
        protected_cloud(lab, "A", "B")
        protect(lab, "A")
        protect(lab, "B")
        refused(lab, 900809, lambda: lab.vault.set_target("A", azure_name="b"))
        lab.vault.set_target("A", azure_name="SHOP")
        refused(lab, 900809, lambda: lab.vault.set_target("B", azure_name="SHOP"))
        lab.vault.planned_failover("A", wait=True)
        lab.vault.disable_protection("A", wait=True)
        assert list(lab.azure.machines) == ["SHOP"]
        refused(lab, 900809, lambda: lab.vault.set_target("B", azure_name="SHOP"))
        lab.azure.delete_machine("SHOP")
        lab.vault.set_target("B", azure_name="SHOP")


@pytest.mark.rule("1.4-14")
def test_a_name_taken_before_its_owner_comes(tmp_path: Path) -> None:
    """A was called B and runs in Azure when the real B fails over: refused with 900526, until B has another name."""
    with lab_of(tmp_path, web("cpu: 1", "A"), web("cpu: 1", "B")) as lab:
        protected_cloud(lab, "A", "B")
        protect(lab, "A")
        lab.vault.set_target("A", azure_name="B")
        lab.vault.planned_failover("A", wait=True)
        protect(lab, "B")
        refused(lab, 900526, lambda: lab.vault.planned_failover("B"))
        lab.vault.set_target("B", azure_name="B2")
        lab.vault.planned_failover("B", wait=True)
        assert sorted(lab.azure.machines) == ["B", "B2"]
        assert lab.verify() == []


@pytest.mark.rule("1.4-13", "2.7-9")
def test_several_adapters(tmp_path: Path) -> None:
    """The first one is chosen, perhaps not the one meant; chosen by hand, the mapping of its network follows."""
    adapters = "adapters: [{name: Backup, switch: Backend}, {name: Public}, {name: Second}]"
    with lab_of(tmp_path, web(adapters)) as lab:
        protected_cloud(lab, "WEB01")
        assert lab.site.server("HV01").switches == ["VirtualSwitch - FrontEnd", "Backend"]
        assert lab.site.vmm.logical_networks == ["Backend", "VirtualSwitch - FrontEnd"]
        protect(lab, "WEB01")
        shown = lab.vault.target("WEB01")
        assert (shown.adapter, shown.network) == ("Backup", "")
        assert "Public" in refused(lab, 900010, lambda: lab.vault.set_target("WEB01", adapter="Private")).action
        shown = lab.vault.set_target("WEB01", adapter="Public")
        assert (shown.adapter, shown.network) == ("Public", "AzureNetwork")
        lab.vault.set_target("WEB01", adapter="Backup")
        lab.azure.quick_network("Second", "East Asia")
        lab.vault.map_network("Backend", "Second", wait=True)
        assert lab.vault.target("WEB01").network == "Second"
        assert lab.read(lambda world: {one.id: one.target for one in world.all(NetworkMapping)}) == {
            "Backend": "Second",
            "VirtualSwitch - FrontEnd": "AzureNetwork",
        }


@pytest.mark.rule("1.4-13", "1.4-14")
def test_the_page_is_closed_while_it_is_used(tmp_path: Path) -> None:
    """While an operation runs, and after a failover, name, size and adapter stay as they are: 900851."""
    with lab_of(tmp_path, WINDOWS) as lab:
        protected_cloud(lab, "WEB01")
        lab.vault.enable_protection("WEB01")
        refused(lab, 900851, lambda: lab.vault.set_target("WEB01", azure_name="X"))
        lab.wait(lab.vault.items["WEB01"])
        refused(lab, 900240, lambda: lab.vault.set_target("WEB01", size="XXL"))
        lab.vault.planned_failover("WEB01")
        refused(lab, 900851, lambda: lab.vault.set_target("WEB01", azure_name="X"))
        lab.run("1h")
        refused(lab, 900851, lambda: lab.vault.set_target("WEB01", size="L"))
        assert lab.vault.target("WEB01").name == "WEB01"


@pytest.mark.rule("2.8-4")
def test_a_size_with_too_few_disks(tmp_path: Path) -> None:
    """XS takes one data disk: with two the failover fails, 900852, at its check; with a larger size it succeeds."""
    three = "[{name: os, size: 24MB, used: 1MB}, {name: d1, size: 20MB}, {name: d2, size: 20MB}]"
    vm = f"{{name: WEB01, os: {R2}, disks: {three}}}"
    with lab_of(tmp_path, vm) as lab:
        protected_cloud(lab, "WEB01")
        protect(lab, "WEB01")
        shown = lab.vault.set_target("WEB01", size="XS")
        assert "data_disks" in shown.misfits
        error = failed(lab, 900852, "VmPfoPrerequisitesCheck", lab.vault.planned_failover("WEB01"))
        assert "XS takes 1 data disks" in error.message
        assert lab.site.machines["WEB01"].state == "Running"
        lab.vault.set_target("WEB01", size="S")
        lab.vault.planned_failover("WEB01", wait=True)
        assert lab.azure.machines["WEB01"].size == "S"


# --- enabling ---------------------------------------------------------------------------------------------------------


@pytest.mark.rule("2.8-1")
@pytest.mark.parametrize("console", [False, True])
def test_enabling_from_portal_and_console(tmp_path: Path, console: bool) -> None:
    """Both start the same job with the same tasks and end; the VM is no longer offered, and runs on."""
    with lab_of(tmp_path, WINDOWS, QUIET) as lab:
        protected_cloud(lab, "WEB01", "QUIET")
        assert lab.vault.protectable() == ["QUIET", "WEB01"]
        begin = lab.site.vmm.enable_protection if console else lab.vault.enable_protection
        begin("WEB01", wait=True)
        assert lab.vault.protectable() == ["QUIET"]
        refused(lab, 900520, lambda: begin("WEB01"))
        begin("QUIET", wait=True)
        assert lab.vault.protectable() == []
        jobs = [job for job in lab.jobs.values() if job.scenario == "EnableDr"]
        assert [(job.target, len(job.tasks), job.state) for job in jobs] == [
            ("WEB01", 5, "Succeeded"),
            ("QUIET", 5, "Succeeded"),
        ]
        assert {vm.state for vm in lab.site.machines.values()} == {"Running"}
        assert guesses(error_of(lambda: begin("WEB1")).cause, "WEB01")
        assert guesses(error_of(lambda: lab.vault.protectable("OnPremise Clout")).cause, CLOUD)


@pytest.mark.rule("1.1-5")
def test_vmm_by_itself_manages_no_replication(tmp_path: Path) -> None:
    """Without provider, installed without registration: 900847 in the console; registered, the same click works."""
    with lab_of(tmp_path, WINDOWS) as lab:
        fabric(lab)
        describe(lab, "WEB01")
        refused(lab, 900847, lambda: lab.site.vmm.enable_protection("WEB01"))
        azure(lab)
        lab.site.install_provider()
        refused(lab, 900847, lambda: lab.site.vmm.enable_protection("WEB01"))
        refused(lab, 900846, lab.vault.configure_protection)
        refused(lab, 900515, lambda: lab.vault.enable_protection("WEB01"))
        lab.site.register(lab.vault.generate_key(tmp_path), wait=True)
        lab.site.install_agent("HV01", cache=r"D:\Scratch")
        lab.vault.configure_protection(wait=True)
        assert lab.site.vmm.enable_protection("WEB01", wait=True).state == "Succeeded"
        lab.vault.disable_protection("WEB01", wait=True)
        lab.vault.release_cloud(wait=True)
        lab.vault.unregister_server(wait=True)
        refused(lab, 900847, lambda: lab.site.vmm.enable_protection("WEB01"))


@pytest.mark.rule("2.8-3")
def test_the_list_of_protected_items(tmp_path: Path) -> None:
    """During initial replication: the cloud's side, progress, OK, no failover; then protected, OK, ready."""
    with lab_of(tmp_path, WINDOWS, more="line: {bandwidth: 1Mbps}") as lab:
        protected_cloud(lab, "WEB01")
        lab.vault.enable_protection("WEB01", wait=True)
        item = lab.vault.items["WEB01"]
        assert (item.name, item.active_location, item.size) == ("WEB01", "Primary", lab.vault.target("WEB01").size)
        assert (item.description, item.health) == ("Initial replication in progress", "Normal")
        assert "PlannedFailover" not in item.allowed_operations
        lab.wait(item)
        assert (item.description, item.health) == ("Protected", "Normal")
        assert {"PlannedFailover", "TestFailover"} <= set(item.allowed_operations)
        assert lab.read(lambda world: world.get(ProtectedItem, "WEB01").cloud) == CLOUD
        assert len(facts(lab, "initial.ended", "WEB01")) == 1


def test_enabling_on_a_host_that_is_off(tmp_path: Path) -> None:
    """12700 at the step that needs the host, and nothing is left; started, the same click works."""
    with lab_of(tmp_path, WINDOWS) as lab:
        protected_cloud(lab, "WEB01")
        lab.site.stop_server("HV01")
        failed(lab, 12700, "EnableProtection", lab.vault.enable_protection("WEB01"))
        assert lab.vault.items == {}
        assert lab.verify() == []
        lab.site.start_server("HV01")
        protect(lab, "WEB01")
