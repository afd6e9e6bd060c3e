"""VMM's clouds: host groups, logical networks, capability profiles (rules 2.3-9, 2.6-3)."""

from __future__ import annotations

from typing import Any

from labkit.engine.errors import LabError
from labkit.engine.names import unknown
from labkit.engine.world import Entity, World, entity
from labkit.site import fabric, inventory, kinds, vmm, vms, wizard
from labkit.site.servers import Server
from labkit.site.vms import VmSettings

CREATE = "create-cloud"
HYPER_V = "Hyper-V"
PROFILES = ("ESX Server", HYPER_V, "XenServer")


@entity("vmm-cloud")
class VmmCloud(Entity):
    """A cloud as VMM has it; ``sends``: its metadata goes to the vault its server is registered with (rule 2.6-3)."""

    server: str
    groups: list[str]
    networks: list[str]
    profiles: list[str]
    sends: bool = False


def get(world: World, name: str) -> VmmCloud:
    """A cloud of any VMM server by name, whatever the case; 900010 with those there are."""
    for cloud in world.all(VmmCloud):
        if cloud.id.casefold() == str(name).casefold():
            return cloud
    raise unknown("cloud", name, [cloud.id for cloud in world.all(VmmCloud)])


def hosts(world: World, cloud: VmmCloud) -> list[Server]:
    """The hosts in a cloud's host groups, by name."""
    return [host for host in fabric.managed(world, cloud.server) if host.group.partition("/")[2] in cloud.groups]


def members(world: World, cloud: str) -> list[str]:
    """Names of the VMs that belong to a cloud."""
    return [settings.id for settings in world.all(VmSettings) if settings.cloud == cloud]


def assign(world: World, name: str, cloud: str) -> None:
    """Let a VM belong to a cloud, or with "" to none (rule 2.4-1); 900677: its host is not in the cloud's groups."""
    settings = vms.known(world, name)
    if not cloud:
        settings.cloud = ""
    else:
        found = get(world, cloud)
        if settings.host not in [host.id for host in hosts(world, found)]:
            raise LabError(900677, vm=settings.id, host=settings.host, cloud=found.id, groups=", ".join(found.groups))
        settings.cloud = found.id
    world.fact("vm.cloud", settings.id, cloud=settings.cloud)


# --- the wizard -------------------------------------------------------------------------------------------------------


@wizard.check(CREATE, "general")
def _general(world: World, subject: str, values: wizard.Values) -> None:
    vmm.at_work(world, subject)
    name = values["name"]
    taken = name.casefold() in (cloud.id.casefold() for cloud in world.all(VmmCloud))
    if taken or not kinds.is_name(name):
        raise LabError(900673, found=name)


@wizard.check(CREATE, "resources")
def _resources(world: World, subject: str, values: wizard.Values) -> None:
    if not values["groups"]:
        raise LabError(900674)
    for name in values["groups"]:
        fabric.group(world, subject, name)


@wizard.check(CREATE, "networks")
def _networks(world: World, subject: str, values: wizard.Values) -> None:
    known = fabric.networks(world, subject)
    for name in values["networks"]:
        if name not in known:
            raise unknown("logical network", name, known)


@wizard.check(CREATE, "profiles")
def _profiles(world: World, subject: str, values: wizard.Values) -> None:
    for name in values["profiles"]:
        if name not in PROFILES:
            raise unknown("capability profile", name, PROFILES)


def create(world: World, subject: str, given: dict[str, Any]) -> VmmCloud:
    """The wizard in one call. Without the profile "Hyper-V" it can be made; its protection fails (rule 2.3-9)."""
    return finish(world, subject, wizard.walk(world, CREATE, subject, vmm.known(world, subject), given))


def finish(world: World, subject: str, values: wizard.Values) -> VmmCloud:
    """The wizard's end: the cloud is there."""
    at = vmm.at_work(world, subject)
    groups = [fabric.group(world, at.id, name).name for name in values["groups"]]
    made = world.add(VmmCloud(values["name"], at.id, groups, list(values["networks"]), list(values["profiles"])))
    world.fact("cloud.made", made.id, server=at.id)
    if made.id == inventory.site_of(world).cloud.name:
        _born_here(world, made)
    return made


def _born_here(world: World, cloud: VmmCloud) -> None:
    """VMs that the site file says were made in its cloud belong to it from the beginning (rule 2.4-1)."""
    there = {host.id for host in hosts(world, cloud)}
    for settings in world.all(VmSettings):
        if settings.spec.made == "cloud" and not settings.cloud and settings.host in there:
            assign(world, settings.id, cloud.id)


def change(world: World, name: str, given: dict[str, Any]) -> VmmCloud:
    """Change a cloud's properties: ``groups``, ``networks``, ``profiles`` (F-3); what is not given stays."""
    cloud = get(world, name)
    vmm.at_work(world, cloud.server)
    now = {"groups": cloud.groups, "networks": cloud.networks, "profiles": cloud.profiles}
    values = {**now, **wizard.enter_fields(CREATE, {key: value for key, value in given.items() if value is not None})}
    for page in ("resources", "networks", "profiles"):
        wizard.look(world, CREATE, page, cloud.server, values)
    cloud.groups = [fabric.group(world, cloud.server, group).name for group in values["groups"]]
    cloud.networks, cloud.profiles = list(values["networks"]), list(values["profiles"])
    world.fact("cloud.properties", cloud.id, profiles=", ".join(cloud.profiles))
    return cloud
