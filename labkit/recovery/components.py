"""The provider on the VMM server, and the registration (rules 2.6-1 to 2.6-3, 2.6-7, F-1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from labkit.azure import subscription
from labkit.engine import jobs
from labkit.engine.errors import LabError
from labkit.engine.jobs import DONE, JobRecord, Outcome
from labkit.engine.texts import gettext as _
from labkit.engine.world import World
from labkit.recovery import providers, remains, vaults
from labkit.recovery.agents import proxy_of
from labkit.recovery.providers import Provider
from labkit.recovery.vault import Cloud, busy, free, involved
from labkit.recovery.vaults import Vault
from labkit.site import clouds, kinds, servers, vmm, wizard
from labkit.site.clouds import VmmCloud
from labkit.site.servers import Proxy, Server
from labkit.site.vmm import Vmm

PROVIDER, REGISTRATION = "provider", "registration"


def newest() -> str:
    """The provider's version of September 2014 (rule 2.6-1)."""
    return str(next(iter(servers.software()["provider"])))


def current(version: str) -> bool:
    """Whether a version knows protection to Azure (F-1)."""
    return bool(servers.software()["provider"][version]["azure"])


def find(world: World, server: str) -> Provider:
    """The provider on a server; 900830 where it is not installed."""
    name = servers.get(world, server).id
    found = world.find(Provider, name)
    if found is None:
        raise LabError(900830, server=name)
    return found


# --- the provider's setup (rules 2.6-1, 2.6-7) ------------------------------------------------------------------------


def upgrades(world: World, server: str) -> bool:
    """Whether the provider's setup would upgrade one that is there: then it ends after installing."""
    return world.find(Provider, servers.get(world, server).id) is not None


def left_open(world: World, server: str) -> bool:
    """Whether a setup of the newest provider was begun and not closed: it can be gone on with."""
    found = world.find(Provider, servers.get(world, server).id)
    return found is not None and found.open


@wizard.check(PROVIDER, "installation")
def _installation(world: World, subject: str, values: wizard.Values) -> None:
    at = vmm.find(world, subject)
    servers.running(world, subject)
    if not values["stop_service"]:
        raise LabError(900831, server=at.id)


def install(world: World, server: str, version: str) -> Provider:
    """The setup's first page: VMM's service stops, and the provider is there. 900832: that version is there already."""
    at, full = vmm.find(world, server), servers.named("provider", version)
    found = world.find(Provider, at.id)
    if found is not None and servers.number(found.version) >= servers.number(full):
        raise LabError(900832, server=at.id, found=full, there=found.version)
    if at.running:
        vmm.stop_service(world, at.id)
    if found is None:
        found = world.add(Provider(at.id, full))
    found.version, found.open = full, True
    world.fact("provider.installed", at.id, version=full)
    return found


def go_on(world: World, server: str, version: str) -> None:
    """The setup in one call; one of the same version that was left open is gone on with instead of begun anew."""
    if not left_open(world, server) or find(world, server).version != servers.named("provider", version):
        install(world, server, version)


def close(world: World, server: str) -> None:
    """The setup's wizard is closed: VMM's service, which it stopped, starts again."""
    found = find(world, server)
    if found.open:
        found.open = False
        if not vmm.find(world, found.id).running:
            vmm.start_service(world, found.id)


# --- registration (rules 2.6-2, 2.6-3) --------------------------------------------------------------------------------


@wizard.check(REGISTRATION, "internet")
def _internet(world: World, subject: str, values: wizard.Values) -> None:
    subscription.require(world)
    server, found = servers.running(world, subject), find(world, subject)
    if found.vault:
        raise LabError(900512, server=server.id)
    remains.require_clean_server(world, server.id)
    unreached = LabError(25018, server=server.id)
    servers.require_way_out(server, proxy_of(values), unreached)
    if not providers.line_up(world, server.id):
        raise unreached


@wizard.check(REGISTRATION, "key")
def _key(world: World, subject: str, values: wizard.Values) -> None:
    name = values["friendly_name"]
    if not kinds.is_name(name):
        raise LabError(900633, field="friendly_name", found=repr(name), values=kinds.NAME.allowed(), meant="")
    vaults.read_key(world, Path(values["key"]))


@wizard.note(REGISTRATION, "clouds")
def _vault_name(world: World, subject: str, values: wizard.Values) -> str:
    """The vault that the key file identifies: the learner's check (rule 2.6-2)."""
    return _("Vault: {vault}").format(vault=vaults.read_key(world, Path(values["key"])))


def register(world: World, server: str, vault: str, values: wizard.Values) -> JobRecord:
    """The pages' end: the server is registered with a vault; its clouds appear there at the end of the job."""
    found = find(world, server)
    into = world.get(Vault, vault)
    involved(world, ("vault", into.id), by=("DeleteVault",))
    vmm.at_work(world, found.id)
    free(world, found.id)
    found.proxy, found.all_clouds = proxy_of(values), values["all_clouds"]
    return jobs.start(world, "RegisterDra", found.id, vault=into.id, name=values["friendly_name"])


def register_here(world: World, server: str) -> JobRecord:
    """Register with the lab's vault, as with a key that was generated just now and the defaults of the pages."""
    at = servers.get(world, server)
    if at.role != servers.VMM:
        raise LabError(900511, server=at.id, role=at.role)
    vault, values = vaults.the_vault(world), wizard.start_values(REGISTRATION, vmm.known(world, at.id))
    values |= {"proxy": "" if at.direct else f"proxy.{at.fqdn.partition('.')[2]}", "key": ""}
    if at.proxy is not None:
        values |= {"proxy": at.proxy.address, "proxy_port": at.proxy.port}
    _internet(world, at.id, values)
    return register(world, at.id, vault.id, values)


def take_as_registered(world: World, server: str, vault: str) -> None:
    """A server of a lab of before is registered already, with all its clouds."""
    found = find(world, server)
    found.vault, found.name, found.all_clouds = vault, world.get(Server, server).fqdn, True
    synchronise(world, found)


@jobs.task("RegisterDra", "RegisterDraTask")
def _register(world: World, job: JobRecord) -> Outcome:
    server = world.get(Server, job.target)
    vmm.at_work(world, server.id)
    unreached = LabError(25018, server=server.id)
    if not providers.connected(world, server.id):
        raise unreached
    servers.require_way_out(server, find(world, server.id).proxy, unreached)
    return DONE


@jobs.ending("RegisterDra")
def _registered(world: World, job: JobRecord) -> None:
    if job.state == jobs.SUCCEEDED:
        found = find(world, job.target)
        # A job that a lab of before had under way says nothing of these.
        found.vault = job.data.get("vault") or vaults.the_vault(world).id
        found.name = job.data.get("name") or world.get(Server, found.id).fqdn
        world.get(Vault, found.vault).servers.append(found.id)
        synchronise(world, found)


def synchronise(world: World, provider: Provider) -> None:
    """What VMM sends to the vault now: the clouds whose metadata is synchronised (rule 2.6-3)."""
    if not provider.vault:
        return
    for cloud in world.all(VmmCloud):
        if cloud.server != provider.id:
            continue
        cloud.sends = cloud.sends or provider.all_clouds
        if cloud.sends and world.find(Cloud, cloud.id) is None:
            world.add(Cloud(cloud.id, provider.id))


def set_proxy(world: World, server: str, proxy: Proxy | None) -> None:
    """Change the provider's proxy in VMM's console (rule 2.6-6); 900830 without the provider."""
    found = find(world, servers.running(world, server).id)
    found.proxy = proxy
    world.fact("provider.proxy", found.id, set=int(proxy is not None))


def send_cloud(world: World, name: str, *, on: bool) -> None:
    """A cloud's own property: its metadata goes to the vault, or no longer (rule 2.6-3).

    900830 without the provider, which brings the property; 900835 while the cloud is protected.
    """
    cloud = clouds.get(world, name)
    vmm.at_work(world, cloud.server)
    provider, there = find(world, cloud.server), world.find(Cloud, cloud.id)
    if provider.vault:
        subscription.require(world)
    busy(world, cloud.id)
    if not on and there is not None:
        involved(world, ("cloud", there.id), ("server", there.server))
        if there.configured or there.recovers:
            raise LabError(900835, cloud=cloud.id)
    cloud.sends = on
    world.fact("cloud.sends", cloud.id, on=int(on))
    if not on:
        provider.all_clouds = False
        if there is not None:
            world.remove(there)
    synchronise(world, provider)


def create_cloud(world: World, server: str, given: dict[str, Any]) -> VmmCloud:
    """A new cloud of VMM; where all are synchronised it appears in the vault as well."""
    made = clouds.create(world, server, given)
    cloud_made(world, made)
    return made


def cloud_made(world: World, cloud: VmmCloud) -> None:
    """A cloud was made: a provider that sends all clouds sends it."""
    provider = world.find(Provider, cloud.server)
    if provider is not None and provider.all_clouds:
        synchronise(world, provider)


def notices(world: World, vault: Vault) -> list[tuple[str, str]]:
    """Servers of a vault whose provider has to be upgraded, with its version (F-1)."""
    found = (find(world, server) for server in vault.servers)
    return [(provider.id, provider.version) for provider in found if not current(provider.version)]


def ready(world: World, server: str) -> Vmm:
    """VMM on a registered server, if the vault reaches it.

    900847 without a registered provider (rule 1.1-5), 900642 while the service is stopped, 900525: not reached,
    900686: not through the proxy that the provider has.
    """
    provider = world.find(Provider, server)
    if provider is None or not provider.vault:
        raise LabError(900847, server=server)
    at = vmm.at_work(world, server)
    unreached = LabError(900525, what=server)
    if not providers.connected(world, server):
        raise unreached
    servers.require_way_out(world.get(Server, server), provider.proxy, unreached)
    return at
