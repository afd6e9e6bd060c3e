"""The guide by clicking, in a real JupyterLab: set up, test, failed over, failed back, taken down.

What came of it is read from the lab's file, by a lab of the test's own that only reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import labkit
from labkit import Lab
from labkit.bench.jupyterlab import Notebook, Server
from tests.browser.clicking import Portal

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CLOUD, VM = "OnPremise Cloud", "MYWSV01"
SQL, ADK = ["Database Engine Services", "Management Tools"], ["Deployment Tools", "Windows PE"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """JupyterLab for all flows of this module."""
    started = Server(
        tmp_path_factory.mktemp("jupyter"), tmp_path_factory.mktemp("own"), LABKIT_LANG="en", MPLBACKEND="Agg"
    )
    yield started
    started.close()


def opened(page: Page, server: Server, name: str, *lines: str, stage: str = "protected") -> tuple[Portal, Path]:
    """A notebook with a lab and its portal; ``lines``: what was done before. Returns the portal and the lab's file."""
    file = server.folder / f"{name}.lab"
    code = ["import labkit", f"lab = labkit.create({file.name!r}, stage={stage!r})", *lines, "labkit.portal.open(lab)"]
    cell = {"cell_type": "code", "source": "\n".join(code), "metadata": {}, "outputs": [], "execution_count": None}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    text = {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 4}
    (server.folder / f"{name}.ipynb").write_text(json.dumps(text), "utf-8")
    notebook = Notebook(page, server, f"{name}.ipynb")
    notebook.open()
    notebook.run_all()
    return Portal(page), file


def read(file: Path) -> Lab:
    """The lab's file, opened only to be read."""
    return labkit.open(file, read_only=True)


@pytest.mark.rule("2.5-3", "2.5-8")
def test_from_bare_servers_to_protected(page: Page, server: Server) -> None:
    """STEP 2 page by page - software, VMM, host, cloud, Azure, provider, agent, protection - to "Protected - OK"."""
    portal, file = opened(page, server, "set-up", stage="start")
    portal.go("site").does("site.add_account", name="vmm-service")
    portal.choose("servers", "SC01")
    assert "VMM" in portal.greyed("site.install_agent") or portal.greyed("site.install_agent")
    portal.does("site.add_feature", feature=".NET Framework 3.5")
    portal.does("site.install", product="SQL Server 2012 SP1", parts=SQL)
    portal.does("site.install", product="Windows ADK for Windows 8.1 Update", parts=ADK)
    licence = {"accept_licence": True}
    portal.wizard("site.install_vmm", {}, {"name": "Operator"}, licence, {}, {}, {}, {}, {}, {}, {})
    portal.does("site.update", update="Update Rollup 3")
    with read(file) as lab:
        assert lab.site.vmm.settings["rollup"]

    portal.go("site", "vmm")
    host = [{}, {"credentials": r"DEMO\Administrator"}, {"computers": ["HV01"]}, {"selected": ["HV01"]}, {}, {}]
    portal.wizard("site.vmm.add_host", *host).job()
    assert "ompleted" in portal.state()
    network = {"networks": ["VirtualSwitch - FrontEnd"]}
    portal.go("site", "vmm")
    portal.wizard("site.vmm.create_cloud", {"name": CLOUD}, {}, network, *[{}] * 6, {"profiles": ["Hyper-V"]}, {})
    portal.choose("vms", VM).does("site.vmm.assign", cloud=CLOUD)
    portal.does("site.vmm.set_system", system="Windows Server 2012 R2").does("site.vmm.mark_system_disks", disks=["os"])

    portal.go("azure")
    portal.does("azure.sign_up", account="me@example.org", phone="090-0000-0000", card="0000-0000-0000-0000")
    portal.go("azure", "vaults").does("azure.create_vault", name="MySiteRecovery", region="East Asia")
    portal.go("azure", "storage").does("azure.create_storage", name="mysiterecovery", region="East Asia")
    portal.go("azure", "networks").does("azure.quick_network", name="AzureNetwork", region="East Asia")
    portal.go("azure", "vaults").choose("vaults", "MySiteRecovery").does("vault.generate_key")

    portal.go("site").choose("servers", "SC01")
    portal.wizard("site.install_provider", {}, {}, {}, {}).job()
    portal.go("site").choose("servers", "HV01").wizard("site.install_agent", {"cache": r"D:\Scratch"}, {}, {})
    portal.go("items").choose("clouds", CLOUD).does("vault.configure_protection", retention="24").job()
    portal.go("resources", "networks").does("vault.map_network").job()
    portal.go("items", f"{CLOUD}/vms").does("vault.enable_protection", vm=[VM]).job()
    portal.go("jobs").does("run", duration="2h")
    portal.go("items", f"{CLOUD}/vms")
    expect(portal.row("vms", VM)).to_contain_text("Protected - OK")
    with read(file) as lab:
        item = lab.vault.items[VM]
        assert item.state == "Protected"
        assert len(item.recovery_points) > 1
        assert [row.target for row in lab.vault.network_mappings] == ["AzureNetwork"]
        assert lab.verify() == []


@pytest.mark.rule("3.2-5", "3.3-5")
def test_a_plan_with_a_manual_action_is_tested(page: Page, server: Server) -> None:
    """A plan is made and changed by clicking; its test waits at the action, then for its completion, with a tick."""
    portal, file = opened(page, server, "test")
    portal.go("plans").wizard("vault.create_plan", {"name": "Plan A"}, {"vms": [VM, "MYBSD01"]})
    portal.go("plans", "Plan A").choose("groups", f"1:vm:{VM}")
    portal.does("draft.add_manual", name="Call", text="Call the head office", kinds=["Test failover"])
    portal.does("draft.save")
    portal.does("vault.test_failover_plan", network="None").job()
    expect(portal.view.locator('[data-block="job"]')).to_contain_text("Call the head office")
    portal.does("vault.complete", note="called").wait()
    expect(portal.button("vault.complete")).to_have_text("Complete test")
    with read(file) as lab:
        (test,) = [job for job in lab.jobs.values() if job.state == "Suspended" and job.target == "Plan A"]
        assert sorted(lab.azure.machines) == ["MYBSD01-test", "MYWSV01-test"]
    portal.does("vault.complete", note="both answer", _tick=True).wait()
    with read(file) as lab:
        assert lab.jobs[test.id].state == "Succeeded"
        assert not lab.azure.machines
        assert not lab.vault.plans["Plan A"].changed
        assert lab.vault.items[VM].state == "Protected"


@pytest.mark.rule("3.5-1", "3.5-3")
def test_an_unplanned_failover_with_another_point(page: Page, server: Server) -> None:
    """The line is lost: a VM fails over, an older recovery point is picked on its page, and committed."""
    portal, file = opened(page, server, "unplanned", "lab.run('30min')", "lab.faults.lose_line()")
    with read(file) as lab:
        points = lab.vault.items[VM].recovery_points
    portal.go("items", f"{CLOUD}/vms", VM)
    assert portal.greyed("vault.commit")
    portal.does("vault.unplanned_failover").job()
    with read(file) as lab:
        assert [found.point for found in lab.vault.failovers] == [points[-1].time]
    portal.go("items", f"{CLOUD}/vms", VM).choose("points", str(points[-3].id))
    portal.does("vault.change_recovery_point").job()
    portal.go("items", f"{CLOUD}/vms").choose("vms", VM).does("vault.commit").job()
    with read(file) as lab:
        assert lab.vault.items[VM].state == "UnplannedFailoverCommitted"
        assert [found.point for found in lab.vault.failovers] == [points[-1].time, points[-3].time]
        assert list(lab.azure.machines) == [VM]


@pytest.mark.rule("3.6-1", "3.6-4")
def test_a_failback(page: Page, server: Server) -> None:
    """A VM that runs in Azure comes back: synchronise before, Complete Failover in Jobs, commit, reverse replicate."""
    before = ("lab.vault.planned_failover('MYWSV01', wait=True)", "lab.vault.commit('MYWSV01', wait=True)")
    portal, file = opened(page, server, "failback", *before)
    portal.go("items", f"{CLOUD}/vms").choose("vms", VM).does("vault.failback").job()
    with read(file) as lab:
        assert lab.vault.items[VM].allowed_operations == ("CompleteFailover",)
    expect(portal.button("vault.complete")).to_have_text("Complete Failover")
    portal.does("vault.complete").wait()
    portal.go("items", f"{CLOUD}/vms").choose("vms", VM).does("vault.commit").job()
    portal.go("items", f"{CLOUD}/vms").choose("vms", VM).does("vault.reverse_replication").job()
    portal.go("jobs").does("run", duration="1h")
    with read(file) as lab:
        assert lab.vault.items[VM].state == "Protected"
        assert lab.site.machines[VM].state == "Running"
        assert [found.operation for found in lab.vault.failovers] == ["PlannedFailover", "Failback"]
        assert all(found.equal for found in lab.vault.failovers)


@pytest.mark.rule("4.1-1", "4.3-1", "4.4-1")
def test_everything_is_taken_down(page: Page, server: Server) -> None:
    """STEP 4 in order - VMs, cloud, server, provider, agent, vault, storage, network - until nothing is left."""
    portal, file = opened(page, server, "teardown")
    for vm in (VM, "MYBSD01"):
        portal.go("items", f"{CLOUD}/vms").choose("vms", vm).does("vault.disable_protection").job()
    assert "configured" in portal.go("resources").choose("servers", "SC01").open("vault.unregister_server").refused()
    portal.go("items").choose("clouds", CLOUD).does("vault.release_cloud").job()
    portal.go("resources").choose("servers", "SC01").does("vault.unregister_server").job()
    portal.go("site").choose("servers", "SC01").does("site.uninstall_provider")
    portal.choose("servers", "HV01").does("site.uninstall_agent")
    portal.go("azure", "vaults").choose("vaults", "MySiteRecovery").does("vault.delete").job()
    portal.go("azure", "storage").choose("storage", "mysiterecovery").does("azure.delete_storage")
    portal.go("azure", "networks").choose("networks", "AzureNetwork").does("azure.delete_network")
    portal.go("lab", "leftovers")
    expect(portal.view.locator('[data-block="leftovers"]')).to_contain_text("Nothing is left")
    with read(file) as lab:
        assert lab.leftovers() == []
        assert list(lab.vault.items) == []
        assert lab.azure.vaults == {}
        assert lab.azure.storage_accounts == {}
