"""The line between the site and Azure: two directions, each shared equally by its transfers, in integers.

Sharing by one virtual counter (processor sharing): every transfer gets ``bandwidth / n``; the counter is what one
transfer has received so far, in 2**-20 bytes; a transfer ends when the counter reaches its tag. Nothing is recomputed
for the others when a transfer comes or goes.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

import msgspec

from labkit.engine.clock import Timer, on
from labkit.engine.errors import LabError
from labkit.engine.world import Entity, World, entity

UP, DOWN = "up", "down"
_SCALE = 20
_LARGE = 1 << 55


class Flow(msgspec.Struct, array_like=True, order=True):
    """One transfer: ``tag`` is the counter at which it ends; ``kind`` and ``target`` say whose arrival it is."""

    tag: int
    number: int
    kind: str
    target: str
    size: int
    started: int


@entity("line")
class Line(Entity):
    """One direction. ``bandwidth`` in bits per second, ``latency`` in ms; ``counter`` was right at ``updated``.

    ``limit``: what the sender's throttle leaves of the bandwidth (bit/s), 0 for all of it.
    """

    bandwidth: int
    latency: int
    connected: bool = True
    counter: int = 0
    updated: int = 0
    timer: int = 0
    flows: list[Flow] = msgspec.field(default_factory=list)
    arriving: list[Flow] = msgspec.field(default_factory=list)
    sent: int = 0
    limit: int = 0

    @property
    def rate(self) -> int:
        """Bits per second that cross now."""
        return min(self.bandwidth, self.limit) if self.limit else self.bandwidth


Arrival = Callable[[World, Flow], None]
ARRIVALS: dict[str, Arrival] = {}


def arrival(kind: str) -> Callable[[Arrival], Arrival]:
    """Register what happens when the last byte of a kind of transfer arrives."""

    def register(function: Arrival) -> Arrival:
        ARRIVALS[kind] = function
        return function

    return register


def create(world: World, bandwidth: int, latency: int) -> None:
    """Both directions; a line's bandwidth is that of each."""
    for name in (UP, DOWN):
        world.add(Line(name, bandwidth, latency, updated=world.now))


def send(world: World, direction: str, kind: str, target: str, size: int) -> int:
    """Begin a transfer of ``size`` bytes; returns its number."""
    line = world.get(Line, direction)
    _advance(line, world.now)
    number = world.next("flow")
    heapq.heappush(line.flows, Flow(line.counter + (size << _SCALE), number, kind, target, size, world.now))
    _plan(world, line)
    return number


def cancel(world: World, target: str) -> None:
    """End all transfers of a target; what had not arrived is not there."""
    for line in world.all(Line):
        _advance(line, world.now)
        line.flows = [flow for flow in line.flows if flow.target != target]
        line.arriving = [flow for flow in line.arriving if flow.target != target]
        heapq.heapify(line.flows)
        _plan(world, line)


def under_way(world: World, target: str) -> bool:
    """Whether a transfer of a target has begun and not arrived."""
    return any(flow.target == target for found in world.all(Line) for flow in (*found.flows, *found.arriving))


def set_bandwidth(world: World, bandwidth: int) -> None:
    """Change the bandwidth (bits per second) of both directions; 900503 unless it is positive."""
    if bandwidth < 1000:
        raise LabError(900503, found=bandwidth)
    for line in world.all(Line):
        _advance(line, world.now)
        line.bandwidth = bandwidth
        _plan(world, line)
    world.fact("line.bandwidth", "line", bandwidth=bandwidth)


def limit(world: World, direction: str, bits: int) -> None:
    """Let a throttle leave ``bits`` per second of a direction; 0: all."""
    line = world.get(Line, direction)
    _advance(line, world.now)
    line.limit = bits
    _plan(world, line)


def set_connected(world: World, connected: bool) -> None:
    """Pull the plug, or put it back. What is under way stands still; whoever sends it has to end it."""
    for line in world.all(Line):
        _advance(line, world.now)
        line.connected = connected
        _plan(world, line)
    world.fact("line.connected" if connected else "line.lost", "line")


def _advance(line: Line, now: int) -> None:
    elapsed, line.updated = now - line.updated, now
    count = len(line.flows)
    if count and line.connected:
        line.counter += ((line.rate << _SCALE) * elapsed) // (8_000 * count)
        if line.counter > _LARGE:
            for flow in line.flows:
                flow.tag -= line.counter
            line.counter = 0
    elif not count:
        line.counter = 0


def _plan(world: World, line: Line) -> None:
    if line.timer:
        world.timers.cancel(line.timer)
        line.timer = 0
    if line.flows and line.connected:
        rest = (line.flows[0].tag - line.counter) * 8_000 * len(line.flows)
        wait = max(0, -(-rest // (line.rate << _SCALE)))
        line.timer = world.after(wait, "line.end", line.id, priority=20)


@on("line.end")
def _end(world: World, timer: Timer) -> None:
    line = world.get(Line, timer.entity)
    line.timer = 0
    _advance(line, world.now)
    ended, flows = [], line.flows
    while flows and flows[0].tag <= line.counter:
        ended.append(heapq.heappop(flows))
    if flows:
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
