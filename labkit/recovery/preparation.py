"""The stage "prepared": STEP 2 on the site's side up to the registration, by what a learner's calls call."""

from __future__ import annotations

from labkit.engine.world import World
from labkit.recovery import agents, components
from labkit.site import clouds, directory, fabric, inventory, servers, vmm, vms
from labkit.site.model import SiteFile
from labkit.site.servers import HOST, NET35, Server
from labkit.site.vms import VmSettings

SECOND_GROUP, SECOND_CLOUD = "Second site", "Recovery Cloud"  # where the site file names none
_SQL, _ROLLUP = "SQL Server 2012 SP1", "UR3"


def prepare_site(world: World) -> None:
    """Software on the VMM server, the hosts in VMM, one cloud with all VMs in it, provider and agents."""
    site = inventory.site_of(world)
    install_vmm(world, site.servers.vmm)
    hosts = [host for host in world.all(Server) if host.role == HOST and host.place == servers.SITE]
    add_hosts(world, site.servers.vmm, hosts)
    make_cloud(world, site.servers.vmm, site.cloud.name)
    for settings in world.all(VmSettings):
        describe_vm(world, settings, site.cloud.name)
    install_components(world, site.servers.vmm)
    agents_on(world, hosts)
    if site.replica_site is not None and (site.replica_site.vmm or site.replica_site.cloud):
        _second_site(world, site)


def _second_site(world: World, site: SiteFile) -> None:
    """The second site's VMM server, or the first one with a host group for it; its hosts and its cloud."""
    second = site.replica_site
    assert second is not None
    at = second.vmm or site.servers.vmm
    group = fabric.first_group(at)
    if at != site.servers.vmm:
        install_vmm(world, at)
    else:
        group = fabric.create_group(world, at, SECOND_GROUP).id
    add_hosts(world, at, [world.get(Server, name) for name in second.hosts], group)
    make_cloud(world, at, second.cloud or SECOND_CLOUD, group.partition("/")[2])
    if at != site.servers.vmm:
        install_components(world, at)


def install_vmm(world: World, server: str) -> None:
    """.NET Framework 3.5, SQL Server, the ADK, VMM with its defaults, and its update rollup."""
    servers.add_feature(world, server, NET35)
    servers.install_sql(world, server, _SQL, ("engine", "tools"))
    servers.install_adk(world, server, "ADK", ("deployment", "winpe"))
    vmm.install(world, server, vmm.NEWEST, {"accept_licence": True})
    vmm.apply_rollup(world, server, _ROLLUP)


def add_hosts(world: World, server: str, hosts: list[Server], group: str = "") -> None:
    """The hosts as the job leaves them, in a host group (by default "All Hosts")."""
    for host in hosts:
        if not host.joined:
            servers.join(world, host.id)
        if servers.HYPER_V not in host.features:
            servers.add_feature(world, host.id, servers.HYPER_V)
        if not host.switches:
            host.switches.append(inventory.site_of(world).network)
    administrator = directory.shown(world, directory.named(world, directory.ADMINISTRATOR))
    directory.require_administrator(world, administrator)
    at, names = vmm.at_work(world, server), [host.id for host in hosts]
    fabric.take_in(world, at, names, group or fabric.first_group(at.id), fabric.default_path())


def make_cloud(world: World, server: str, name: str, group: str = vmm.ALL_HOSTS) -> None:
    """A cloud of a host group's hosts with the profile "Hyper-V"."""
    networks = fabric.networks(world, server)
    clouds.create(world, server, {"name": name, "groups": [group], "networks": networks, "profiles": [clouds.HYPER_V]})


def describe_vm(world: World, settings: VmSettings, cloud: str) -> None:
    """A VM belongs to the cloud, its system is set, its first disk marked."""
    clouds.assign(world, settings.id, cloud)
    vms.set_system(world, settings.id, vms.declared_as(settings.spec.os))
    vms.mark_system_disks(world, settings.id, [settings.spec.disks[0].name])


def install_components(world: World, server: str) -> None:
    """The provider on a VMM server."""
    components.install(world, server, components.newest())
    components.close(world, server)


def agents_on(world: World, hosts: list[Server]) -> None:
    """Agents on the hosts; a proxy where one needs it, the cache on the data drive."""
    for host in hosts:
        proxy = {} if host.direct else {"proxy": f"proxy.{inventory.site_of(world).servers.domain}"}
        drive = "D:" if host.data_free else "C:"
        agents.install(world, host.id, agents.newest(), {"cache": f"{drive}\\Scratch", **proxy})
