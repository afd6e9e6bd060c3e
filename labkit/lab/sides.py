"""The page "Properties" of a protected item: what it is at the site and in Azure (rule 3.4-3)."""

from __future__ import annotations

from typing import NamedTuple

from labkit.azure import hosted, sizes
from labkit.azure.sizes import Size
from labkit.engine.texts import gettext as _
from labkit.engine.texts import ngettext
from labkit.engine.world import World
from labkit.recovery import item as items
from labkit.recovery import targets
from labkit.recovery.item import ProtectedItem
from labkit.recovery.vault import Cloud
from labkit.site import inventory


class Side(NamedTuple):
    """A VM at one side. ``server``: the host, or Microsoft Azure; ``network``: the switch, or the virtual network.

    ``storage``: the storage account; at the site "(not applicable)". "-" stands for none.
    """

    name: str
    size: str
    server: str
    network: str
    storage: str


def instance_title(size: Size) -> str:
    """A size as the VM's page shows it: ``Standard_A2 (2 cores, 3.5 GB memory)`` (rule 3.4-5)."""
    return f"{size.instance} ({_hardware(size.cores, size.memory)})"


def _hardware(cores: int, memory: int) -> str:
    text = ngettext("{cores} core, {memory} GB memory", "{cores} cores, {memory} GB memory", cores)
    return text.format(cores=cores, memory=f"{memory / 2**30:g}")


def properties(world: World, item: ProtectedItem) -> dict[str, Side]:
    """Both sides of an item; of one protected to another site the second side is a host."""
    machine, adapter = items.source(world, item), targets.adapter(world, item)
    at_site = _hardware(machine.cpu, machine.memory)
    nothing, server = _("(not applicable)"), inventory.host_of(world, item.id)
    found = {"site": Side(item.id, at_site, server, adapter.switch, nothing)}
    if item.to:
        return {**found, "replica": Side(item.id, at_site, item.to, "-", nothing)}
    target = items.target(world, item)
    network = hosted.of(world, target).network if target is not None else targets.network(world, item)
    size = instance_title(sizes.named(item.size)) if item.size else "-"
    storage = world.get(Cloud, item.cloud).storage or "-"
    azure = Side(targets.name(item), size, "Microsoft Azure", network or "-", storage)
    return {**found, "azure": azure}
