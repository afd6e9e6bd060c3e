"""The wizard "Create Recovery Plan" (rule 3.2-1): what its two pages check, and what can be chosen."""

from __future__ import annotations

from labkit.engine.names import unknown
from labkit.engine.world import World
from labkit.recovery import plans
from labkit.recovery.item import ProtectedItem
from labkit.recovery.plans import Group
from labkit.recovery.vaults import the_vault
from labkit.site import wizard
from labkit.site.wizard import Values

NAME = "recovery-plan"


def sources(world: World) -> list[str]:
    """The VMM servers that are registered with the vault."""
    return list(the_vault(world).servers)


def offered(world: World, server: str) -> list[str]:
    """The VMs of a source that a plan to Azure can have."""
    items = world.all(ProtectedItem)
    return [item.id for item in items if not item.to and plans.server_of(world, item) == server]


@wizard.check(NAME, "plan")
def _plan(world: World, server: str, values: Values) -> None:
    plans.check_name(world, values["name"])
    if values["source"] not in sources(world):
        raise unknown("server", values["source"], sources(world))


@wizard.check(NAME, "vms")
def _vms(world: World, server: str, values: Values) -> None:
    plans.check(world, values["name"], values["source"], values["target"], [Group(list(values["vms"]))])
