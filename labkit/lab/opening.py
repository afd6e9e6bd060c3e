"""Opening a wizard: which pages it has here, and what its last button does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.engine.jobs import JobRecord
from labkit.engine.names import unknown
from labkit.engine.world import World
from labkit.lab.views import Job
from labkit.lab.wizards import Effect, Wizard
from labkit.recovery import agents, components
from labkit.site import clouds, fabric, servers, vmm, wizard
from labkit.site.wizard import Values

if TYPE_CHECKING:
    from labkit.lab.door import Lab
    from labkit.lab.setup import SetupDoor

NAMES = (vmm.SETUP, fabric.ADD_HOST, clouds.CREATE, components.PROVIDER, components.REGISTRATION, agents.AGENT)


def open_wizard(lab: Lab, site: SetupDoor, name: str, server: str | None) -> Wizard:
    """A wizard on a server; 900010 for a name that is none."""
    if name not in NAMES:
        raise unknown("wizard", name, NAMES)
    if name == agents.AGENT:
        subject = lab.read(lambda world: servers.get(world, server or "").id)
        return Wizard(lab, name, subject, {}, lambda values: _agent(lab, subject, values))
    at = site.manager(server)
    known = lab.read(lambda world: vmm.known(world, at))
    if name == components.PROVIDER:
        return _provider(lab, site, at, known)
    finish = {
        vmm.SETUP: lambda values: _act(lab, name, at, values, lambda world: vmm.finish(world, at, vmm.NEWEST, values)),
        fabric.ADD_HOST: lambda values: _hosts(lab, at, values),
        clouds.CREATE: lambda values: _act(lab, name, at, values, lambda world: _cloud(world, at, values)),
        components.REGISTRATION: lambda values: site._register_values(at, values),
    }[name]
    return Wizard(lab, name, at, known, finish)


def _act(lab: Lab, name: str, subject: str, values: Values, work: Any) -> None:
    lab.command(f"wizard.{name}", {"server": subject, **wizard.kept(name, values)}, lambda world: work(world) and None)


def _agent(lab: Lab, host: str, values: Values) -> str:
    _act(lab, agents.AGENT, host, values, lambda world: agents.finish(world, host, agents.newest(), values))
    return agents.last_page(register=False)


def _cloud(world: World, server: str, values: Values) -> None:
    components.cloud_made(world, clouds.finish(world, server, values))


def _hosts(lab: Lab, server: str, values: Values) -> list[Job]:
    begun: list[JobRecord] = lab.command(
        "wizard.add-host", {"server": server, **values}, lambda world: fabric.finish(world, server, values)
    )
    return [Job(lab, record.id) for record in begun]


def _provider(lab: Lab, site: SetupDoor, server: str, known: dict[str, str]) -> Wizard:
    """An upgrade ends after its first page (rule 2.6-7); else the registration's pages follow."""
    upgrade, mine = lab.read(lambda world: components.upgrades(world, server)), list[str]()

    def install(world: World, values: Values) -> None:
        components.install(world, server, components.newest())
        mine.append(server)

    def close() -> None:
        lab.command("wizard.close", {"server": server}, lambda world: components.close(world, server))

    def cancel() -> None:
        if mine:  # another wizard's setup is not closed with this one
            close()

    def finish(values: Values) -> Job | None:
        if not upgrade:
            return site._register_values(server, {**values, "key": str(Path(values["key"]))}, close=True)
        close()
        return None

    then = () if upgrade else (components.REGISTRATION,)
    effects: dict[str, Effect] = {"installation": install}
    return Wizard(lab, components.PROVIDER, server, known, finish, then=then, effects=effects, cancelled=cancel)
