"""Azure as it stands: vaults, storage accounts with replicas, virtual networks with VMs."""

from __future__ import annotations

from labkit.azure import hosted, subscription
from labkit.azure.hosted import DOMAIN_CONTROLLER
from labkit.azure.services import StorageAccount, VirtualNetwork
from labkit.engine.texts import gettext as _
from labkit.engine.texts import ngettext
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.guest.machine import AZURE, TEST, Machine
from labkit.recovery import item as items
from labkit.recovery import network, states, suspension, vaults
from labkit.recovery.item import ProtectedItem
from labkit.recovery.vault import Cloud
from labkit.recovery.vaults import Vault
from labkit.replication.relation import Relation
from labkit.site import inventory
from labkit.views.sitemap.model import (
    BAD,
    BUSY,
    FRAME,
    GOOD,
    IN_AZURE,
    OFF,
    PLAIN,
    SIDE,
    TILE,
    WARN,
    Thing,
    clip,
    power,
)  # fmt: skip
from labkit.views.sitemap.sides import last_point, replication

MOST_FRAMES, MOST_TILES, MOST_VAULTS = 3, 9, 3
LOOSE = "network/"  # VMs on no virtual network


def in_azure(world: World) -> list[Thing]:
    """Azure's side; with nothing in it but a note before there is a subscription."""
    found = subscription.find(world)
    title = f"Microsoft Azure: {inventory.site_of(world).azure.region}"
    tone, word = GOOD, ""
    if found is not None and suspension.services_off(world):
        tone, word = BAD, _("the subscription is suspended")
    side = Thing(IN_AZURE, SIDE, "", "", title, tone, word)
    there = [*_vaults(world), *_storage(world), *_networks(world)]
    if not there:
        note = _("no subscription yet") if found is None else _("nothing here yet")
        there = [Thing("note/azure", TILE, "", IN_AZURE, note, PLAIN)]
    return [side, *there]


def _vaults(world: World) -> list[Thing]:
    off = suspension.services_off(world)
    count = len(world.all(ProtectedItem))
    text = ngettext("{count} protected VM", "{count} protected VMs", count).format(count=count)
    found = []
    for vault in world.all(Vault):
        if vault.kind == vaults.SITE_RECOVERY:
            servers = _("registered: {servers}").format(servers=", ".join(vault.servers) or "-")
            tone, word = (BAD, _("suspended")) if off else (GOOD, _("Active"))
            kind = _("Site Recovery vault")
            found.append(Thing(f"vault/{vault.id}", TILE, kind, IN_AZURE, vault.id, tone, word, (text,), (servers,)))
    return clip(found, MOST_VAULTS, "vaults")


# --- storage accounts and replicas ------------------------------------------------------------------------------------


def _storage(world: World) -> list[Thing]:
    held: dict[str, list[Thing]] = {}
    for item in world.all(ProtectedItem):
        cloud = world.find(Cloud, item.cloud)
        if not item.to and cloud is not None and item.replica:
            frame = f"storage/{cloud.storage}"
            held.setdefault(frame, []).append(_replica(world, item)._replace(inside=frame))
    frames = []
    for account in world.all(StorageAccount):
        title = _("Storage account {name}").format(name=account.id)
        copies = (_("other copies in {region}").format(region=account.secondary),) if account.secondary else ()
        frames.append(Thing(f"storage/{account.id}", FRAME, "", IN_AZURE, title, PLAIN, account.redundancy, (), copies))
    found = _filled(frames, held, _("no replica yet"), "storage/more")
    return [_in_full(world, thing) if thing.id.startswith("stored/") else thing for thing in found]


def _filled(frames: list[Thing], held: dict[str, list[Thing]], nothing: str, rest: str) -> list[Thing]:
    """The frames with what they hold; those that hold something come first when there are too many."""
    frames = sorted(frames, key=lambda frame: not held.get(frame.id)) if len(frames) > MOST_FRAMES else frames
    found = []
    for frame in clip(frames, MOST_FRAMES, rest):
        found.append(frame._replace(shape=FRAME, inside=IN_AZURE))
        tiles = held.get(frame.id) or [Thing(f"note/{frame.id}", TILE, "", frame.id, nothing, OFF)]
        if frame in frames:
            found += clip(tiles, MOST_TILES, frame.id)
    return found


def _replica(world: World, item: ProtectedItem) -> Thing:
    """The replica of an item: how far it is behind, or which point a failover used."""
    relation = world.find(Relation, item.id)
    if items.target(world, item) is not None and item.point is not None:
        back = world.find(Relation, f"failback/{item.id}")
        word = _("replicated back") if back is not None else _("used by the VM")
        used = (last_point(world, item.point.cut),)
        return Thing(f"stored/{item.id}", TILE, "", "", item.id, BUSY, word, used)
    tone, word, extra = replication(world, relation)
    return Thing(f"stored/{item.id}", TILE, "", "", item.id, tone, word, extra)


def _in_full(world: World, tile: Thing) -> Thing:
    """A replica's tile with what is only told: asked for those alone that are drawn."""
    item = world.get(ProtectedItem, tile.title)
    count = len(items.points(world, item))
    points = ngettext("{count} recovery point", "{count} recovery points", count).format(count=count)
    state = str(states.words(item.state)["description"])
    return tile._replace(kind=_("replica in storage"), more=(_(state), points))


# --- virtual networks and VMs -----------------------------------------------------------------------------------------


def _networks(world: World) -> list[Thing]:
    held: dict[str, list[Thing]] = {}
    for machine in world.all(Machine):
        if machine.side in (AZURE, TEST):
            frame = frame_of(world, machine)
            held.setdefault(frame, []).append(_vm(world, machine)._replace(inside=frame))
    frames = []
    for found in world.all(VirtualNetwork):
        title = _("Virtual network {name}").format(name=found.id)
        vpn = _("with site-to-site VPN") if found.vpn else _("closed")
        frames.append(Thing(f"network/{found.id}", FRAME, "", IN_AZURE, title, PLAIN, vpn, (), (found.address_space,)))
    if LOOSE in held:
        title = _("On no virtual network")
        frames.append(Thing(LOOSE, FRAME, "", IN_AZURE, title, PLAIN, _("isolated")))
    return _filled(frames, held, _("no VM before a failover"), "network/more")


def frame_of(world: World, machine: Machine) -> str:
    """The id of the frame a VM in Azure is drawn in."""
    return f"network/{network.network_of(world, machine)}"


def _vm(world: World, machine: Machine) -> Thing:
    """A VM in Azure: of a failover, of a test, always on, or left over from an earlier protection."""
    vm = hosted.of(world, machine)
    item = world.find(ProtectedItem, machine.name)
    if machine.side == TEST:
        origin = _("test VM")
    elif item is not None and item.point is not None and machine.id == f"{AZURE}/{item.id}":
        origin = _("failed over")
    else:
        known = world.find(Machine, f"{guests.SITE}/{machine.name}") is not None
        origin = _("left over") if known else _("always on")
    tone, word = power(machine.state)
    if vm.unbootable:
        tone, word = BAD, _("does not start")
    elif machine.state != "Running" and tone == OFF and machine.side == AZURE:
        tone = WARN
    role = _("domain controller") if vm.role == DOMAIN_CONTROLLER else ""
    more = tuple(text for text in (role, vm.address, vm.host, machine.size) if text)
    return Thing(machine.id, TILE, _("VM in Azure"), "", machine.label, tone, word, (origin,), more)
