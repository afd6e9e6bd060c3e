"""The wizard "Create Recovery Plan" (rule 3.2-1): what its two pages check, and what can be chosen."""

from __future__ import annotations

from labkit.engine.errors import LabError
from labkit.engine.names import meant, unknown
from labkit.engine.world import World
from labkit.recovery import plans
from labkit.recovery.item import ProtectedItem
from labkit.recovery.plans import Group
from labkit.recovery.vault import Cloud
from labkit.recovery.vaults import the_vault
from labkit.site import wizard
from labkit.site.wizard import Values

NAME = "recovery-plan"


def sources(world: World) -> list[str]:
    """The VMM servers that are registered with the vault."""
    return list(the_vault(world).servers)


def targets(world: World, server: str) -> list[str]:
    """Azure, and the clouds that clouds of a source are protected to."""
    pairs = [cloud.pair for cloud in world.all(Cloud) if cloud.server == server]
    return [plans.TO_AZURE, *sorted({pair.target for pair in pairs if pair is not None})]


def offered(world: World, server: str, target: str = plans.TO_AZURE) -> list[str]:
    """The VMs of a source and a target that a plan can have."""
    items = [item for item in world.all(ProtectedItem) if plans.target_of(item) == target]
    return [item.id for item in items if plans.server_of(world, item) == server]


@wizard.check(NAME, "plan")
def _plan(world: World, server: str, values: Values) -> None:
    plans.check_name(world, values["name"])
    if values["source"] not in sources(world):
        raise unknown("server", values["source"], sources(world))
    known, target = targets(world, values["source"]), values["target"]
    if target not in known:
        raise LabError(900633, field="target", found=target, values=", ".join(known), meant=meant(target, known))


@wizard.check(NAME, "vms")
def _vms(world: World, server: str, values: Values) -> None:
    plans.check(world, values["name"], values["source"], values["target"], [Group(list(values["vms"]))])
