"""The Recovery Services agent on the hosts (rules 2.6-5, 2.6-6, 2.6-8)."""

from __future__ import annotations

from typing import Any

from labkit.engine import units
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.engine.world import World
from labkit.replication import stops
from labkit.site import servers, wizard
from labkit.site.servers import HOST, Proxy, Server
from labkit.site.vms import VmSettings

AGENT = "agent"


def newest() -> str:
    """The agent's version of September 2014 (rule 2.6-5)."""
    return str(next(iter(servers.software()["agent"])))


def works(server: Server) -> bool:
    """Whether a host has an agent that replicates to Azure; one of Azure Backup of before does not."""
    return bool(server.agent) and bool(servers.software()["agent"][server.agent]["site_recovery"])


def data_on(world: World, host: str) -> int:
    """Bytes to be synchronised from a host: the disks of its VMs, by their size."""
    found = (settings for settings in world.all(VmSettings) if settings.host == host)
    return sum(disk.size for settings in found for disk in settings.spec.disks)


def _free(server: Server, path: str) -> int:
    """Bytes free on the drive of a path; 900837 for a drive the server has not."""
    drive = path.strip()[:2].upper()
    if drive == "C:":
        return server.free
    if drive == "D:" and server.data_free:
        return server.data_free
    raise LabError(900837, server=server.id, found=path, choices="C:, D:" if server.data_free else "C:")


@wizard.check(AGENT, "settings")
def _settings(world: World, subject: str, values: wizard.Values) -> None:
    """1 GB for the program; a tenth of the data to be synchronised for the cache (rule 2.6-5)."""
    server = servers.running(world, subject)
    if server.role != HOST:
        raise LabError(900836, server=server.id, role=server.role)
    row = servers.software()["agent"][newest()]
    new = 0 if server.agent else units.size(row["program"])  # an upgrade takes the place of what is there
    program, cache = new, -(-data_on(world, server.id) * int(row["cache_percent"]) // 100)
    same = values["folder"].strip()[:2].upper() == values["cache"].strip()[:2].upper()
    needs = {"folder": program + (cache if same else 0), "cache": cache + (program if same else 0)}
    for field, needed in needs.items():
        free = _free(server, values[field])
        if free < needed:
            code = 900838 if field == "folder" and not same else 900839
            raise LabError(code, server=server.id, free=units.show_size(free), needed=units.show_size(needed))


def proxy_of(values: wizard.Values) -> Proxy | None:
    """The proxy of the page's fields; None for none."""
    address = values["proxy"].strip()
    return Proxy(address, values["proxy_port"], values["proxy_user"]) if address else None


def install(world: World, host: str, version: str, given: dict[str, Any]) -> Server:
    """The agent's setup in one call; an older one is upgraded in place. 900832: none that is newer."""
    return finish(world, host, version, wizard.walk(world, AGENT, host, {}, given))


def finish(world: World, host: str, version: str, values: wizard.Values) -> Server:
    """The setup's end: the agent is there, with what it needs."""
    server, full = servers.running(world, host), servers.named("agent", version)
    if server.agent and servers.number(server.agent) >= servers.number(full):
        raise LabError(900832, server=server.id, found=full, there=server.agent)
    row = servers.software()["agent"][full]
    if server.agent:  # an upgrade keeps its place and its proxy
        server.agent_proxy = proxy_of(values) or server.agent_proxy
    else:
        drive = "data_free" if values["folder"].strip()[:2].upper() == "D:" else "free"
        setattr(server, drive, getattr(server, drive) - units.size(row["program"]))
        server.agent_proxy = proxy_of(values)
    server.agent = full
    world.fact("agent.installed", server.id, version=full)
    return server


def last_page(*, register: bool) -> str:
    """What the setup's last page says, and what its button "Proceed to Registration" does here (rule 2.6-8)."""
    done = _("The installation of the Microsoft Azure Recovery Services Agent completed successfully.")
    if not register:
        return done
    told = _("'Proceed to Registration' registers the host with Azure Backup; for Site Recovery it changes nothing.")
    return f"{done} {told}"


def set_proxy(world: World, host: str, proxy: Proxy | None) -> None:
    """Change the agent's proxy in the console "Microsoft Azure Backup" (rule 2.6-6); 900840 without an agent."""
    server = servers.running(world, host)
    if not server.agent:
        raise LabError(900840, server=server.id)
    server.agent_proxy = proxy
    world.fact("agent.proxy", server.id, set=int(proxy is not None))
    stops.interrupt(world)


def need_proxy(world: World, name: str, *, needed: bool, proxy: Proxy | None = None) -> None:
    """The way a server gets to the internet has changed; transfers that have none fail."""
    servers.need_proxy(world, name, needed=needed, proxy=proxy)
    stops.interrupt(world)
