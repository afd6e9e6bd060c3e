"""What lies between the sides: the lines with capacity, traffic and backlog, and the site-to-site VPN."""

from __future__ import annotations

from labkit.azure.services import VirtualNetwork
from labkit.engine.texts import gettext as _
from labkit.engine.units import SECOND, show_bandwidth, show_size
from labkit.engine.world import World
from labkit.recovery import network
from labkit.replication import line
from labkit.replication import relation as replication
from labkit.replication.line import Line
from labkit.replication.relation import STOPPED, Relation
from labkit.views import titles
from labkit.views.sitemap.model import (
    AT_SECOND,
    AT_SITE,
    BACK,
    BAD,
    FORWARD,
    GOOD,
    IN_AZURE,
    LAN,
    LINE,
    OFF,
    PILL,
    Link,
    Thing,
)  # fmt: skip

MOST_VPNS = 2
Sent = dict[str, tuple[int, int]]


def sent(world: World) -> Sent:
    """By direction: now (ms), and the bytes it has carried so far."""
    return {found.id: (world.now, found.sent) for found in world.all(Line)}


def traffic(world: World, found: Line, before: Sent) -> int:
    """What a direction carries (bit/s): the mean since the look before, else what goes over it at this instant."""
    at, carried = before.get(found.id, (world.now, found.sent))
    elapsed = world.now - at
    if elapsed > 0 and found.sent > carried:
        return (found.sent - carried) * 8 * SECOND // elapsed
    lanes = [(len(lane.flows), lane.limit) for lane in found.lanes]
    if not found.connected or not any(count for count, _limit in lanes):
        return 0
    shares = line.rates(found.total, found.each, lanes)
    return sum(share for share, (count, _limit) in zip(shares, lanes, strict=True) if count)


def backlog(world: World, directions: tuple[str, ...]) -> int:
    """Bytes written at the source and not yet at the replica, of all replication over a line."""
    return sum(
        replication.pending(world, found, world.now)
        for found in world.all(Relation)
        if found.direction in directions and found.cut and found.state != STOPPED
    )


def lines(world: World, before: Sent) -> tuple[list[Thing], list[Link]]:
    """The line to Azure, and the one between the sites when there is one."""
    things, links = [], []
    for name, title, directions, side in (
        (LINE, titles.line("azure"), line.AZURE, IN_AZURE),
        (LAN, titles.line("replica-site"), line.SITES, AT_SECOND),
    ):
        there, back = (world.find(Line, direction) for direction in directions)
        if there is None or back is None:
            continue
        thing, moves = _line(world, name, title, (there, back), before)
        things.append(thing)
        links.append(Link(f"link/{name}", "line", (AT_SITE, side), thing.tone, thing.word, moves, (name,)))
    return things, links


def _line(world: World, name: str, title: str, pair: tuple[Line, Line], before: Sent) -> tuple[Thing, int]:
    there, back = pair
    rates = [traffic(world, found, before) for found in pair]
    up = there.connected
    tone, word = (GOOD, _("connected")) if up else (BAD, _("lost"))
    extra = [show_bandwidth(there.bandwidth)]
    for text, rate in zip((_("sends {rate}"), _("receives {rate}")), rates, strict=True):
        if rate:
            extra.append(text.format(rate=show_bandwidth(rate)))
    if up and not any(rates):
        extra.append(_("no traffic"))
    extra.append(_("backlog {size}").format(size=show_size(backlog(world, (there.id, back.id)))))
    more = [_("latency {latency} ms").format(latency=there.latency)]
    if there.loss:
        more.append(_("loses {loss} % of its packets").format(loss=f"{there.loss / 10_000:g}"))
    if there.limit:
        more.append(_("throttled to {rate}").format(rate=show_bandwidth(there.limit)))
    moves = (FORWARD if rates[0] else 0) | (BACK if rates[1] else 0)
    return Thing(name, PILL, "", "", title, tone, word, tuple(extra), tuple(more)), moves


def tunnels(world: World) -> tuple[list[Thing], list[Link]]:
    """The site-to-site VPN of each virtual network that has one."""
    things, links = [], []
    for found in [found for found in world.all(VirtualNetwork) if found.vpn][:MOST_VPNS]:
        up = network.vpn_up(world, found.id)
        tone, word = (GOOD, _("connected")) if up else (BAD, _("down"))
        name = f"vpn/{found.id}"
        more = (_("to the virtual network {name}").format(name=found.id),)
        things.append(Thing(name, PILL, "", "", _("Site-to-site VPN"), tone, word, (), more))
        ends = (AT_SITE, f"network/{found.id}")
        links.append(Link(f"link/{name}", "vpn", ends, tone if not up else OFF, word, 0, (name,)))
    return things, links
