"""Provider, registration, agent and proxies (rules 2.6-1 to 2.6-3, 2.6-5 to 2.6-8, F-1)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import labkit
from labkit.lab import Lab
from labkit.views import events
from tests.recovery.labs import QUIET, error_of, facts, task_states
from tests.recovery.step2 import (
    CLOUD,
    GB,
    azure,
    describe,
    fabric,
    failed,
    key,
    lab_of,
    protected_cloud,
    refused,
    register,
    state,
)

PROVIDER, OLD_PROVIDER = "3.5.468.0", "3.4.486.0"
AGENT, OLD_AGENT = "2.0.8689.0", "2.0.8679.0"
D = r"D:\Scratch"


def ready(lab: Lab) -> Path:
    """VMM with a cloud, Azure, and a registration key."""
    fabric(lab)
    azure(lab)
    return key(lab)


# --- the provider -----------------------------------------------------------------------------------------------------


@pytest.mark.rule("2.6-1")
def test_the_provider_in_one_call(tmp_path: Path) -> None:
    """On the VMM server with VMM on it; the service stops and starts again; unticked, the setup does not go on."""
    with lab_of(tmp_path) as lab:
        refused(lab, 900641, lab.site.install_provider)
        refused(lab, 900641, lambda: lab.site.install_provider(server="HV01"))
        fabric(lab)
        error = refused(lab, 900831, lambda: lab.site.install_provider(stop_service=False))
        assert "VMM service" in error.message
        assert lab.site.install_provider() is None
        assert [fact["running"] for fact in facts(lab, "vmm.service")] == [0, 1]
        assert lab.site.vmm.running
        assert f"Azure Site Recovery Provider {PROVIDER}" in lab.site.server("SC01").software
        error = refused(lab, 900832, lab.site.install_provider)
        assert PROVIDER in error.message
        refused(lab, 900832, lambda: lab.site.install_provider(version=OLD_PROVIDER))
        refused(lab, 900620, lambda: lab.site.install_provider(version="4.0"))


@pytest.mark.rule("2.6-1", "2.6-2")
def test_the_pages_of_provider_and_registration(tmp_path: Path) -> None:
    """Four pages; the service stands still from the first to the end, meanwhile VMM is refused; then it is registered.

    The key's page shows the vault, the default name is the full one.
    """
    with lab_of(tmp_path) as lab:
        path = ready(lab)
        window = lab.site.wizard("provider")
        assert window.pages == [
            "Provider installation",
            "Internet connection",
            "Registration key",
            "Synchronize cloud metadata",
        ]
        refused(lab, 900831, lambda: window.next(stop_service=False))
        assert lab.site.vmm.running
        window.next(stop_service=True)
        assert not lab.site.vmm.running
        error = refused(lab, 900642, lambda: lab.site.vmm.create_host_group("X"))
        assert "provider" in error.cause
        window.back()
        before = state(lab)
        window.next()  # the provider is there: nothing is done a second time
        window.next()
        assert state(lab) == before
        assert {field.name: field.value for field in window.fields} == {
            "key": None,
            "friendly_name": "SC01.demo.contoso.com",
        }
        refused(lab, 900632, window.next)
        refused(lab, 900825, lambda: window.next(key=str(tmp_path / "none")))
        window.next(key=str(path), friendly_name="The VMM server")
        assert window.note == "Vault: MySiteRecovery"
        assert {field.name: field.value for field in window.fields}["all_clouds"] is True
        window.next()
        job = window.finish()
        assert lab.site.vmm.running
        assert (job.scenario, job.target, job.state) == ("RegisterDra", "SC01", "InProgress")
        assert lab.azure.vaults["MySiteRecovery"].servers == ()
        lab.wait(job)
        assert lab.azure.vaults["MySiteRecovery"].servers == ("SC01",)
        assert [row.name for row in lab.vault.clouds] == [CLOUD]
        assert lab.verify() == []


@pytest.mark.rule("2.6-1")
def test_cancelling_the_providers_setup(tmp_path: Path) -> None:
    """Before its first page is through nothing happened; after it the service starts again and the provider stays."""
    with lab_of(tmp_path) as lab:
        path = ready(lab)
        before = state(lab)
        lab.site.wizard("provider").cancel()
        assert state(lab) == before
        window = lab.site.wizard("provider")
        window.next()
        assert not lab.site.vmm.running
        window.cancel()
        assert lab.site.vmm.running
        assert f"Azure Site Recovery Provider {PROVIDER}" in lab.site.server("SC01").software
        refused(lab, 900636, window.next)
        lab.site.register(path, wait=True)


@pytest.mark.rule("2.6-1")
def test_cancelling_an_upgrade_leaves_a_stopped_service_alone(tmp_path: Path) -> None:
    """A service that a person stopped is not started by a setup that was opened and closed."""
    with lab_of(tmp_path) as lab:
        fabric(lab)
        lab.site.install_provider(version=OLD_PROVIDER)
        lab.site.vmm.stop_service()
        before = state(lab)
        lab.site.wizard("provider").cancel()
        assert state(lab) == before


@pytest.mark.rule("2.6-1")
def test_a_refusal_at_the_end_leaves_the_setup_open(tmp_path: Path) -> None:
    """The vault deleted meanwhile: the last button is refused, the service still stands still, Cancel starts it."""
    with lab_of(tmp_path) as lab:
        path = ready(lab)
        window = lab.site.wizard("provider")
        window.next()
        window.next()
        window.next(key=str(path))
        window.next()
        lab.vault.delete(wait=True)
        refused(lab, 900827, window.finish)
        assert not lab.site.vmm.running
        window.cancel()
        assert lab.site.vmm.running


KILLED = """\
import os, sys, labkit
lab = labkit.open(sys.argv[1])
window = lab.site.wizard("provider")
window.next()
window.next()
os.kill(os.getpid(), 9)
"""


@pytest.mark.rule("2.6-1")
def test_a_setup_that_is_killed(tmp_path: Path) -> None:
    """Killed between two pages: the lab verifies, the service stands still as it did, and starting it mends all."""
    with lab_of(tmp_path) as lab:
        path = ready(lab)
        where = lab.path
    assert subprocess.run([sys.executable, "-c", KILLED, str(where)], check=False).returncode == -9
    with labkit.open(where) as lab:
        assert lab.verify() == []
        refused(lab, 900642, lambda: lab.site.register(path))
        lab.site.vmm.start_service()
        lab.site.register(path, wait=True)
        assert lab.verify() == []


# --- registration -----------------------------------------------------------------------------------------------------


@pytest.mark.rule("2.6-2")
def test_keys_that_do_not_do(tmp_path: Path) -> None:
    """No key, a damaged one, one of a vault that is gone, one that has expired: refused, and a new key registers."""
    with lab_of(tmp_path) as lab:
        path = ready(lab)
        lab.site.install_provider()
        refused(lab, 900825, lambda: lab.site.register(tmp_path / "nothing"))
        broken = tmp_path / "broken.VaultCredentials"
        broken.write_bytes(path.read_bytes().replace(b"MySiteRecovery", b"MySiteRecoverx"))
        refused(lab, 900825, lambda: lab.site.register(broken))
        lab.azure.create_vault("Other", "East Asia")
        gone = lab.vault.generate_key(tmp_path, vault="Other")
        lab.vault.delete("Other", wait=True)
        refused(lab, 900827, lambda: lab.site.register(gone))
        lab.run("5d")
        refused(lab, 900826, lambda: lab.site.register(path))
        assert lab.site.register(key(lab), wait=True).state == "Succeeded"


@pytest.mark.rule("2.6-2")
def test_a_key_of_another_vault_registers_there(tmp_path: Path) -> None:
    """It is no error: the server is in the vault of the key, and in no other."""
    with lab_of(tmp_path) as lab:
        ready(lab)
        lab.azure.create_vault("Other", "East Asia")
        job = lab.site.install_provider(lab.vault.generate_key(tmp_path, vault="Other"), wait=True)
        assert job is not None
        assert {name: vault.servers for name, vault in lab.azure.vaults.items()} == {
            "MySiteRecovery": (),
            "Other": ("SC01",),
        }
        other = key(lab)
        refused(lab, 900512, lambda: lab.site.register(other))


@pytest.mark.rule("2.6-2", "2.6-6")
def test_the_way_to_the_internet(tmp_path: Path) -> None:
    """A server that needs a proxy is refused without one, 25018, and registers with it; so is one without a line."""
    with lab_of(tmp_path, servers="proxy: [SC01]") as lab:
        path = ready(lab)
        assert lab.site.server("SC01").needs_proxy
        refused(lab, 25018, lambda: lab.site.install_provider(path))
        lab.site.install_provider()
        error = refused(lab, 25018, lambda: lab.site.register(path))
        assert "443/TCP" in error.cause
        refused(lab, 900633, lambda: lab.site.register(path, proxy="p", proxy_port=70_000))
        refused(lab, 25018, lambda: lab.site.register(path, proxy=" "))
        job = lab.site.register(path, proxy="proxy.demo.contoso.com", proxy_port=3128, proxy_user="x")
        lab.faults.lose_line()
        failed(lab, 25018, "RegisterDraTask", job)
        refused(lab, 25018, lambda: lab.site.register(path, proxy="proxy.demo.contoso.com"))
        lab.faults.restore_line()
        lab.site.register(path, proxy="proxy.demo.contoso.com", wait=True)
        assert lab.azure.vaults["MySiteRecovery"].servers == ("SC01",)


@pytest.mark.rule("2.6-2")
def test_the_registration_by_itself(tmp_path: Path) -> None:
    """The pages of "Azure Site Recovery Configurator": without the provider refused, a second registration, too."""
    with lab_of(tmp_path) as lab:
        path = ready(lab)
        refused(lab, 900830, lambda: lab.site.register(path))
        window = lab.site.wizard("registration")
        refused(lab, 900830, window.next)
        lab.site.install_provider()
        window.next()
        window.next(key=str(path))
        window.next(all_clouds=False)
        job = window.finish()
        refused(lab, 532, lambda: lab.site.register(path))
        lab.wait(job)
        refused(lab, 900512, lambda: lab.site.register(path))
        assert lab.vault.clouds == []


@pytest.mark.rule("2.6-2")
def test_the_vault_goes_while_its_server_registers(tmp_path: Path) -> None:
    """Not while: 532; with a new vault the old key is one of another's (900827), its own registers again."""
    with lab_of(tmp_path) as lab:
        path = ready(lab)
        job = lab.site.install_provider(path)
        assert job is not None
        assert "RegisterDra" in refused(lab, 532, lambda: lab.vault.delete(wait=True)).message
        lab.wait(job)
        lab.vault.unregister_server(wait=True)
        lab.vault.delete(wait=True)
        lab.azure.create_vault("MySiteRecovery", "East Asia")
        refused(lab, 900827, lambda: lab.site.register(path))
        lab.site.register(lab.vault.generate_key(tmp_path / "new.VaultCredentials"), wait=True)


@pytest.mark.rule("2.6-3")
def test_metadata_of_all_clouds(tmp_path: Path) -> None:
    """By default all clouds are there, and one that is made later appears, too."""
    with lab_of(tmp_path) as lab:
        ready(lab)
        lab.site.vmm.create_cloud("Second", profiles=["Hyper-V"])
        register(lab)
        assert [row.name for row in lab.vault.clouds] == [CLOUD, "Second"]
        lab.site.vmm.create_cloud("Third", profiles=["Hyper-V"])
        assert [row.name for row in lab.vault.clouds] == [CLOUD, "Second", "Third"]
        window = lab.site.wizard("create-cloud")
        window.next(name="Fourth")
        while window.page:
            window.next()
        window.finish()
        assert "Fourth" in [row.name for row in lab.vault.clouds]


@pytest.mark.rule("2.6-3")
def test_each_cloud_by_itself(tmp_path: Path) -> None:
    """Not synchronised, a cloud is not in the vault and cannot be protected (900846), until its property is set."""
    with lab_of(tmp_path) as lab:
        ready(lab)
        lab.site.vmm.create_cloud("Second", profiles=["Hyper-V"])
        refused(lab, 900830, lambda: lab.site.vmm.send_cloud(CLOUD))
        register(lab, all_clouds=False)
        assert lab.vault.clouds == []
        assert "send_cloud" in refused(lab, 900846, lab.vault.configure_protection).action
        lab.site.vmm.send_cloud(CLOUD.lower())
        assert [row.name for row in lab.vault.clouds] == [CLOUD]
        assert {name: cloud.sends for name, cloud in lab.site.vmm.clouds.items()} == {CLOUD: True, "Second": False}
        lab.site.vmm.create_cloud("Third", profiles=["Hyper-V"])
        assert [row.name for row in lab.vault.clouds] == [CLOUD]
        lab.vault.configure_protection(wait=True)
        refused(lab, 900835, lambda: lab.site.vmm.send_cloud(CLOUD, on=False))
        lab.vault.release_cloud(wait=True)
        lab.site.vmm.send_cloud(CLOUD, on=False)
        assert lab.vault.clouds == []
        lab.site.vmm.send_cloud("Second")
        lab.vault.configure_protection("Second", wait=True)


@pytest.mark.rule("2.6-3")
def test_a_property_set_before_the_registration(tmp_path: Path) -> None:
    """The provider brings the property; what was set before the registration is synchronised with it."""
    with lab_of(tmp_path) as lab:
        path = ready(lab)
        lab.site.install_provider()
        lab.site.vmm.send_cloud(CLOUD)
        lab.site.register(path, all_clouds=False, wait=True)
        assert [row.name for row in lab.vault.clouds] == [CLOUD]


@pytest.mark.rule("2.6-3")
def test_a_cloud_leaves_no_job_behind(tmp_path: Path) -> None:
    """While its protection is being configured it cannot be switched off: the job is told."""
    with lab_of(tmp_path) as lab:
        ready(lab)
        register(lab)
        job = lab.vault.configure_protection()
        refused(lab, 532, lambda: lab.site.vmm.send_cloud(CLOUD, on=False))
        lab.wait(job)
        assert job.state == "Succeeded"


# --- upgrades ---------------------------------------------------------------------------------------------------------


@pytest.mark.rule("2.6-7", "F-1")
def test_upgrading_the_provider(tmp_path: Path) -> None:
    """What Hyper-V Recovery Manager's provider registered carries over; portal and protection want the upgrade.

    The upgrade has one page and takes no key; afterwards the same click protects the cloud.
    """
    with lab_of(tmp_path) as lab:
        path = ready(lab)
        register(lab, version=OLD_PROVIDER)
        assert lab.azure.vaults["MySiteRecovery"].servers == ("SC01",)
        (notice,) = lab.vault.notices()
        assert "SC01" in notice
        assert OLD_PROVIDER in notice
        error = failed(lab, 900845, "CloudPairingPrerequisitesCheck", lab.vault.configure_protection())
        assert OLD_PROVIDER in error.message
        assert PROVIDER in error.action
        refused(lab, 900833, lambda: lab.site.install_provider(path))
        window = lab.site.wizard("provider")
        assert window.pages == ["Provider installation"]
        window.next()
        assert not lab.site.vmm.running
        assert window.finish() is None
        assert lab.site.vmm.running
        assert lab.vault.notices() == []
        assert lab.azure.vaults["MySiteRecovery"].servers == ("SC01",)
        assert [row.name for row in lab.vault.clouds] == [CLOUD]
        lab.vault.configure_protection(wait=True)


@pytest.mark.rule("2.6-7")
def test_registering_after_an_upgrade(tmp_path: Path) -> None:
    """Installed without a registration and upgraded in one call: it ends after installing, and registers later."""
    with lab_of(tmp_path) as lab:
        path = ready(lab)
        lab.site.install_provider(version=OLD_PROVIDER)
        assert lab.site.install_provider() is None
        assert lab.site.vmm.running
        assert list(lab.jobs) == [name for name in lab.jobs if lab.jobs[name].scenario == "AddVmHost"]
        lab.site.register(path, wait=True)


# --- the agent --------------------------------------------------------------------------------------------------------


def host(free: str, data_free: str = "1TB") -> str:
    """The servers of a site whose host has this much room."""
    return f"hosts: [{{name: HV01, free: {free}, data_free: {data_free}}}]"


# 10 % of 24 MB is 2,400,000 B and more: 24 MiB are 25,165,824 B, a tenth of them 2,516,583 B (rounded up).
DATA = 24 * 2**20
TENTH = -(-DATA // 10)


@pytest.mark.rule("2.6-5")
@pytest.mark.parametrize(
    ("free", "data_free", "pages", "code"),
    [
        (GB, TENTH, {"cache": D}, 0),
        (GB - 1, TENTH, {"cache": D}, 900838),
        (GB, TENTH - 1, {"cache": D}, 900839),
        (GB + TENTH, 0, {}, 0),
        (GB + TENTH - 1, 0, {}, 900839),
        (TENTH, GB, {"folder": r"D:\Agent"}, 0),
        (TENTH - 1, GB, {"folder": r"D:\Agent"}, 900839),
        (TENTH, GB - 1, {"folder": r"D:\Agent"}, 900838),
        (0, GB + TENTH, {"folder": r"D:\Agent", "cache": D}, 0),
        (0, GB + TENTH - 1, {"folder": r"D:\Agent", "cache": D}, 900839),
    ],
)
def test_room_for_the_agent(tmp_path: Path, free: int, data_free: int, pages: dict[str, str], code: int) -> None:
    """1 GB for the program and 10 % of the data for the cache, each on its drive, both on one: to the byte."""
    with lab_of(tmp_path, servers=host(f"{free}B", f"{data_free}B")) as lab:
        install = lambda: lab.site.install_agent("HV01", **pages)  # noqa: E731
        if code:
            refused(lab, code, install)
            assert lab.site.server("HV01").software == []
        else:
            install()
            assert lab.site.server("HV01").software == [f"Azure Recovery Services Agent {AGENT}"]


@pytest.mark.rule("2.6-5")
def test_a_cache_that_does_not_fit_goes_to_another_drive(tmp_path: Path) -> None:
    """C: has 2 GB, the VMs' disks 100 GB: refused with what is needed; on D: it is installed."""
    big = "{name: BIG, os: Windows Server 2012 R2, disks: [{name: os, size: 100GB, used: 1MB}]}"
    with lab_of(tmp_path, big, servers=host("2GB")) as lab:
        error = refused(lab, 900839, lambda: lab.site.install_agent("HV01"))
        assert "11 GB are needed, 2 GB are free" in error.message
        refused(lab, 900837, lambda: lab.site.install_agent("HV01", cache=r"E:\Scratch"))
        lab.site.install_agent("HV01", cache=r"d:\Scratch")


@pytest.mark.rule("2.6-5")
def test_where_the_agent_goes(tmp_path: Path) -> None:
    """On hosts, each once; a path on a drive that is not there, a server that is no host or is off: refused."""
    with lab_of(tmp_path, servers=host("100GB", "0B")) as lab:
        refused(lab, 900837, lambda: lab.site.install_agent("HV01", cache=D))
        refused(lab, 900837, lambda: lab.site.install_agent("HV01", folder="Agent"))
        for name in ("SC01", "DC01"):
            error = refused(lab, 900836, lambda n=name: lab.site.install_agent(n))  # type: ignore[misc]
            assert name in error.message
        lab.site.stop_server("HV01")
        refused(lab, 900621, lambda: lab.site.install_agent("HV01"))
        lab.site.start_server("HV01")
        lab.site.install_agent("HV01")
        refused(lab, 900832, lambda: lab.site.install_agent("HV01"))
        refused(lab, 900832, lambda: lab.site.install_agent("HV01", version=OLD_AGENT))
        refused(lab, 900620, lambda: lab.site.install_agent("HV01", version="3"))


@pytest.mark.rule("2.6-5")
def test_the_pages_of_the_agents_setup(tmp_path: Path) -> None:
    """Settings, proxy, installation, with the defaults of the guide; cancelled, nothing; finished, as the one call."""
    with lab_of(tmp_path) as lab:
        window = lab.site.wizard("agent", "HV01")
        assert window.pages == ["Installation settings", "Proxy configuration", "Installation"]
        refused(lab, 900837, lambda: window.next(cache=r"Z:\x"))
        window.next(cache=D)
        assert [(field.name, field.value) for field in window.fields] == [
            ("proxy", ""),
            ("proxy_port", 8080),
            ("proxy_user", ""),
        ]
        window.back()
        assert window.fields[1].value == D
        window.next()
        before = state(lab)
        window.next(proxy="proxy.demo.contoso.com")
        window.cancel()
        assert state(lab) == before
        window = lab.site.wizard("agent", "HV01")
        while window.page:
            window.next()
        assert "completed successfully" in window.finish()
        assert lab.site.server("HV01").software == [f"Azure Recovery Services Agent {AGENT}"]
        refused(lab, 900836, lambda: lab.site.wizard("agent", "SC01").next())
        refused(lab, 900010, lambda: lab.site.wizard("agent"))
        refused(lab, 900010, lambda: lab.site.wizard("agents", "HV01"))


@pytest.mark.rule("2.6-5")
def test_a_host_without_the_agent(tmp_path: Path) -> None:
    """The cloud is protected; enabling fails at "Enable replication", 70095 around 31313; with the agent it works."""
    with lab_of(tmp_path) as lab:
        fabric(lab)
        describe(lab, "QUIET")
        azure(lab)
        register(lab)
        lab.vault.configure_protection(wait=True)
        job = lab.vault.enable_protection("QUIET")
        error = failed(lab, 70095, "EnableProtection", job)
        assert error.provider is not None
        assert error.provider["code"] == 31313
        assert "HV01" in error.provider["message"]
        assert "HV01" in error.action
        assert task_states(job)["CreateProtectionTarget"] == "Succeeded"
        assert lab.vault.items == {}
        assert lab.verify() == []
        lab.site.install_agent("HV01", cache=D)
        lab.vault.enable_protection("QUIET", wait=True)
        lab.wait(lab.vault.items["QUIET"])
        assert lab.verify(full=True) == []


@pytest.mark.rule("2.6-5")
def test_an_agent_of_azure_backup(tmp_path: Path) -> None:
    """The older one does not replicate, 70095; it is upgraded in place, needing no room, and keeps its proxy."""
    with lab_of(tmp_path, servers=host("1GB")) as lab:
        fabric(lab)
        describe(lab, "QUIET")
        azure(lab)
        register(lab)
        lab.site.install_agent("HV01", version=OLD_AGENT, cache=D, proxy="proxy.demo.contoso.com")
        lab.site.need_proxy("HV01")
        lab.vault.configure_protection(wait=True)
        failed(lab, 70095, "EnableProtection", lab.vault.enable_protection("QUIET"))
        lab.site.install_agent("HV01", cache=D)
        assert f"Azure Recovery Services Agent {AGENT}" in lab.site.server("HV01").software
        lab.vault.enable_protection("QUIET", wait=True)
        lab.wait(lab.vault.items["QUIET"])  # the proxy set before is kept


@pytest.mark.rule("2.6-5")
def test_the_agent_is_needed_on_the_host_of_the_vm(tmp_path: Path) -> None:
    """Two hosts, the agent on one: its VM is protected, the other's is not."""
    vms = [QUIET, QUIET.replace("QUIET,", "OTHER, host: HV02,")]
    with lab_of(tmp_path, *vms, servers="hosts: [HV01, HV02]") as lab:
        fabric(lab, "HV01", "HV02")
        for vm in ("QUIET", "OTHER"):
            describe(lab, vm)
        azure(lab)
        register(lab)
        lab.site.install_agent("HV01", cache=D)
        lab.vault.configure_protection(wait=True)
        lab.vault.enable_protection("QUIET", wait=True)
        assert "HV02" in failed(lab, 70095, "EnableProtection", lab.vault.enable_protection("OTHER")).action


@pytest.mark.rule("2.6-6")
def test_a_host_that_needs_a_proxy(tmp_path: Path) -> None:
    """Enabling works, nothing is sent; set in the agent's console, initial replication is done."""
    with lab_of(tmp_path, servers="proxy: [HV01]") as lab:
        protected_cloud(lab, "QUIET")
        lab.vault.enable_protection("QUIET", wait=True)
        lab.run("3h")
        item = lab.vault.items["QUIET"]
        assert item.description == "Initial replication in progress"
        assert facts(lab, "initial.ended", "QUIET") == []
        lab.site.agent_proxy("HV01", "proxy.demo.contoso.com", 3128)
        lab.wait(item)
        assert item.state == "Protected"
        assert lab.verify(full=True) == []


@pytest.mark.rule("2.6-6")
def test_a_proxy_set_in_the_agents_setup(tmp_path: Path) -> None:
    """Given there, replication runs from the beginning; taken away it fails, and goes on when it is back."""
    with lab_of(tmp_path, servers="proxy: [HV01]") as lab:
        fabric(lab)
        describe(lab, "QUIET")
        azure(lab)
        register(lab)
        refused(lab, 900840, lambda: lab.site.agent_proxy("HV01", "proxy.demo.contoso.com"))
        lab.site.install_agent("HV01", cache=D, proxy="proxy.demo.contoso.com")
        lab.vault.configure_protection(wait=True)
        lab.vault.enable_protection("QUIET", wait=True)
        lab.wait(lab.vault.items["QUIET"])
        lab.run("1h")
        count = len(facts(lab, "cycle", "QUIET"))
        assert count > 5
        lab.site.agent_proxy("HV01", None)
        lab.run("1h")
        assert len(facts(lab, "cycle", "QUIET")) <= count + 1
        lab.site.agent_proxy("HV01", "proxy.demo.contoso.com")
        lab.run("2h")
        assert len(facts(lab, "cycle", "QUIET")) > count + 5
        assert lab.verify(full=True) == []


@pytest.mark.rule("2.6-6")
def test_a_way_that_is_closed_later(tmp_path: Path) -> None:
    """The host's direct way goes while it replicates: cycles fail until the proxy is set, or the way is open again."""
    with lab_of(tmp_path) as lab:
        protected_cloud(lab, "QUIET")
        lab.vault.enable_protection("QUIET", wait=True)
        lab.wait(lab.vault.items["QUIET"])
        lab.site.need_proxy("HV01")
        lab.run("1h")
        assert lab.vault.items["QUIET"].health != "Normal"
        lab.site.need_proxy("HV01", needed=False)
        lab.run("2h")
        assert lab.vault.items["QUIET"].health == "Normal"


@pytest.mark.parametrize(
    "given",
    [
        {"port": 3128},
        {"address": ""},
        {"address": " ", "port": 8080},
        {"needed": False, "port": 1},
        {"needed": False, "address": "proxy.demo.contoso.com"},
    ],
)
def test_a_proxy_that_is_none(tmp_path: Path, given: dict[str, object]) -> None:
    """A port alone, an empty address, or a proxy for a server that needs none: refused, and nothing has changed."""
    with lab_of(tmp_path) as lab:
        before = lab.site.server("HV01")
        assert error_of(lambda: lab.site.need_proxy("HV01", **given)).code == 900947  # type: ignore[arg-type]
        assert lab.site.server("HV01") == before
        lab.site.need_proxy("HV01", address=" proxy.demo.contoso.com ")
        assert lab.site.server("HV01").proxy == "proxy.demo.contoso.com:8080"


@pytest.mark.rule("2.6-6")
def test_only_the_proxy_that_is_allowed(tmp_path: Path) -> None:
    """One proxy lets the host out: with another address or port nothing is sent, and the event names both."""
    with lab_of(tmp_path) as lab:
        protected_cloud(lab, "QUIET")
        lab.vault.enable_protection("QUIET", wait=True)
        lab.wait(lab.vault.items["QUIET"])
        refused(lab, 900633, lambda: lab.site.need_proxy("HV01", address="proxy.demo.contoso.com", port=0))
        lab.site.need_proxy("HV01", address="proxy.demo.contoso.com", port=3128)
        assert lab.site.server("HV01").proxy == "proxy.demo.contoso.com:3128"
        for address, port in ((None, 3128), ("proxy.demo.contoso.com", 8080), ("other.demo.contoso.com", 3128)):
            lab.site.agent_proxy("HV01", address, port)
            lab.run("1h")
            assert lab.vault.items["QUIET"].health != "Normal"
            assert not lab.site.server("HV01").agent_out
            failed_with = facts(lab, "replication.failed", "QUIET")[-1]
            assert failed_with["needed"] == "proxy.demo.contoso.com:3128"
            assert failed_with["found"] == (f"{address}:{port}" if address else "")
            assert failed_with["needed"] in events.headline(failed_with)
        assert lab.status()["items"]["QUIET"]["failed"]["found"] == "other.demo.contoso.com:3128"
        lab.site.agent_proxy("HV01", "Proxy.demo.contoso.com", 3128)
        lab.run("2h")
        assert lab.vault.items["QUIET"].health == "Normal"


@pytest.mark.rule("2.6-6")
def test_any_proxy_where_none_is_named(tmp_path: Path) -> None:
    """Needed without an address, as before: whichever is set lets the host out; the name goes with the need."""
    with lab_of(tmp_path) as lab:
        protected_cloud(lab, "QUIET")
        lab.site.need_proxy("HV01", address="proxy.demo.contoso.com")
        lab.site.agent_proxy("HV01", "any.demo.contoso.com", 1234)
        assert not lab.site.server("HV01").agent_out
        lab.site.need_proxy("HV01")
        assert (lab.site.server("HV01").proxy, lab.site.server("HV01").agent_out) == ("", True)
        lab.site.need_proxy("HV01", address="proxy.demo.contoso.com")
        lab.site.need_proxy("HV01", needed=False)
        assert (lab.site.server("HV01").proxy, lab.site.server("HV01").agent_out) == ("", True)


@pytest.mark.rule("2.6-2", "2.6-6")
def test_the_provider_with_another_proxy(tmp_path: Path) -> None:
    """Registering and what goes through VMM are refused, with the proxy found and the one allowed."""
    with lab_of(tmp_path) as lab:
        path = ready(lab)
        lab.site.need_proxy("SC01", address="proxy.demo.contoso.com", port=3128)
        lab.site.install_provider()
        refused(lab, 25018, lambda: lab.site.register(path))
        error = refused(lab, 900686, lambda: lab.site.register(path, proxy="proxy.demo.contoso.com", proxy_port=8080))
        assert "proxy.demo.contoso.com:8080" in error.message
        assert "proxy.demo.contoso.com:3128" in error.cause
        lab.site.register(path, proxy="proxy.demo.contoso.com", proxy_port=3128, wait=True)
        lab.site.provider_proxy("other.demo.contoso.com", 3128)
        assert "other.demo.contoso.com:3128" in refused(lab, 900686, lab.vault.configure_protection).message
        lab.site.provider_proxy(None)
        refused(lab, 900525, lab.vault.configure_protection)


@pytest.mark.rule("2.6-8")
def test_the_button_for_azure_backup(tmp_path: Path) -> None:
    """Pressed, it changes nothing for Site Recovery, and the text says why: both labs are the same afterwards."""
    seen = []
    for press in (False, True):
        with lab_of(tmp_path) as lab:
            said = lab.site.install_agent("HV01", register=press)
            assert said.startswith("The installation of the Microsoft Azure Recovery Services Agent completed")
            assert ("Azure Backup" in said) is press
            seen.append((lab.site.server("HV01"), [fact["kind"] for fact in lab.facts]))
    assert seen[0] == seen[1]


def test_texts_of_refusals_name_calls_that_exist(tmp_path: Path) -> None:
    """What the texts tell people to call is there."""
    import re

    from labkit.engine import resources

    with lab_of(tmp_path) as lab:
        for name in ("setup.yml", "components.yml"):
            for path in re.findall(r"lab((?:\.[a-z_]+)+)\b", str(resources.yaml("errors", name))):
                thing: object = lab
                for part in path.strip(".").split("."):
                    thing = getattr(thing, part)
        assert error_of(lambda: lab.site.server("X")).code == 900010
