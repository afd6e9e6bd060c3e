"""Making a lab and bringing it to a stage; each stage is reached by the same commands a learner gives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from labkit.azure import compute, services, subscription
from labkit.engine import progress
from labkit.engine.errors import LabError
from labkit.engine.names import meant
from labkit.engine.store import Store
from labkit.engine.texts import gettext as _
from labkit.engine.world import World
from labkit.recovery import components, preparation, vaults
from labkit.recovery.vault import Cloud
from labkit.replication import line, tidy
from labkit.site import contents, inventory, sitefile
from labkit.site.directory import Domain
from labkit.site.model import SiteFile
from labkit.site.vms import VmSettings

if TYPE_CHECKING:
    from labkit.lab.door import Lab

_PERSON = ("admin@contoso.com", "090-0000-0000", "0000-0000-0000-0000")  # invented: account, phone, card
STAGES = ("start", "prepared", "registered", "configured", "protected")


def check_stage(stage: str) -> None:
    """Refuse an unknown stage (900050)."""
    if stage not in STAGES:
        raise LabError(900050, found=stage, choices=", ".join(STAGES), meant=meant(stage, STAGES))


def check_seed(seed: object) -> int:
    """A seed is a whole number of 0 to 2**63 - 1 (900051)."""
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 1 << 63:
        raise LabError(900051, found=seed)
    return seed


def read_site(site: str | Path | SiteFile) -> SiteFile:
    """A site file, read; all is known that its images and traces tell."""
    return contents.resolved(site if isinstance(site, SiteFile) else sitefile.read(site))


def new_file(path: Path, site: SiteFile, given: progress.Progress | None) -> tuple[Store, contents.Contents]:
    """A new lab file that holds the site's images and traces, and what is in it."""
    if not contents.any_of(site):
        return Store.create(path), contents.NONE
    with progress.shown(_("Importing images and traces"), given) as show:
        brought = contents.bring_in(path, site, show)
    return Store.open(path), brought


def begin(world: World, site: SiteFile, seed: int, brought: contents.Contents) -> None:
    """Fill a new lab: bare servers, VMs with what the site brought along, an empty Azure, and the first fact."""
    world.seed, world.now = seed, site.start
    site = contents.without_folders(site)
    world.site_json = msgspec.json.encode(site).decode("utf-8")
    world.fact("lab.created", site.site, seed=seed, digest=sitefile.digest(site))
    azure = site.azure
    ingress = compute.ingress(azure.region, "GRS")
    line.create(world, site.line.bandwidth, site.line.latency, site.line.loss, ingress)
    if site.replica_site is not None:
        between = site.replica_site.line
        line.create_between_sites(world, between.bandwidth, between.latency, between.loss)
    inventory.build(world, site, brought)
    tidy.start(world)


def prepare(world: World) -> None:
    """STEP 2 up to the registration, with the names of the site file, in no time: what a class has done before."""
    site = inventory.site_of(world)
    azure = site.azure
    subscription.sign_up(world, *_PERSON, subscription.PAY_AS_YOU_GO, site.offset_min)
    vaults.create(world, azure.vault, azure.region, vaults.SITE_RECOVERY)
    services.create_storage(world, azure.storage, azure.region, "GRS")
    services.quick_network(world, azure.network, azure.region)
    preparation.prepare_site(world)


def of_before(world: World) -> bool:
    """Whether a lab was made before the set-up of its site was known: it took all of that as done."""
    return bool(world.site_json != "{}" and not world.any(Domain))


def bring_up(world: World) -> None:
    """Give a lab of before what it took as done: its site is prepared, and as far registered as its vault says."""
    site, state = inventory.site_of(world), inventory.state(world)
    dark = state.lost_at, state.hosts_down
    state.lost_at, state.hosts_down = 0, False  # nothing of this happens now, and a lost site does not forbid it
    inventory.add_servers(world, site)
    for vm in site.vms:
        world.add(VmSettings(vm.name, vm.host, vm))
    subscription.sign_up(world, *_PERSON, subscription.PAY_AS_YOU_GO, site.offset_min)
    preparation.prepare_site(world)
    for number, vault in enumerate(world.all(vaults.Vault), start=1):
        vault.number = vault.number or number
        for server in vault.servers:
            components.take_as_registered(world, server, vault.id)
    for cloud in world.all(Cloud):
        account = world.find(services.StorageAccount, cloud.storage)
        if account is not None:
            account.used = True
    state.lost_at, state.hosts_down = dark


def to_stage(lab: Lab, stage: str) -> None:
    """Give the commands that lead to a stage and let their time pass."""
    steps = STAGES.index(stage)
    if steps >= 1:
        lab.command("prepare", {}, prepare)
    if steps >= 2:
        lab.vault.register_server(wait=True)
    if steps >= 3:
        lab.vault.configure_protection(wait=True)
        lab.vault.map_network(wait=True)
    if steps >= 4:
        site = lab.read(inventory.site_of)
        names = [vm.name for vm in site.vms if vm.protected]
        for job in [lab.vault.enable_protection(name) for name in names]:
            lab.wait(job)  # what keeps a VM from being protected is said here
        for name in names:
            lab.wait(lab.vault.items[name])
