"""Hosts, host groups, logical networks and clouds of VMM, and the protection of clouds (2.3-6 to 2.3-9, 2.7, F-3)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.recovery.labs import QUIET, error_of, facts, guesses, task_states
from tests.recovery.step2 import (
    ADMIN,
    CLOUD,
    azure,
    describe,
    fabric,
    failed,
    lab_of,
    manager,
    protected_cloud,
    refused,
    register,
    software,
    state,
)

NETWORK = "VirtualSwitch - FrontEnd"
TWO = "hosts: [HV01, HV02]"
JOB = "AssociateProtectionProfile"
ADDING = [
    "Resource location",
    "Credentials",
    "Discovery scope",
    "Target resources",
    "Host settings",
    "Summary",
]
MAKING = [
    "General",
    "Resources",
    "Logical networks",
    "Load balancers",
    "VIP templates",
    "Port classifications",
    "Storage",
    "Library",
    "Capacity",
    "Capability profiles",
    "Summary",
]


# --- hosts ------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("2.3-6", "2.3-8")
def test_a_host_is_added_by_a_job(tmp_path: Path) -> None:
    """The agent is deployed, the role is there already, the host appears with its network: not before the job's end."""
    with lab_of(tmp_path) as lab:
        refused(lab, 900641, lambda: lab.site.vmm.add_host("HV01", credentials=ADMIN))
        manager(lab)
        job = lab.site.vmm.add_host("hv01.demo.contoso.com", credentials=ADMIN, vm_path=r"D:\VMs")
        assert (job.scenario, job.target) == ("AddVmHost", "HV01")
        assert (lab.site.vmm.hosts, lab.site.vmm.logical_networks, lab.site.vmm.vms) == ({}, [], {})
        refused(lab, 532, lambda: lab.site.vmm.add_host("HV01", credentials=ADMIN))
        lab.wait(job)
        assert task_states(job) == {
            "InstallVmmAgent": "Succeeded",
            "EnableHyperVRole": "Skipped",
            "RefreshHost": "Succeeded",
        }
        assert lab.site.vmm.hosts == {"HV01": "All Hosts"}
        assert lab.site.vmm.logical_networks == [NETWORK]
        assert list(lab.site.vmm.vms) == ["QUIET"]
        assert "SC01" in refused(lab, 900670, lambda: lab.site.vmm.add_host("HV01", credentials=ADMIN)).message


@pytest.mark.rule("2.3-6")
def test_the_role_is_enabled_where_it_is_missing(tmp_path: Path) -> None:
    """A host without the role gets it by the job; it has no switch, so no network comes with it."""
    with lab_of(tmp_path, servers="hosts: [HV01, {name: HV02, role: no}, {name: HV03, switch: no}]") as lab:
        manager(lab)
        assert lab.site.server("HV02").features == []
        job = lab.site.vmm.add_host("HV02", credentials=ADMIN, wait=True)
        assert task_states(job)["EnableHyperVRole"] == "Succeeded"
        assert lab.site.server("HV02").features == ["Hyper-V"]
        lab.site.vmm.add_host("HV03", credentials=ADMIN, wait=True)
        assert lab.site.vmm.logical_networks == []


@pytest.mark.rule("2.3-6")
def test_credentials_need_the_right(tmp_path: Path) -> None:
    """Unknown 900629, an ordinary account 900630; an account with equal rights does, in any way of writing it."""
    with lab_of(tmp_path, servers="hosts: [HV01, HV02, HV03, HV04]") as lab:
        manager(lab)
        add = lambda name, who: lab.site.vmm.add_host(name, credentials=who, wait=True)  # noqa: E731
        assert ADMIN in refused(lab, 900629, lambda: add("HV01", r"DEMO\Nobody")).action
        refused(lab, 900629, lambda: add("HV01", r"OTHER\Administrator"))
        refused(lab, 900629, lambda: add("HV01", ""))
        assert r"DEMO\Operator" in refused(lab, 900630, lambda: add("HV01", r"DEMO\Operator")).message
        lab.site.add_account("Fabric", administrator=True)
        who = [r"demo\fabric", "Administrator@demo.contoso.com", "Administrator", r"demo.contoso.com\Administrator"]
        for name, account in zip(("HV01", "HV02", "HV03", "HV04"), who, strict=True):
            add(name, account)
        assert len(lab.site.vmm.hosts) == 4


@pytest.mark.rule("2.3-6")
def test_computers_that_cannot_be_added(tmp_path: Path) -> None:
    """No computer, none of that name, a server that is no host, one outside the domain - which then joins it."""
    with lab_of(tmp_path, servers="hosts: [HV01, {name: HV02, joined: no}]") as lab:
        manager(lab)
        add = lambda *names, **pages: lab.site.vmm.add_hosts(names, credentials=ADMIN, **pages)  # noqa: E731
        refused(lab, 900666, add)
        refused(lab, 900667, lambda: add("HV01", "HV99"))
        assert "DC01" in refused(lab, 900668, lambda: add("DC01")).message
        assert "HV02" in refused(lab, 900669, lambda: add("HV01", "HV02")).message
        refused(lab, 900665, lambda: add("HV01", place="workgroup"))
        assert "trusted-domain" in refused(lab, 900633, lambda: add("HV01", place="moon")).action
        assert guesses(refused(lab, 900010, lambda: add("HV01", group="All Host")).cause, "All Hosts")
        lab.site.join_domain("HV02")
        for job in add("HV01", "HV02"):
            lab.wait(job)
        assert lab.site.vmm.hosts == {"HV01": "All Hosts", "HV02": "All Hosts"}


@pytest.mark.rule("2.3-6")
def test_a_failure_shows_in_the_job(tmp_path: Path) -> None:
    """A host that is off is found by the wizard and fails the job with 12700; started, it is added."""
    with lab_of(tmp_path) as lab:
        manager(lab)
        lab.site.stop_server("HV01")
        job = lab.site.vmm.add_host("HV01", credentials=ADMIN)
        assert "HV01" in failed(lab, 12700, "InstallVmmAgent", job).message
        assert lab.site.vmm.hosts == {}
        lab.site.start_server("HV01")
        lab.site.vmm.add_host("HV01", credentials=ADMIN, wait=True)
        assert list(lab.jobs) == [job.id, list(lab.jobs)[1]]


@pytest.mark.rule("2.3-6")
def test_the_pages_of_adding_hosts(tmp_path: Path) -> None:
    """Six pages in order; names one a line; only those ticked are added; the same refusals as in one call."""
    with lab_of(tmp_path, servers="hosts: [HV01, HV02, HV03]") as lab:
        manager(lab)
        window = lab.site.wizard("add-host")
        assert window.pages == ADDING
        refused(lab, 900665, lambda: window.next(place="untrusted-domain"))
        window.next()
        refused(lab, 900632, window.next)
        refused(lab, 900630, lambda: window.next(credentials="Operator"))
        window.next(credentials=ADMIN)
        refused(lab, 900632, window.next)
        refused(lab, 900666, lambda: window.next(computers=[]))
        refused(lab, 900667, lambda: window.next(computers="HV01\nHV09"))
        window.next(computers="HV01\n\n HV02 \nHV03\n")
        refused(lab, 900010, lambda: window.next(selected=["HV04"]))
        window.next(selected=["HV01", "HV03"])
        assert {field.name: field.value for field in window.fields} == {
            "group": "All Hosts",
            "vm_path": r"C:\ProgramData\Microsoft\Windows\Hyper-V",
        }
        refused(lab, 900010, lambda: window.next(group="None"))
        assert window.next() == "Summary"
        window.next()
        for job in window.finish():
            lab.wait(job)
        assert list(lab.site.vmm.hosts) == ["HV01", "HV03"]
        window = lab.site.wizard("add-host")
        before = state(lab)
        window.next()
        window.next(credentials=ADMIN)
        window.next(computers=["HV02"])
        window.back()
        window.back()
        assert window.fields[0].value == ADMIN
        window.cancel()
        assert state(lab) == before


def test_a_wizard_looks_again_at_its_end(tmp_path: Path) -> None:
    """Two windows for one thing: the second is refused at its end with what its page would say, and stays open."""
    with lab_of(tmp_path) as lab:
        software(lab)
        first, second = lab.site.wizard("vmm-setup"), lab.site.wizard("vmm-setup")
        for window in (first, second):
            while window.page:
                window.next(**({"accept_licence": True} if "license" in window.page else {}))
        first.finish()
        refused(lab, 900643, second.finish)
        second.cancel()
        first, second = lab.site.wizard("create-cloud"), lab.site.wizard("create-cloud")
        for window in (first, second):
            window.next(name=CLOUD)
            while window.page:
                window.next()
        first.finish()
        refused(lab, 900673, second.finish)
        while window.page != "General":
            window.back()
        window.next(name="Second")
        while window.page:
            window.next()
        window.finish()
        assert list(lab.site.vmm.clouds) == [CLOUD, "Second"]


@pytest.mark.rule("2.3-7")
def test_host_groups(tmp_path: Path) -> None:
    """One at first; others are made, hosts move at any time, and a cloud has the hosts of its groups."""
    with lab_of(tmp_path, servers=TWO) as lab:
        manager(lab)
        assert lab.site.vmm.host_groups == ["All Hosts"]
        for name in ("", " ", "all hosts", "a/b"):
            refused(lab, 900663, lambda n=name: lab.site.vmm.create_host_group(n))  # type: ignore[misc]
        lab.site.vmm.create_host_group("Branch")
        assert lab.site.vmm.host_groups == ["All Hosts", "Branch"]
        refused(lab, 900664, lambda: lab.site.vmm.move_host("HV01", "Branch"))
        lab.site.vmm.add_host("HV01", credentials=ADMIN, group="Branch", wait=True)
        lab.site.vmm.add_host("HV02", credentials=ADMIN, wait=True)
        lab.site.vmm.create_cloud("B", groups=["branch"])
        assert lab.site.vmm.clouds["B"].hosts == ["HV01"]
        lab.site.vmm.move_host("HV02", "Branch")
        lab.site.vmm.move_host("HV01", "All Hosts")
        assert lab.site.vmm.hosts == {"HV01": "All Hosts", "HV02": "Branch"}
        assert lab.site.vmm.clouds["B"].hosts == ["HV02"]
        assert guesses(refused(lab, 900010, lambda: lab.site.vmm.move_host("HV01", "Brunch")).cause, "Branch")
        assert "HV01, HV02" in refused(lab, 900664, lambda: lab.site.vmm.move_host("SC01", "Branch")).action


@pytest.mark.rule("2.3-8")
def test_a_network_goes_with_its_last_host(tmp_path: Path) -> None:
    """Two hosts have the switch: one network; it stays while one of them does, and comes again with a host."""
    with lab_of(tmp_path, servers=TWO) as lab:
        fabric(lab, "HV01", "HV02")
        assert lab.site.vmm.logical_networks == [NETWORK]
        lab.site.vmm.remove_host("HV02")
        assert lab.site.vmm.logical_networks == [NETWORK]
        lab.site.vmm.remove_host("HV01")
        assert (lab.site.vmm.logical_networks, lab.site.vmm.hosts) == ([], {})
        refused(lab, 900664, lambda: lab.site.vmm.remove_host("HV01"))
        lab.site.vmm.add_host("HV02", credentials=ADMIN, wait=True)
        assert lab.site.vmm.logical_networks == [NETWORK]


# --- clouds -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("2.3-9")
def test_the_pages_of_making_a_cloud(tmp_path: Path) -> None:
    """Eleven pages; what lies between networks and profiles is accepted as it is; the end equals the one call."""
    with lab_of(tmp_path) as lab:
        fabric(lab, cloud=None)
        window = lab.site.wizard("create-cloud")
        assert window.pages == MAKING
        refused(lab, 900632, window.next)
        for name in ("", " x", "a/b"):
            refused(lab, 900673, lambda n=name: window.next(name=n))  # type: ignore[misc]
        window.next(name=CLOUD)
        refused(lab, 900674, lambda: window.next(groups=[]))
        refused(lab, 900010, lambda: window.next(groups=["Nobody"]))
        assert window.fields[0].value == ["All Hosts"]
        window.next()
        refused(lab, 900010, lambda: window.next(networks=["Backend"]))
        window.next(networks=[NETWORK])
        for page in MAKING[3:9]:
            assert (window.page, window.fields) == (page, [])
            window.next()
        refused(lab, 900010, lambda: window.next(profiles=["Hyper V"]))
        window.next(profiles=["Hyper-V"])
        window.next()
        window.finish()
        by_pages = lab.site.vmm.clouds[CLOUD]
        refused(lab, 900673, lambda: lab.site.vmm.create_cloud(CLOUD.upper()))
    with lab_of(tmp_path) as lab:
        fabric(lab)
        assert lab.site.vmm.clouds[CLOUD] == by_pages
        made = {"groups": [], "networks": ["Backend"], "profiles": ["VMware"]}
        codes = {"groups": 900674, "networks": 900010, "profiles": 900010}
        for key, value in made.items():
            given: dict[str, Any] = {key: value}
            refused(lab, codes[key], lambda g=given: lab.site.vmm.create_cloud("Other", **g))  # type: ignore[misc]
            refused(lab, codes[key], lambda g=given: lab.site.vmm.change_cloud(CLOUD, **g))  # type: ignore[misc]


@pytest.mark.rule("2.3-9", "F-3")
def test_the_missing_profile_shows_at_the_protection(tmp_path: Path) -> None:
    """Such a cloud is made, takes VMs and is synchronised; its protection fails with 10003; ticked, it is saved."""
    with lab_of(tmp_path) as lab:
        fabric(lab, profiles=("XenServer",))
        describe(lab, "QUIET")
        azure(lab)
        register(lab)
        assert [row.name for row in lab.vault.clouds] == [CLOUD]
        job = lab.vault.configure_protection()
        error = failed(lab, 10003, "CloudPairingPrerequisitesCheck", job)
        assert "Hyper-V" in error.message
        assert [(row.role, row.state) for row in lab.vault.clouds] == [("", "")]
        failed(lab, 10003, "CloudPairingPrerequisitesCheck", lab.vault.configure_protection())
        lab.site.vmm.change_cloud(CLOUD, profiles=["XenServer", "Hyper-V"])
        lab.vault.configure_protection(wait=True)
        assert lab.site.vmm.clouds[CLOUD].groups == ["All Hosts"]
        assert lab.verify() == []


@pytest.mark.rule("F-3")
@pytest.mark.parametrize("cure", ["start", "move", "remove"])
def test_a_stopped_host_fails_the_protection(tmp_path: Path, cure: str) -> None:
    """A host of the cloud's group that is off: 12700 with its name; started, moved or removed, it is saved."""
    with lab_of(tmp_path, servers=TWO) as lab:
        fabric(lab, "HV01", "HV02")
        azure(lab)
        register(lab)
        lab.site.stop_server("HV02")
        error = failed(lab, 12700, "CloudPairingPrerequisitesCheck", lab.vault.configure_protection())
        assert "HV02" in error.message
        if cure == "start":
            lab.site.start_server("HV02")
        elif cure == "move":
            lab.site.vmm.create_host_group("Spare")
            lab.site.vmm.move_host("HV02", "Spare")
        else:
            lab.site.vmm.remove_host("HV02")
        lab.vault.configure_protection(wait=True)
        assert lab.vault.clouds[0].state == "configured"


@pytest.mark.rule("2.7-8")
def test_a_cloud_without_hosts(tmp_path: Path) -> None:
    """No host in its groups: 900842 names the groups; a host moved there, the same click works."""
    with lab_of(tmp_path) as lab:
        fabric(lab, cloud=None)
        lab.site.vmm.create_host_group("Branch")
        lab.site.vmm.create_cloud(CLOUD, groups=["Branch"], profiles=["Hyper-V"])
        azure(lab)
        register(lab)
        error = failed(lab, 900842, "CloudPairingPrerequisitesCheck", lab.vault.configure_protection())
        assert "Branch" in error.message
        lab.site.vmm.move_host("HV01", "Branch")
        lab.vault.configure_protection(wait=True)


@pytest.mark.rule("1.4-2")
def test_hosts_of_2012(tmp_path: Path) -> None:
    """To Azure every host of the cloud has to run 2012 R2: 900843 names the one; out of its groups, it is saved."""
    with lab_of(tmp_path, servers="hosts: [HV01, {name: HV02, os: Windows Server 2012}]") as lab:
        fabric(lab, "HV01", "HV02")
        azure(lab)
        register(lab)
        error = failed(lab, 900843, "CloudPairingPrerequisitesCheck", lab.vault.configure_protection())
        assert "HV02 runs Windows Server 2012." in error.message
        assert "Windows Server 2012 R2" in error.cause
        lab.site.vmm.create_host_group("Old")
        lab.site.vmm.move_host("HV02", "Old")
        lab.vault.configure_protection(wait=True)


@pytest.mark.rule("1.4-1")
def test_vmm_of_2012_sp1(tmp_path: Path) -> None:
    """It is installed, manages hosts and registers; the protection of its cloud to Azure fails with 900844."""
    with lab_of(tmp_path) as lab:
        software(lab)
        lab.site.install_vmm(accept_licence=True, version="System Center 2012 SP1")
        lab.site.vmm.add_host("HV01", credentials=ADMIN, wait=True)
        lab.site.vmm.create_cloud(CLOUD, networks=[NETWORK], profiles=["Hyper-V"])
        azure(lab)
        register(lab)
        error = failed(lab, 900844, "CloudPairingPrerequisitesCheck", lab.vault.configure_protection())
        assert "System Center 2012 SP1" in error.message
        assert "System Center 2012 R2" in error.cause


# --- clusters ---------------------------------------------------------------------------------------------------------

CLUSTER = "hosts: [HV01, HV02], clusters: [{name: CL01, hosts: [HV01, HV02], address: %s}]"


@pytest.mark.rule("2.3-6", "1.4-2")
def test_a_cluster_is_added_by_its_name(tmp_path: Path) -> None:
    """A node alone is refused with the cluster's name, which adds all nodes; they move together."""
    with lab_of(tmp_path, servers=CLUSTER % "dhcp") as lab:
        manager(lab)
        assert "CL01" in refused(lab, 900671, lambda: lab.site.vmm.add_host("HV02", credentials=ADMIN)).message
        job = lab.site.vmm.add_host("cl01", credentials=ADMIN, wait=True)
        assert job.target == "CL01"
        assert list(lab.site.vmm.hosts) == ["HV01", "HV02"]
        assert lab.site.server("HV01").cluster == "CL01"
        lab.site.vmm.create_host_group("Branch")
        lab.site.vmm.move_host("HV01", "Branch")
        assert set(lab.site.vmm.hosts.values()) == {"Branch"}
        refused(lab, 900670, lambda: lab.site.vmm.add_host("CL01", credentials=ADMIN))
        lab.site.vmm.remove_host("HV01")
        assert lab.site.vmm.hosts == {}  # a cluster goes as it came
        lab.site.vmm.add_host("CL01", credentials=ADMIN, wait=True)


@pytest.mark.rule("1.4-3")
def test_the_broker_of_a_cluster_with_dhcp(tmp_path: Path) -> None:
    """The job makes it by itself, when the cloud is protected and not before."""
    with lab_of(tmp_path, servers=CLUSTER % "dhcp") as lab:
        fabric(lab, "CL01")
        azure(lab)
        register(lab)
        assert facts(lab, "cluster.broker") == []
        lab.vault.configure_protection(wait=True)
        assert len(facts(lab, "cluster.broker", "CL01")) == 1
        refused(lab, 900672, lambda: lab.site.vmm.make_broker("CL01"))


@pytest.mark.rule("1.4-3")
def test_the_broker_of_a_cluster_with_a_static_address(tmp_path: Path) -> None:
    """67508 around the provider's 31207; the broker made by hand, the same job succeeds."""
    with lab_of(tmp_path, servers=CLUSTER % "static") as lab:
        fabric(lab, "CL01")
        azure(lab)
        register(lab)
        error = failed(lab, 67508, "CloudPairingPrepareSite", lab.vault.configure_protection())
        assert error.provider is not None
        assert error.provider["code"] == 31207
        assert "Hyper-V Replica Cluster Broker is not installed" in error.provider["message"]
        assert "31207" in str(error)
        assert guesses(refused(lab, 900010, lambda: lab.site.vmm.make_broker("CL1")).cause, "CL01")
        lab.site.vmm.make_broker("cl01")
        lab.vault.configure_protection(wait=True)
        assert lab.vault.clouds[0].state == "configured"


# --- the portal's list, and networks ----------------------------------------------------------------------------------


@pytest.mark.rule("1.2-2", "2.7-1")
def test_the_list_of_clouds(tmp_path: Path) -> None:
    """Role, state and target are empty until the protection is saved; then the guide's row, with Azure as target."""
    other = QUIET.replace("QUIET", "OTHER")
    with lab_of(tmp_path, QUIET, other) as lab:
        fabric(lab)
        describe(lab, "QUIET")
        azure(lab)
        register(lab)
        assert [tuple(row) for row in lab.vault.clouds] == [(CLOUD, "", "", "SC01.demo.contoso.com", 1, "", "")]
        describe(lab, "OTHER")
        lab.vault.configure_protection(wait=True)
        row = (CLOUD, "protected", "configured", "SC01.demo.contoso.com", 2, "Microsoft Azure", "")
        assert [tuple(row) for row in lab.vault.clouds] == [row]
        lab.vault.release_cloud(wait=True)
        assert lab.vault.clouds[0].state == ""


@pytest.mark.rule("2.7-8")
def test_saving_is_a_job_with_tasks(tmp_path: Path) -> None:
    """Four tasks in order, 58 virtual seconds, on the jobs' page; a failed one is there with its error."""
    with lab_of(tmp_path) as lab:
        fabric(lab, profiles=())
        azure(lab)
        register(lab)
        first = lab.vault.configure_protection()
        failed(lab, 10003, "CloudPairingPrerequisitesCheck", first)
        lab.site.vmm.change_cloud(CLOUD, profiles=["Hyper-V"])
        begin = lab.clock.ms
        second = lab.vault.configure_protection(wait=True)
        assert lab.clock.ms - begin == 58_000
        assert set(task_states(second).values()) == {"Succeeded"}
        assert [job.state for job in lab.jobs.values() if job.scenario == JOB] == ["Failed", "Succeeded"]
        assert first.error is not None
        assert first.error.action


@pytest.mark.rule("2.7-9")
def test_mapping_follows_the_clouds_networks(tmp_path: Path) -> None:
    """Only a network of a cloud in the vault can be mapped; an unmapped item's VM is on no network after failover."""
    with lab_of(tmp_path) as lab:
        fabric(lab, cloud=None)
        lab.site.vmm.create_cloud(CLOUD, profiles=["Hyper-V"])
        describe(lab, "QUIET")
        azure(lab)
        refused(lab, 900517, lab.vault.map_network)
        register(lab)
        refused(lab, 900854, lab.vault.map_network)
        lab.site.vmm.change_cloud(CLOUD, networks=[NETWORK])
        lab.site.install_agent("HV01", cache=r"D:\Scratch")
        lab.vault.configure_protection(wait=True)
        lab.vault.enable_protection("QUIET", wait=True)
        lab.wait(lab.vault.items["QUIET"])
        assert lab.vault.target("QUIET").network == ""
        lab.vault.planned_failover("QUIET", wait=True)
        lab.run("5min")
        assert lab.azure.machines["QUIET"].state == "Running"
        assert lab.verify() == []


def test_a_host_with_protected_vms_stays(tmp_path: Path) -> None:
    """Removing it is refused with the VMs; their protection disabled, it goes, and VMM forgets their cloud."""
    with lab_of(tmp_path) as lab:
        protected_cloud(lab, "QUIET")
        lab.vault.enable_protection("QUIET", wait=True)
        lab.wait(lab.vault.items["QUIET"])
        assert "QUIET" in refused(lab, 900848, lambda: lab.site.vmm.remove_host("HV01")).message
        lab.vault.disable_protection("QUIET", wait=True)
        lab.site.vmm.remove_host("HV01")
        assert lab.site.machines["QUIET"].state == "Running"
        assert error_of(lambda: lab.site.vmm.assign("QUIET", CLOUD)).code == 900675
        assert lab.verify() == []


@pytest.mark.parametrize("way", ["move_host", "change_cloud"])
def test_a_protected_vm_does_not_leave_its_cloud_with_its_host(tmp_path: Path, way: str) -> None:
    """Neither by another host group of its host nor by another group of its cloud; unprotected it may, and is not
    protected again before its host is back.
    """
    with lab_of(tmp_path) as lab:
        protected_cloud(lab, "QUIET")
        lab.site.vmm.create_host_group("Lent")

        def leave() -> None:
            if way == "move_host":
                lab.site.vmm.move_host("HV01", "Lent")
            else:
                lab.site.vmm.change_cloud(CLOUD, groups=["Lent"])

        lab.vault.enable_protection("QUIET", wait=True)
        lab.wait(lab.vault.items["QUIET"])
        before = (lab.site.vmm.hosts, lab.site.vmm.clouds)
        assert "QUIET" in refused(lab, 900998, leave).message
        assert (lab.site.vmm.hosts, lab.site.vmm.clouds) == before
        lab.site.vmm.change_cloud(CLOUD, groups=[*lab.site.vmm.clouds[CLOUD].groups, "Lent"])  # wider is no matter
        lab.site.vmm.change_cloud(CLOUD, groups=before[1][CLOUD].groups)
        lab.vault.disable_protection("QUIET", wait=True)
        leave()
        assert error_of(lambda: lab.vault.enable_protection("QUIET")).code == 900677
        assert lab.verify() == []
