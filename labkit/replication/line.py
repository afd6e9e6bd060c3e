"""The line between the site and Azure: two directions, each shared equally by its transfers, in integers.

Sharing by virtual counters (processor sharing): the transfers of a *lane* all get the same rate, and its counter is
what one of them has received so far, in 2**-20 bytes; a transfer ends when the counter reaches its tag. Nothing is
recomputed for the others when a transfer comes or goes. There is one lane for all hosts without a throttle, and one for
each host that has one; between lanes the line is shared max-min fair by transfers.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence

import msgspec

from labkit.engine import resources
from labkit.engine.clock import Timer, on
from labkit.engine.errors import LabError
from labkit.engine.world import Entity, World, entity
from labkit.site import inventory

UP, DOWN = "up", "down"
LAN, LAN_BACK = "lan", "lan-back"  # between the hosts of two sites
AZURE, SITES = (UP, DOWN), (LAN, LAN_BACK)
TO = {"azure": AZURE, "replica-site": SITES}  # what a line is called: by where it leads
_SCALE = 20
_LARGE = 1 << 55
_FREE = ""  # the lane of all hosts without a throttle
MOST_LOSS = 500_000


class Flow(msgspec.Struct, array_like=True, order=True):
    """One transfer: ``tag`` is the counter at which it ends; ``kind`` and ``target`` say whose arrival it is."""

    tag: int
    number: int
    kind: str
    target: str
    size: int
    started: int


class Lane(msgspec.Struct, array_like=True):
    """Transfers that get one rate. ``limit``: what a throttle leaves them together (bit/s), 0 for no limit."""

    host: str
    limit: int = 0
    counter: int = 0
    flows: list[Flow] = msgspec.field(default_factory=list)


@entity("line")
class Line(Entity, omit_defaults=True):
    """One direction. ``bandwidth`` in bits per second, ``latency`` in ms; counters were right at ``updated``.

    ``loss``: packets lost, per million. In bit/s, 0 for no limit: ``each`` is the most one transfer gets, which is what
    a blob takes, or TCP on a line that loses packets; ``account`` what the storage account takes in all; ``total``
    the least of bandwidth and account.
    """

    bandwidth: int
    latency: int
    connected: bool = True
    updated: int = 0
    timer: int = 0
    lanes: list[Lane] = msgspec.field(default_factory=lambda: [Lane(_FREE)])
    arriving: list[Flow] = msgspec.field(default_factory=list)
    sent: int = 0
    loss: int = 0
    each: int = 0
    account: int = 0
    total: int = 0
    # As labs of schema 2 have them: one lane, and no limits.
    counter: int = 0
    flows: list[Flow] = msgspec.field(default_factory=list)

    def __post_init__(self) -> None:
        """Bring what a lab of schema 2 says of its line into the form of today."""
        if not self.total:
            self.total, self.each = self.bandwidth, most_of_one(self.id, self.latency, self.loss)
        if self.flows:
            self.lanes[0].flows, self.lanes[0].counter = self.flows, self.counter
            self.flows, self.counter = [], 0

    @property
    def limit(self) -> int:
        """What throttles leave of this direction now (bit/s), if every lane has one; 0 for no limit."""
        limits = [lane.limit for lane in self.lanes if lane.host != _FREE]
        return sum(limits) if limits and all(limits) else 0


def _figures() -> dict[str, int]:
    found: dict[str, int] = resources.yaml("replication.yml")["line"]
    return found


def tcp(latency: int, loss: int) -> int:
    """The most that the connections of one transfer carry together (bit/s); 0 for no limit.

    Each is held to ``mss / rtt * sqrt(3 / 2 p)`` by the packets it loses (Mathis et al. 1997); ``latency`` is one way
    (ms), ``loss`` per million.
    """
    if not latency or not loss:
        return 0
    figures = _figures()
    # mss bytes, 8 bits, 1000 ms a second, and 1000 for the square root of a million.
    whole = figures["connections"] * figures["mss"] * 8 * 1000 * 1000
    return max(1, math.isqrt(whole * whole * 3 // (2 * loss)) // (2 * latency))


def most_of_one(name: str, latency: int, loss: int) -> int:
    """The most that one transfer gets in a direction (bit/s): by its blob, or by TCP on a lossy line; 0: no limit."""
    blob = _figures()["blob"] if name in AZURE else 0
    return min((limit for limit in (blob, tcp(latency, loss)) if limit), default=0)


def rates(total: int, each: int, lanes: list[tuple[int, int]]) -> list[int]:
    """What lanes get of ``total`` (bit/s), max-min fair by transfers; a lane is ``(transfers, limit)``, limit 0: none.

    >>> rates(90, 0, [(2, 0), (1, 10)]), rates(90, 20, [(2, 0), (1, 10)]), rates(90, 0, [(2, 0)])
    ([80, 10], [40, 10], [90])
    """
    if len(lanes) == 1:
        count, limit = lanes[0]
        return [_capped(total, each, count, limit)]
    found = [0] * len(lanes)
    wants = [_capped(total, each, count, limit) for count, limit in lanes]
    transfers = sum(count for count, _ in lanes)
    # Whoever can use less than the equal share gets what it can use, the others share what is left.
    for place in sorted(range(len(lanes)), key=lambda n: (wants[n] // max(1, lanes[n][0]), n)):
        count = lanes[place][0]
        if count:
            found[place] = min(wants[place], total * count // transfers)
            total, transfers = total - found[place], transfers - count
    return found


def _capped(total: int, each: int, count: int, limit: int) -> int:
    total = min(total, limit) if limit else total
    return min(total, each * count) if each else total


Arrival = Callable[[World, Flow], None]
ARRIVALS: dict[str, Arrival] = {}


def arrival(kind: str) -> Callable[[Arrival], Arrival]:
    """Register what happens when the last byte of a kind of transfer arrives."""

    def register(function: Arrival) -> Arrival:
        ARRIVALS[kind] = function
        return function

    return register


def create(world: World, bandwidth: int, latency: int, loss: int = 0, account: int = 0) -> None:
    """Both directions to Azure; a line's bandwidth is that of each. ``account`` limits what goes up."""
    for name in AZURE:
        made = world.add(Line(name, bandwidth, latency, updated=world.now, loss=loss))
        made.account = account if name == UP else 0
        made.total = min(bandwidth, made.account or bandwidth)


def create_between_sites(world: World, bandwidth: int, latency: int, loss: int = 0) -> None:
    """Both directions between the site and its replica site; no blob and no account is in the way."""
    for name in SITES:
        world.add(Line(name, bandwidth, latency, updated=world.now, loss=loss))


def _of(world: World, names: tuple[str, ...]) -> list[Line]:
    return [found for name in names if (found := world.find(Line, name)) is not None]


def send(world: World, direction: str, kind: str, target: str, size: int) -> int:
    """Begin a transfer of ``size`` bytes for a target, in the lane of its host; returns its number."""
    line = world.get(Line, direction)
    _advance(line, world.now)
    number = world.next("flow")
    lane = line.lanes[0] if len(line.lanes) == 1 else _lane(world, line, target)
    heapq.heappush(lane.flows, Flow(lane.counter + (size << _SCALE), number, kind, target, size, world.now))
    _plan(world, line)
    return number


def _lane(world: World, line: Line, target: str) -> Lane:
    host = inventory.host_of(world, target.removeprefix("failback/"))
    return next((lane for lane in line.lanes if lane.host == host), line.lanes[0])


def cancel(world: World, target: str) -> None:
    """End all transfers of a target; what had not arrived is not there."""
    for line in world.all(Line):
        _advance(line, world.now)
        for lane in line.lanes:
            lane.flows = [flow for flow in lane.flows if flow.target != target]
            heapq.heapify(lane.flows)
        line.arriving = [flow for flow in line.arriving if flow.target != target]
        _plan(world, line)


def under_way(world: World, target: str) -> bool:
    """Whether a transfer of a target has begun and not arrived."""
    for line in world.all(Line):
        for flows in (line.arriving, *(lane.flows for lane in line.lanes)):
            if any(flow.target == target for flow in flows):
                return True
    return False


# --- changes of the line ----------------------------------------------------------------------------------------------


def set_bandwidth(world: World, bandwidth: int, names: tuple[str, ...] = AZURE) -> None:
    """Change the bandwidth (bits per second) of both directions; 900503 unless it is at least 1 kbit/s."""
    if bandwidth < 1000:
        raise LabError(900503, found=bandwidth)
    for line in _of(world, names):
        _advance(line, world.now)
        line.bandwidth, line.total = bandwidth, min(bandwidth, line.account or bandwidth)
        _plan(world, line)
    world.fact("line.bandwidth", entity_of(names), bandwidth=bandwidth)


def set_quality(world: World, latency: int, loss: int, names: tuple[str, ...] = AZURE) -> None:
    """Change latency (ms, one way) and loss (packets per million) of both directions; 900504: more than half is lost.

    What has sent its last byte arrives with the latency there was.
    """
    if not 0 <= loss <= MOST_LOSS or latency < 0:
        raise LabError(900504, found=loss, most=MOST_LOSS)
    for line in _of(world, names):
        _advance(line, world.now)
        line.latency, line.loss, line.each = latency, loss, most_of_one(line.id, latency, loss)
        _plan(world, line)
    world.fact("line.quality", entity_of(names), latency=latency, loss=loss)


def entity_of(names: tuple[str, ...]) -> str:
    """What the facts of a line, given by its two directions, are of."""
    return "line" if names == AZURE else "line between sites"


def limit(world: World, direction: str, host: str, bits: int) -> None:
    """Let a throttle leave ``bits`` per second to the transfers of a host; 0: no limit. See :func:`rearrange`."""
    line = world.get(Line, direction)
    _advance(line, world.now)
    lane = next((lane for lane in line.lanes if lane.host == host), None)
    if lane is None and bits:
        lane = Lane(host)
        line.lanes = [line.lanes[0], *sorted([*line.lanes[1:], lane], key=lambda made: made.host)]
    if lane is not None:
        lane.limit = bits
    _plan(world, line)


def rearrange(world: World, direction: str) -> None:
    """Put each transfer under way into the lane of its host, and drop lanes without a limit."""
    line = world.get(Line, direction)
    _advance(line, world.now)
    moved = [(lane, flow) for lane in line.lanes for flow in lane.flows]
    line.lanes = [line.lanes[0], *(lane for lane in line.lanes[1:] if lane.limit)]
    for lane in line.lanes:
        lane.flows = []
    for old, flow in moved:
        lane = _lane(world, line, flow.target)
        flow.tag += lane.counter - old.counter
        heapq.heappush(lane.flows, flow)
    _plan(world, line)


def set_connected(world: World, connected: bool, names: tuple[str, ...] = AZURE) -> None:
    """Pull the plug, or put it back. What is under way stands still; whoever sends it has to end it."""
    for line in _of(world, names):
        _advance(line, world.now)
        line.connected = connected
        _plan(world, line)
    world.fact("line.connected" if connected else "line.lost", entity_of(names))


# --- time passes ------------------------------------------------------------------------------------------------------


def _rates(line: Line) -> list[int]:
    return rates(line.total, line.each, [(len(lane.flows), lane.limit) for lane in line.lanes])


# With one lane, which is nearly always, what follows is done for each transfer twice: no call is made for it.


def _advance(line: Line, now: int) -> None:
    elapsed, line.updated = now - line.updated, now
    lanes = line.lanes
    if len(lanes) > 1:
        shares: Sequence[int] = _rates(line)
    else:
        most = line.each * len(lanes[0].flows)
        shares = (most if 0 < most < line.total else line.total,)
    moves = elapsed and line.connected
    for place, lane in enumerate(lanes):
        count = len(lane.flows)
        if not count:
            lane.counter = 0
        elif moves:
            lane.counter += ((shares[place] << _SCALE) * elapsed) // (8_000 * count)
            if lane.counter > _LARGE:
                _begin_anew(lane)


def _begin_anew(lane: Lane) -> None:
    """Keep the numbers of a lane small."""
    for flow in lane.flows:
        flow.tag -= lane.counter
    lane.counter = 0


def _plan(world: World, line: Line) -> None:
    if line.timer:
        world.timers.cancel(line.timer)
        line.timer = 0
    lanes = line.lanes
    if not line.connected or (len(lanes) == 1 and not lanes[0].flows):
        return
    if len(lanes) > 1:
        waits = [_wait(lane, rate) for lane, rate in zip(lanes, _rates(line), strict=True) if lane.flows and rate]
        if not waits:
            return
        wait = min(waits)
    else:
        most = line.each * len(lanes[0].flows)
        wait = _wait(lanes[0], most if 0 < most < line.total else line.total)
    line.timer = world.after(wait, "line.end", line.id, priority=20)


def _wait(lane: Lane, rate: int) -> int:
    """Milliseconds until the next transfer of a lane ends."""
    rest = (lane.flows[0].tag - lane.counter) * 8_000 * len(lane.flows)
    return max(0, -(-rest // (rate << _SCALE)))


@on("line.end")
def _end(world: World, timer: Timer) -> None:
    line = world.get(Line, timer.entity)
    line.timer = 0
    _advance(line, world.now)
    ended = []
    for lane in line.lanes:
        flows = lane.flows
        while flows and flows[0].tag <= lane.counter:
            ended.append(heapq.heappop(flows))
    _plan(world, line)
    for flow in ended:
        line.sent += flow.size
        if line.latency:
            line.arriving.append(flow)
            world.after(line.latency, "line.arrive", f"{line.id}/{flow.number}", priority=20)
        else:
            ARRIVALS[flow.kind](world, flow)


@on("line.arrive")
def _arrive(world: World, timer: Timer) -> None:
    direction, _, number = timer.entity.partition("/")
    line = world.get(Line, direction)
    for index, flow in enumerate(line.arriving):
        if flow.number == int(number):  # not found: the transfer was cancelled while its last byte was under way
            del line.arriving[index]
            ARRIVALS[flow.kind](world, flow)
            return
