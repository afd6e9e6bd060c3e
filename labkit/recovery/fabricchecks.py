"""What the job "Protection configuration" of a cloud finds on the site (rules 1.4-1 to 1.4-3, 2.3-9, 2.7-8, F-3).

None of it can be seen before the job: it asks the provider, and the provider asks VMM and the hosts.
"""

from __future__ import annotations

from labkit.engine.errors import LabError
from labkit.engine.world import World
from labkit.recovery import components, requirements
from labkit.site import clouds, fabric, servers
from labkit.site.clouds import VmmCloud
from labkit.site.fabric import Cluster
from labkit.site.servers import Server


def check_versions(world: World, cloud: VmmCloud, *, to_azure: bool) -> None:
    """VMM answers and its provider too; to Azure both have to know that (900844, 900845; rule 1.4-1, F-1)."""
    at = components.ready(world, cloud.server)
    if not to_azure:
        return
    if not servers.software()["vmm"][at.version]["azure"]:
        raise LabError(900844, server=at.id, found=at.version, choices=next(iter(servers.software()["vmm"])))
    provider = components.find(world, at.id)
    if not components.current(provider.version):
        raise LabError(900845, server=at.id, found=provider.version, choices=components.newest())


def check_hosts(world: World, cloud: VmmCloud) -> None:
    """The profile "Hyper-V" (10003), at least one host (900842), and every host answers (12700)."""
    if clouds.HYPER_V not in cloud.profiles:
        raise LabError(10003, cloud=cloud.id)
    found = clouds.hosts(world, cloud)
    if not found:
        raise LabError(900842, cloud=cloud.id, groups=", ".join(cloud.groups))
    for host in found:
        if not host.running:
            raise LabError(12700, server=host.id)


def check_systems(world: World, cloud: VmmCloud) -> None:
    """To Azure every host has to run Windows Server 2012 R2 (900843, rule 1.4-2)."""
    known = requirements.host_systems("azure")
    for host in clouds.hosts(world, cloud):
        if host.os not in known:
            raise LabError(900843, server=host.id, cloud=cloud.id, found=host.os, choices=", ".join(known))


def make_brokers(world: World, cloud: VmmCloud) -> None:
    """Each cluster gets its Hyper-V Replica Broker; with a static address that fails (67508, rule 1.4-3)."""
    wanting = [cluster for cluster in clusters(world, clouds.hosts(world, cloud)) if not cluster.broker]
    for cluster in wanting:
        if cluster.static:
            raise LabError(67508, cluster=cluster.id, cloud=cloud.id)
    for cluster in wanting:
        fabric.make_broker(world, cluster.id)


def clusters(world: World, hosts: list[Server]) -> list[Cluster]:
    """The clusters these hosts are nodes of."""
    names = {host.id for host in hosts}
    return [cluster for cluster in world.all(Cluster) if names & set(cluster.hosts)]
