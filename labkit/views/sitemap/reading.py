"""A site map read from the committed world: both sides, what lies between them, and whom clients reach."""

from __future__ import annotations

from labkit.engine.texts import gettext as _
from labkit.engine.world import World
from labkit.guest.machine import AZURE, SITE, TEST, Machine
from labkit.site import inventory
from labkit.views.sitemap import azure, clients, sides, ways
from labkit.views.sitemap.model import WARN, Link, Map, Thing


def of_world(world: World, before: ways.Sent | None = None) -> Map:
    """The map of this instant; with ``before`` (:attr:`Map.sent` of an earlier one) traffic is the mean since then."""
    site, second, cloud = sides.at_site(world), sides.at_second(world), azure.in_azure(world)
    shown = {thing.id: thing.inside for thing in (*site, *cloud)}
    machines = [machine for machine in world.all(Machine) if machine.id in shown and machine.side in (SITE, AZURE)]
    called = clients.calls(world, machines)
    hidden = sum(machine.side == SITE and machine.id not in shown for machine in world.all(Machine))
    public = [m for m in world.all(Machine) if m.side in (AZURE, TEST)]
    frames = {machine.id: shown.get(machine.id) or azure.frame_of(world, machine) for machine in public}
    outside = clients.from_outside(world, public, frames)
    site, cloud = ([_with(thing, called, outside.reached) for thing in half] for half in (site, cloud))
    first = next(number for number, thing in enumerate(site) if thing.id == "dns")
    site.insert(first + 1, clients.corporate(called, hidden))
    lines, between = ways.lines(world, before or {})
    tunnels, over = ways.tunnels(world)
    things = (*site, *lines, *tunnels, outside.thing, *cloud, *second)
    links = [
        *sides.registrations(world),
        *between,
        *over,
        *clients.corporate_links(called, {**frames, **shown}),
        *outside.links,
    ]
    known = {thing.id for thing in things}
    drawn = tuple(link for link in links if {*link.ends, *link.via} <= known)
    zone = inventory.site_of(world).offset_min
    return Map(world.now, zone, things, drawn, _said(things, drawn), ways.sent(world))


def _with(thing: Thing, called: dict[str, clients.Called], outside: set[str]) -> Thing:
    """A machine's tile with the lines about its clients."""
    lines = clients.told(called.get(thing.id))
    if thing.id in outside:
        lines = (_("the internet reaches it"), *lines)
    if any(thing.id in one.answer.conflict for one in called.values()):  # rule 3.5-3
        return thing._replace(tone=WARN, word=_("Duplicate name"), extra=(thing.word, *lines))
    return thing._replace(extra=(*thing.extra, *lines)) if lines else thing


def _said(things: tuple[Thing, ...], links: tuple[Link, ...]) -> str:
    """The map in a few sentences."""
    told = [thing for thing in things if thing.id.startswith(("client/", "line/", "vpn/"))]
    said = [f"{thing.title}: {thing.word}" for thing in told]
    said += [link.word for link in links if link.kind == "reach"]
    return _("Site map: {text}").format(text="; ".join(said))
