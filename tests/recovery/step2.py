"""STEP 2 of the guide as a learner does it, click by click, and what a refusal must not change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import labkit
from labkit.engine.errors import LabError
from labkit.lab import Lab
from labkit.lab.views import Job
from tests.recovery.labs import QUIET, error_of

CLOUD, ADMIN, SQL, ADK = "OnPremise Cloud", r"DEMO\Administrator", "SQL Server 2012 SP1", "Windows ADK"
R2 = "Windows Server 2012 R2"
GB = 2**30


def site_text(*vms: str, servers: str = "", more: str = "") -> str:
    """A site file; ``servers`` is what stands in the braces of its key, ``more`` are whole lines."""
    lines = ["site: step2", "cloud: {frequency: 5min, retention: 24h}"]
    lines += [f"servers: {{{servers}}}"] if servers else []
    lines += [more] if more else []
    return "\n".join([*lines, "vms:", *(f"  - {vm}" for vm in vms or (QUIET,))]) + "\n"


def lab_of(folder: Path, *vms: str, servers: str = "", more: str = "", stage: str = "start") -> Lab:
    """A new lab of such a site, by default with bare servers."""
    path = folder / f"site-{len(list(folder.iterdir()))}.yml"
    path.write_text(site_text(*vms, servers=servers, more=more), encoding="utf-8")
    return labkit.create(path.with_suffix(".lab"), site=path, stage=stage)


# --- the steps --------------------------------------------------------------------------------------------------------


def software(lab: Lab) -> None:
    """What VMM's setup needs on its server."""
    lab.site.add_feature("SC01")
    lab.site.install("SC01", SQL)
    lab.site.install("SC01", ADK)


def manager(lab: Lab) -> None:
    """VMM, installed with its defaults."""
    software(lab)
    lab.site.install_vmm(accept_licence=True)


def fabric(lab: Lab, *hosts: str, cloud: str | None = CLOUD, profiles: tuple[str, ...] = ("Hyper-V",)) -> None:
    """VMM with hosts (or clusters) in it, and a cloud of them."""
    manager(lab)
    for host in hosts or ("HV01",):
        lab.site.vmm.add_host(host, credentials=ADMIN, wait=True)
    if cloud is not None:
        lab.site.vmm.create_cloud(cloud, networks=lab.site.vmm.logical_networks, profiles=profiles)


def describe(lab: Lab, vm: str, cloud: str = CLOUD) -> None:
    """A VM's properties, as they have to be."""
    view = lab.site.vmm.vms[vm]
    lab.site.vmm.assign(vm, cloud)
    lab.site.vmm.set_system(vm, R2 if lab.site.machines[vm].os == R2 else "Other Linux (64-bit)")
    lab.site.vmm.mark_system_disks(vm, next(iter(view.disks)))


def azure(lab: Lab) -> None:
    """Azure's services, with the names of the guide."""
    lab.azure.sign_up("admin@contoso.com", "090-0000-0000", "0000-0000-0000-0000")
    lab.azure.create_vault("MySiteRecovery", "East Asia")
    lab.azure.create_storage("mysiterecovery", "East Asia")
    lab.azure.quick_network("AzureNetwork", "East Asia")


def key(lab: Lab) -> Path:
    """A registration key beside the lab."""
    return lab.vault.generate_key(lab.path.parent)


def register(lab: Lab, **pages: Any) -> Job:
    """The provider, and the registration with the vault, to its end."""
    job = lab.site.install_provider(key(lab), wait=True, **pages)
    assert job is not None
    return job


def protected_cloud(lab: Lab, *vms: str) -> None:
    """All steps from bare servers to a cloud that is protected, its VMs described, agents on the hosts."""
    fabric(lab)
    for vm in vms:
        describe(lab, vm)
    azure(lab)
    register(lab)
    lab.site.install_agent("HV01", cache=r"D:\Scratch")
    lab.vault.configure_protection(wait=True)
    lab.vault.map_network(wait=True)


# --- refusals ---------------------------------------------------------------------------------------------------------


def state(lab: Lab) -> Any:
    """All that a lab is: entities, timers, and the digest of its facts."""
    tables = ("SELECT kind, id, body FROM entities ORDER BY kind, id", "SELECT * FROM timers ORDER BY seq")
    return lab.read(lambda world: (world.facts.digest, *(list(world.store.rows(table)) for table in tables)))


def refused(lab: Lab, code: int, work: Callable[[], object]) -> LabError:
    """The refusal of a click: with this code, and the world as it was."""
    before = state(lab)
    error = error_of(work)
    assert error.code == code, error
    assert state(lab) == before
    return error


def failed(lab: Lab, code: int, task: str, job: Job) -> LabError:
    """The error of a job that ends Failed at this task."""
    error = error_of(lambda: lab.wait(job))
    assert (error.code, job.state) == (code, "Failed"), error
    assert [found.name for found in job.tasks if found.state == "Failed"] == [task]
    return error
