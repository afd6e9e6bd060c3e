"""The plain engine: labkit's replication written a second time, slowly, from docs/replication.md alone.

Disks are dicts of blocks, each write is performed by itself, a log is a list of writes, and a recovery point is a copy
of all disks. Nothing is derived, joined or thinned out for speed, so that what the real engine derives can be checked
against it. Only the order of the guest's database sessions and chance are labkit's own.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from labkit.disks.content import synthetic
from labkit.site.model import SiteFile
from tests.plain.guest import BLOCK, HOUR, PAGE, SLOT, Blocks, Content, Guest, Write
from tests.plain.line import PlainLine, Transfer

PIECE = 4_096
RETRIES = (1, 2, 4, 8, 10, 30)  # minutes
TRANSFERS, SWAPS, TASKS, SESSIONS = 20, 30, 50, 60

Fact = dict[str, Any]


@dataclass
class Log:
    """What was written in ``(after, upto]``; a write at the instant of the swap counts even when it came after it."""

    after: int
    upto: int
    writes: list[Write] = field(default_factory=list)
    consistency: str = ""


@dataclass
class Point:
    """A recovery point: the instant, and the replica as it was then."""

    cut: int
    disks: list[Blocks]


@dataclass
class Protection:
    """One protected VM: its replica and how far it is."""

    guest: Guest
    replica: list[Blocks]
    snapshot: int
    to_send: list[tuple[int, list[tuple[int, Content]]]] = field(default_factory=list)
    cut: int = 0
    swapped: int = 0
    begun: bool = False
    frozen: int = 0  # the cut of the last frozen log that arrived, or when freezing last failed
    under_way: bool = False
    flight: Log | None = None
    late: bool = False
    points: list[Point] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    held: list[Log] = field(default_factory=list)
    state: str = "logs"  # or "required", "comparing"
    reason: str = ""
    paused: bool = False
    turn: int = 0  # what was planned before the last change of state is void
    chunk: int = 0
    anchor: int = 0
    failed: int = 0
    retry: int = 0  # an attempt planned before this changed is void
    compared: list[list[Blocks]] = field(default_factory=list)  # both sides as the comparison began
    brought: list[tuple[int, int, Content]] = field(default_factory=list)


def thin(points: list[Point], frequency: int, retention: int) -> list[Point]:
    """The recovery points that stay, oldest first."""
    newest = points[-1].cut
    first_hour = [point for point in points if point.cut > newest - HOUR]
    older = [point for point in points if newest - (retention + 1) * HOUR < point.cut <= newest - HOUR]
    hourly: dict[int, Point] = {}
    for point in older:
        hourly.setdefault(point.cut // HOUR, point)
    kept = list(hourly.values())
    return kept[max(0, len(kept) - retention) :] + first_hour[-(HOUR // frequency) :]


def nonzero(content: Content) -> bool:
    """Whether a block has to be sent."""
    return content != 0 if isinstance(content, int) else any(content)


class PlainLab:
    """A lab of the plain kind. Commands act at ``now``, after all that was due; ``advance`` lets time pass.

    ``job`` is how long after the last piece of initial replication replication begins, in ms; ``traces`` are the files
    the site names, as text.
    """

    def __init__(self, site: SiteFile, seed: int, job: int = 0, traces: Mapping[str, str] | None = None) -> None:
        self.traces = traces or {}
        self.site, self.seed, self.now, self.job = site, seed, site.start, job
        self.facts: list[Fact] = []
        self.events: list[tuple[int, int, int, Callable[[], None]]] = []
        self.age = 0
        self.line_timer: int | None = None
        self.line = PlainLine(site.line.bandwidth, site.line.latency, site.start, self._plan, self._land)
        self.line.loss = site.line.loss
        self.guests: dict[str, Guest] = {}
        self.protections: dict[str, Protection] = {}
        self.on_the_way: dict[str, Transfer] = {}
        self.obstacles: set[tuple[str, str]] = set()
        self._build()

    def _build(self) -> None:
        stream = 0
        for vm in self.site.vms:
            disks: list[Blocks] = []
            for disk in vm.disks:
                stream += disk.used > 0
                disks.append(dict.fromkeys(range(-(-disk.used // BLOCK)), stream << 40 | 1))
            self.guests[vm.name] = Guest(self.seed, vm, self.site.start, disks, self.traces)
        for guest in self.guests.values():
            count = len(guest.vm.disks)
            guest.power_on(list(range(stream + 1, stream + count + 1)))
            stream += count
            self._after(HOUR, SESSIONS, lambda guest=guest: self._hour(guest))  # type: ignore[misc]

    # --- time ------------------------------------------------------------------------------------------------------

    def _after(self, delay: int, priority: int, act: Callable[[], None]) -> int:
        self.age += 1
        heapq.heappush(self.events, (self.now + delay, priority, self.age, act))
        return self.age

    def advance(self, until: int) -> None:
        """Let all happen that is due until an instant, itself included."""
        while self.events and self.events[0][0] <= until:
            self.now, _priority, age, act = heapq.heappop(self.events)
            if act != self._ends or age == self.line_timer:
                act()
        self.now = until
        for guest in self.guests.values():
            guest.run(until)

    def _fact(self, kind: str, entity: str, **details: Any) -> None:
        self.facts.append({"kind": kind, "entity": entity, "at": self.now, **details})

    # --- the line --------------------------------------------------------------------------------------------------

    def _plan(self, at: int | None) -> None:
        self.line_timer = None if at is None else self._after(at - self.now, TRANSFERS, self._ends)

    def _ends(self) -> None:
        self.line.end(self.now)

    def _land(self, transfer: Transfer) -> None:
        self._after(self.line.latency, TRANSFERS, lambda: transfer.arrived(transfer))

    def set_bandwidth(self, bandwidth: int) -> None:
        """Change the line's bandwidth (bits per second)."""
        self.line.change(self.now, bandwidth=bandwidth)

    def set_quality(self, latency: int, loss: int) -> None:
        """Change the line's latency (ms) and loss (packets per million)."""
        self.line.change(self.now, quality=(latency, loss))

    def set_connected(self, connected: bool) -> None:
        """Cut the line or mend it; what is under way fails when it is cut."""
        self.line.change(self.now, connected=connected)
        self._break()

    def obstruct(self, reason: str, name: str) -> None:
        """Put an obstacle in the way of a VM."""
        self.obstacles.add((reason, name))
        self._break()

    def clear(self, reason: str, name: str) -> None:
        """Take it away; nothing hurries."""
        self.obstacles.discard((reason, name))

    def _break(self) -> None:
        for name in sorted(self.protections):
            if name in self.on_the_way and self._blocked(name):
                self._fail(self.protections[name])

    def _blocked(self, name: str) -> str:
        for reason in ("authorisation", "disk space"):
            if (reason, name) in self.obstacles:
                return reason
        return "" if self.line.connected else "network"

    def _begin_transfer(self, made: Protection, size: int, arrived: Callable[[Transfer], None]) -> None:
        """Put a transfer on the line, or fail at once."""
        name = made.guest.vm.name
        if self._blocked(name):
            self._fail(made)
            return

        def came(transfer: Transfer) -> None:
            if self.on_the_way.get(name) is transfer:
                del self.on_the_way[name]
                made.failed = 0
                arrived(transfer)

        self.on_the_way[name] = self.line.begin(self.now, size, name, came)

    def _fail(self, made: Protection) -> None:
        if made.begun:
            self._halt(made)
        else:
            self.line.cancel(self.now, made.guest.vm.name)
        self.on_the_way.pop(made.guest.vm.name, None)
        made.failed += 1
        made.retry += 1
        reason = self._blocked(made.guest.vm.name)
        wait, number = RETRIES[min(made.failed, len(RETRIES)) - 1] * 60_000, made.retry
        if reason == "authorisation":
            wait = 0  # nothing is tried again before somebody resumes
        else:
            self._after(wait, SWAPS, lambda: self._again(made, number))
        details = {"reason": reason, "attempt": made.failed, "next": wait}
        self._fact("replication.failed", made.guest.vm.name, **details)
        if made.begun and made.state == "logs":
            self._watch(made, made.turn, made.cut)

    def _again(self, made: Protection, number: int) -> None:
        if number != made.retry:
            return
        made.turn += 1
        self._go_on(made)

    def _go_on(self, made: Protection) -> None:
        if not made.begun:
            self._next_piece(made)
        elif made.state == "comparing":
            self._read(made)
        else:
            turn, rest = made.turn, (made.anchor - self.now - 1) % self.site.cloud.frequency + 1
            self._after(rest, SWAPS, lambda: self._due(made, turn))
            self._swap(made)

    # --- guests ----------------------------------------------------------------------------------------------------

    def _taker(self, guest: Guest) -> Guest | None:
        if not guest.vm.invoices:
            return None
        return next(other for other in self.guests.values() if other.vm.orders_per_day)

    def _session(self, guest: Guest, kind: Literal["cycle", "freeze"] = "cycle") -> None:
        guest.session(self.now, kind, self._taker(guest))

    def _hour(self, guest: Guest) -> None:
        if guest.stopped is None:
            if self.now - guest.session_at >= HOUR:
                self._session(guest)
            self._after(HOUR, SESSIONS, lambda: self._hour(guest))

    def power_off(self, name: str, clean: bool) -> None:
        """Shut a guest down, or let its power fail."""
        guest = self.guests[name]
        for other in self.guests.values():
            if other is not guest and self._taker(other) is guest:
                self._session(other)
        guest.power_off(self.now, clean=clean, taker=self._taker(guest))
        made = self.protections.get(name)
        if made is not None and made.snapshot == self.now and made.state == "comparing":
            made.compared[0] = [dict(blocks) for blocks in guest.disks]
        elif made is not None and made.snapshot == self.now:
            self._snapshot(made)

    # --- initial replication ---------------------------------------------------------------------------------------

    def protect(self, name: str) -> None:
        """Start initial replication of a VM."""
        guest = self.guests[name]
        self._session(guest)
        made = self.protections[name] = Protection(guest, [{} for _ in guest.disks], self.now)
        self._snapshot(made)
        self._fact("initial.started", name, bytes=BLOCK * sum(len(piece) for _, piece in made.to_send))
        self._next_piece(made)

    def _snapshot(self, made: Protection) -> None:
        made.to_send = []
        for place, blocks in enumerate(made.guest.disks):
            todo = sorted((block, content) for block, content in blocks.items() if nonzero(content))
            made.to_send += [(place, todo[at : at + PIECE]) for at in range(0, len(todo), PIECE)]

    def _next_piece(self, made: Protection) -> None:
        if made.to_send:
            size = BLOCK * len(made.to_send[0][1]) + PAGE
            self._begin_transfer(made, size, lambda transfer: self._piece_arrived(made, transfer))
            return
        self._fact("initial.ended", made.guest.vm.name)
        self._after(self.job, TASKS, lambda: self._begin(made))

    def _piece_arrived(self, made: Protection, transfer: Transfer) -> None:
        place, piece = made.to_send.pop(0)
        for block, content in piece:
            made.replica[place][block] = content
        details = {"disk": place, "blocks": len(piece), "bytes": transfer.size, "started": transfer.started}
        self._fact("initial.piece", made.guest.vm.name, **details)
        self._next_piece(made)

    def _begin(self, made: Protection) -> None:
        made.failed = 0
        made.begun, made.cut, made.swapped = True, made.snapshot, made.snapshot
        made.frozen = made.snapshot
        self._add_point(made)
        phase, every = made.guest.phase, self.site.cloud.frequency
        anchor = phase + SLOT * -(-(self.now - phase) // SLOT)
        made.turn += 1
        made.anchor, turn = anchor, made.turn
        self._after(anchor - self.now or every, SWAPS, lambda: self._due(made, turn))
        self._swap(made)

    # --- cycles ----------------------------------------------------------------------------------------------------

    def _due(self, made: Protection, turn: int) -> None:
        if turn != made.turn:
            return
        if not made.under_way:
            self._swap(made)
        elif made.swapped < self.now and not made.late:  # a late log's arrival may have swapped at this instant already
            made.late = True
            self._watch(made, made.turn, made.cut)
        if turn == made.turn:
            self._after(self.site.cloud.frequency, SWAPS, lambda: self._due(made, turn))

    def _swap(self, made: Protection) -> None:
        if self._blocked(made.guest.vm.name):
            self._fail(made)  # nothing is swapped, and the guest has no session
            return
        consistency = self._freeze(made)
        self._session(made.guest, "freeze" if consistency else "cycle")
        after, upto = made.swapped, self.now
        log = made.flight = Log(after, upto, consistency=consistency)
        made.under_way, made.swapped = True, upto
        size = PAGE * made.guest.pages(after, upto) + PAGE
        self._begin_transfer(made, size, lambda transfer: self._arrived(made, log, transfer))

    def _freeze(self, made: Protection) -> str:
        """How consistent the next log is because its guest is frozen for it; "" for an ordinary one."""
        hours, windows = self.site.cloud.app_consistent_h, made.guest.vm.os.startswith("Windows")
        if not hours or made.guest.stopped is not None or self.now < made.frozen + hours * HOUR:
            return ""
        reasons = ("other backup", "integration services") if windows else ("integration services",)
        for reason in reasons:
            if (reason, made.guest.vm.name) in self.obstacles:
                made.frozen = self.now
                self._fact("snapshot.failed", made.guest.vm.name, reason=reason)
                return ""
        return "application-consistent" if windows else "file-system-consistent"

    def _arrived(self, made: Protection, log: Log, transfer: Transfer) -> None:
        if log is not made.flight:
            return  # given up while its last byte was under way
        if made.faults[:1] == ["corrupt"] and not made.held:
            made.faults.pop(0)
            made.under_way = False
            made.flight = None
            self._require(made, "invalid log")
            return
        late, made.late, made.under_way = made.late, False, False
        log.writes = [write for write in made.guest.log if log.after < write.at <= log.upto]
        self._apply_log(made, log)
        made.cut = log.upto
        made.guest.log = [write for write in made.guest.log if write.at > log.upto]
        self._add_point(made)
        details: Fact = {"cut": log.upto, "bytes": transfer.size, "started": transfer.started, "late": int(late)}
        if log.consistency:
            made.frozen, details["consistency"] = log.upto, log.consistency
        self._fact("cycle", made.guest.vm.name, **details)
        if late:
            self._swap(made)

    def _apply_log(self, made: Protection, log: Log) -> None:
        # An arrival that ends a fault takes no further one: those wait for later arrivals.
        fault = made.faults.pop(0) if made.faults and not made.held else ""
        end = (log.after + log.upto) // 2 if fault == "cut" else log.upto
        if fault not in ("drop", "swap"):
            self._apply(made, log, end)
        for held in made.held:
            self._apply(made, held, held.upto)
        made.held = [log] if fault in ("double", "swap") else []

    def _apply(self, made: Protection, log: Log, end: int) -> None:
        for write in log.writes:
            if write.at <= end:
                made.replica[write.disk].update(dict.fromkeys(write.blocks, write.content))

    def _add_point(self, made: Protection) -> None:
        made.points.append(Point(made.cut, [dict(blocks) for blocks in made.replica]))
        made.points = thin(made.points, self.site.cloud.frequency, self.site.cloud.retention_h)

    # --- pause and resynchronisation -------------------------------------------------------------------------------

    def _logged(self, made: Protection, after: int) -> int:
        made.guest.run(self.now)
        return sum(write.size for write in made.guest.log if after < write.at < self.now)

    def _limit(self, made: Protection) -> int:
        return sum(disk.size for disk in made.guest.vm.disks) * 50 // 100

    def _watch(self, made: Protection, turn: int, cut: int) -> None:
        """Nothing can be sent: look at the logs now, and every five minutes."""
        if turn != made.turn or made.cut != cut:
            return
        if self._logged(made, made.cut) > self._limit(made):
            self._require(made, "log full")
        else:
            self._after(300_000, SWAPS, lambda: self._watch(made, turn, cut))

    def _halt(self, made: Protection) -> None:
        made.turn += 1
        made.retry += 1
        self.line.cancel(self.now, made.guest.vm.name)
        self.on_the_way.pop(made.guest.vm.name, None)
        if made.under_way:
            assert made.flight is not None
            made.swapped, made.under_way, made.late = made.flight.after, False, False
        made.flight = None

    def _require(self, made: Protection, reason: str) -> None:
        self._halt(made)
        made.state, made.reason, made.paused, made.failed = "required", reason, False, 0
        self._fact("resync.required", made.guest.vm.name, reason=reason)
        local = (self.now + self.site.offset_min * 60_000) % (24 * HOUR)
        turn = made.turn
        self._after(0 if local < 6 * HOUR else 24 * HOUR - local, SWAPS, lambda: self._window(made, turn))

    def _window(self, made: Protection, turn: int) -> None:
        if turn != made.turn:
            return
        if self._blocked(made.guest.vm.name):
            self._after(HOUR, SWAPS, lambda: self._window(made, turn))
        else:
            self._compare(made)

    def _compare(self, made: Protection) -> None:
        guest = made.guest
        self._session(guest)
        made.turn += 1
        made.state, made.snapshot, made.chunk, made.brought = "comparing", self.now, 0, []
        made.compared = [[dict(blocks) for blocks in guest.disks], [dict(blocks) for blocks in made.replica]]
        size = sum(disk.size for disk in guest.vm.disks)
        self._fact("resync.started", guest.vm.name, bytes=size, reason=made.reason)
        self._read(made)

    def _chunks(self, made: Protection) -> list[tuple[int, int, int]]:
        found = []
        for place, disk in enumerate(made.guest.vm.disks):
            blocks = -(-disk.size // BLOCK)
            found += [(place, first, min(16_384, blocks - first)) for first in range(0, blocks, 16_384)]
        return found

    def _read(self, made: Protection) -> None:
        chunks = self._chunks(made)
        if made.chunk == len(chunks):
            self._merge(made)
            return
        wait, turn = -(-chunks[made.chunk][2] * BLOCK * HOUR // (80 << 30)), made.turn
        self._after(wait, SWAPS, lambda: self._was_read(made, turn))

    def _was_read(self, made: Protection, turn: int) -> None:
        if turn != made.turn:
            return
        if self._logged(made, made.snapshot) > self._limit(made):
            self._require(made, "log full")
            return
        place, first, count = self._chunks(made)[made.chunk]
        ours, theirs = (side[place] for side in made.compared)
        found = []
        for block in range(first, first + count):
            one, two = ours.get(block, 0), theirs.get(block, 0)
            if one != two and (nonzero(one) or nonzero(two)):
                found.append((place, block, one))
        size = BLOCK * len(found) + 16 * count + PAGE
        self._begin_transfer(made, size, lambda transfer: self._chunk_arrived(made, turn, found, transfer))

    def _chunk_arrived(
        self, made: Protection, turn: int, found: list[tuple[int, int, Content]], transfer: Transfer
    ) -> None:
        if turn != made.turn:
            return
        place, first, count = self._chunks(made)[made.chunk]
        made.brought += found
        made.chunk += 1
        details = {"disk": place, "first": first, "compared": count, "blocks": len(found), "bytes": transfer.size}
        self._fact("resync.chunk", made.guest.vm.name, **details)
        self._read(made)

    def _merge(self, made: Protection) -> None:
        for place, block, content in made.brought:
            made.replica[place][block] = content
        self._fact("resync.ended", made.guest.vm.name, blocks=len(made.brought), since=made.snapshot)
        made.points, made.held, made.state, made.late = [], [], "logs", False
        made.guest.log = [write for write in made.guest.log if write.at > made.snapshot]
        self._begin(made)

    def resynchronise(self, name: str) -> None:
        """Begin a resynchronisation if one is required."""
        made = self.protections.get(name)
        if made is not None and made.state == "required":
            self._compare(made)

    def fail_log(self, name: str) -> None:
        """A write to the log fails."""
        made = self.protections.get(name)
        if made is not None and made.begun and made.state == "logs":
            self._require(made, "log write failed")

    def pause(self, name: str) -> None:
        """Pause, if it can be paused."""
        made = self.protections.get(name)
        if made is None or not made.begun or made.paused or made.state == "required":
            return
        self._halt(made)
        made.paused, made.failed = True, 0
        self._fact("replication.paused", name, side="primary")
        if made.state == "logs":
            self._watch(made, made.turn, made.cut)

    def resume(self, name: str) -> None:
        """Go on after a pause."""
        made = self.protections.get(name)
        if made is None or not (made.paused or (made.failed and name not in self.on_the_way)):
            return
        made.paused = False
        made.turn += 1
        made.retry += 1
        self._fact("replication.resumed", name)
        self._go_on(made)

    # --- faults and questions --------------------------------------------------------------------------------------

    def fault(self, name: str, kind: str) -> None:
        """Let a fault befall the next arrival: ``drop``, ``cut``, ``double`` or ``swap``."""
        self.protections[name].faults.append(kind)

    def flip(self, name: str, disk: int, block: int) -> None:
        """Turn the lowest bit of byte 0 of a block of the replica."""
        replica = self.protections[name].replica[disk]
        content = replica.get(block, 0)
        if isinstance(content, int):
            content = synthetic(content, block) if content else bytes(BLOCK)
        replica[block] = bytes([content[0] ^ 1]) + content[1:]

    def pending(self, name: str) -> int:
        """Bytes that the replica lacks now; -1 before replication begins."""
        made = self.protections[name]
        if not made.begun:
            return -1
        made.guest.run(self.now)
        return PAGE * made.guest.pages(made.cut, self.now)
