"""The provider on a VMM server, and whether the vault reaches VMM through it (rules 2.6-1, 2.6-6)."""

from __future__ import annotations

from labkit.engine.errors import LabError
from labkit.engine.world import Entity, World, entity
from labkit.replication import line
from labkit.replication.line import Line
from labkit.site import inventory, servers, vmm
from labkit.site.servers import SITE, Proxy, Server


@entity("provider")
class Provider(Entity):
    """The provider on a VMM server; ``id`` is the server's name.

    ``vault``: the one the server is registered with, ``name``: how it is called there. ``all_clouds``: the metadata of
    every cloud goes there. ``open``: its setup is not closed yet, VMM's service stands still for it.
    """

    version: str
    proxy: Proxy | None = None
    vault: str = ""
    name: str = ""
    all_clouds: bool = False
    open: bool = False


def online(world: World) -> bool:
    """Whether anything at the site can be reached: the line is there, and the site has power."""
    return world.get(Line, line.UP).connected and not inventory.state(world).dark


def line_up(world: World, server: str) -> bool:
    """Whether the line of a server's site is there; the second site has one of its own that nobody cuts."""
    return world.get(Server, server).place != SITE or world.get(Line, line.UP).connected


def connected(world: World, server: str) -> bool:
    """Whether anything at a server's site can be reached."""
    return world.get(Server, server).place != SITE or online(world)


def require_proxy(world: World, server: str, otherwise: LabError) -> None:
    """Refuse a server whose provider has a proxy that does not let it out (900686), where all else is in order."""
    found = world.find(Provider, server)
    if found is not None and found.vault and connected(world, server) and vmm.answers(world, server):
        servers.require_way_out(world.get(Server, server), found.proxy, otherwise)


def reached(world: World, server: str) -> bool:
    """Whether the vault reaches VMM on a server: site, server, service, and the provider gets to the internet."""
    found = world.find(Provider, server)
    if not connected(world, server) or not vmm.answers(world, server):
        return False
    return found is None or not found.vault or servers.reaches(world.get(Server, server), found.proxy)
