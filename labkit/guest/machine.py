"""A guest: powered on and off at the site, in Azure or in a test, running its workload and its application.

Power on begins a :class:`Run`; boot takes the guest's time; then the application opens its database (after a crash it
first recovers the log) and answers. The application works in sessions: :func:`settle` writes what is due, and is
called at each cut of the change log, at shut-down and at least once an hour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from labkit.disks import record, streams
from labkit.disks.blocks import is_real
from labkit.disks.bodies import Content
from labkit.disks.record import DiskSet
from labkit.disks.sealing import Key
from labkit.disks.streams import OPEN, Run, StreamSpec
from labkit.disks.workload import ORDINARY, STEADY
from labkit.engine.chance import below
from labkit.engine.clock import Timer, on
from labkit.engine.errors import LabError
from labkit.engine.world import Entity, World, entity
from labkit.guest import orders
from labkit.guest.orders import Look
from labkit.guest.volume import Volume

SITE, AZURE, TEST = "site", "azure", "test"
OFF, STARTING, RUNNING = "Off", "Starting", "Running"
OPEN_DATABASE, _RECOVER_FRAME = 2_000, 5  # ms; the lab's own figures
# What else happens when a guest is up.
WHEN_UP: list[Callable[[World, Machine], None]] = []
# Told when a guest is up, its application answers, or it has stopped.
WATCHERS: list[Callable[[World, Machine], None]] = []


class Workload(msgspec.Struct, array_like=True, frozen=True):
    """Churn of one disk: bytes per second, bytes per write, per mille of the disk that is hot, shape over the day.

    ``kind``: where writes go; ``trace``: number of the recording that gives the churn instead of a rate, or 0.
    """

    rate: int
    write: int
    hot_permille: int
    shape: str = STEADY
    offset_min: int = 0
    kind: str = ORDINARY
    trace: int = 0


class Application(msgspec.Struct, frozen=True):
    """The database on disk ``disk``: ``orders`` each ``interval`` ms, or ``invoices`` of ``partner``'s orders."""

    disk: int
    role: str
    interval: int
    partner: str


@entity("machine")
class Machine(Entity):
    """A VM at one side. ``id`` is ``site/NAME``, ``azure/NAME`` or ``test/NAME``; ``boot`` in ms.

    ``listed``: the name Azure lists it under where that is not NAME (rule 1.4-14).
    """

    name: str
    side: str
    os: str
    boot: int
    cpu: int
    memory: int
    disks: int
    workloads: list[Workload]
    application: Application | None
    size: str = ""
    state: str = OFF
    run: int = 0
    up_at: int = 0
    answering_at: int = 0
    stopped_at: int = 0
    listed: str = ""

    @property
    def label(self) -> str:
        """The name it is listed under at its side."""
        return self.listed or self.id.partition("/")[2]

    @property
    def windows(self) -> bool:
        """Whether its guest takes snapshots by VSS; others freeze their file systems."""
        return self.os.startswith("Windows")

    def written_until(self, world: World) -> int:
        """The last instant at which the guest wrote: now while it runs."""
        return world.now if self.run else self.stopped_at


def disks_of(world: World, machine: Machine) -> DiskSet:
    """The machine's disks."""
    return record.set_of(world, machine.disks)


def disk_number(disks: DiskSet, name: str) -> int:
    """Number of a disk by its name in the site file; 900534 with the names there are."""
    if name not in disks.names:
        raise LabError(900534, vm=disks.machine, found=name, choices=", ".join(disks.names))
    return disks.names.index(name)


def phase(world: World, machine: Machine) -> int:
    """Shift (ms) of the guest's grid of 30 s slots; the same at every side."""
    return below(30_000, world.seed, "phase", machine.name)


def twin(world: World, source: Machine, name: str, called: str, side: str, disks: int, size: str = "") -> Machine:
    """A machine like another one, on disks of its own, at another place; it is not started. ``name`` is its id."""
    return world.add(
        Machine(
            id=name,
            name=called,
            side=side,
            os=source.os,
            boot=source.boot,
            cpu=source.cpu,
            memory=source.memory,
            disks=disks,
            workloads=list(source.workloads),
            application=source.application,
            size=size,
        )
    )


# --- power ------------------------------------------------------------------------------------------------------------


def power_on(world: World, machine: Machine, *, booted: bool = False) -> None:
    """Start the guest; with ``booted`` it is up and answering already (a lab begins with running VMs)."""
    disks = disks_of(world, machine)
    number = world.next("run")
    run = Run(str(number), number, machine.name, phase(world, machine), world.now, _streams(world, machine, disks))
    if machine.application:
        run.application = machine.application.disk
    world.add(run)
    record.append_span(world, disks, number, world.now, OPEN)
    machine.run, machine.state = number, STARTING
    world.fact("vm.started", machine.id, run=number)
    if booted:
        machine.state, machine.up_at = RUNNING, world.now
        _answer(world, machine)
    else:
        world.after(machine.boot, "guest.up", machine.id)
    world.after(3_600_000, "guest.hour", f"{machine.id}/{number}", priority=60)


def _streams(world: World, machine: Machine, disks: DiskSet) -> list[StreamSpec]:
    found = []
    for size, load in zip(disks.sizes, machine.workloads, strict=True):
        hot = max(1, size * load.hot_permille // 1000 // load.write)
        how = (load.rate, load.write, hot, load.shape, load.offset_min, load.kind, load.trace)
        found.append(StreamSpec(world.next("stream"), *how, size))
    return found


def power_off(world: World, machine: Machine, *, clean: bool) -> None:
    """Stop the guest: shut down in order (its database flushed), or dead as after a power failure."""
    if not machine.run:
        return
    run = streams.run_of(world, machine.run)
    for other in world.all(Machine):
        if other.side == machine.side and other.application and other.application.partner == machine.name:
            settle(world, other, "cycle")  # what it has made of this guest's orders until now is its own
    settle(world, machine, "shutdown" if clean else "cycle")
    run.stopped = world.now
    record.close_span(disks_of(world, machine), world.now)
    machine.run, machine.state, machine.stopped_at = 0, OFF, world.now
    machine.up_at = machine.answering_at = 0
    world.fact("vm.stopped", machine.id, run=run.number, clean=int(clean))
    _tell(world, machine)


def _tell(world: World, machine: Machine) -> None:
    for watcher in WATCHERS:
        watcher(world, machine)


@on("guest.up")
def _up(world: World, timer: Timer) -> None:
    machine = world.find(Machine, timer.entity)
    if machine is None or machine.state != STARTING:
        return
    machine.state, machine.up_at = RUNNING, world.now
    world.fact("guest.up", machine.id)
    for also in WHEN_UP:
        also(world, machine)
    _tell(world, machine)
    if machine.application is None:
        return
    try:
        frames = look(world, machine).recovered_frames
    except LabError as error:
        world.fact("application.failed", machine.id, code=error.code)
        return
    world.after(OPEN_DATABASE + frames * _RECOVER_FRAME, "guest.answers", machine.id)
    world.fact("database.opened", machine.id, recovered=frames)


@on("guest.answers")
def _answers(world: World, timer: Timer) -> None:
    machine = world.find(Machine, timer.entity)
    if machine is not None and machine.state == RUNNING and not machine.answering_at:
        _answer(world, machine)


def _answer(world: World, machine: Machine) -> None:
    if machine.application is None:
        return
    machine.answering_at = world.now
    run = streams.run_of(world, machine.run)
    run.answering = run.settled = world.now
    world.fact("application.answers", machine.id)
    _tell(world, machine)


@on("guest.hour")
def _hour(world: World, timer: Timer) -> None:
    name, _, run = timer.entity.rpartition("/")
    machine = world.find(Machine, name)
    if machine is None or machine.run != int(run):
        return
    if world.now - streams.run_of(world, machine.run).settled >= 3_600_000:
        settle(world, machine, "cycle")
    world.after(3_600_000, "guest.hour", timer.entity, priority=60)


# --- the application --------------------------------------------------------------------------------------------------


def settle(world: World, machine: Machine, kind: orders.Kind) -> None:
    """One session: what became due since the last one is written to the database.

    A database that cannot be written any more (disk full, damaged) stops the application until the guest starts anew.
    """
    if not _answers_now(machine):
        return
    run = streams.run_of(world, machine.run)
    volume, known = _volume(world, machine)
    try:
        _session(world, machine, volume, kind)
    except LabError as error:
        machine.answering_at = 0
        world.cache.pop(("volume", machine.id), None)
        world.fact("application.failed", machine.id, code=error.code)
        return
    run.settled = world.now
    changed = volume.changed()
    stream = run.streams[run.application].number
    streams.write(world, stream, changed)
    if changed:
        entry = streams.explicit(world, stream)[world.now]
        known.update(zip(entry.blocks.tolist(), entry.stamps.tolist(), strict=True))


def unsettled(world: World, machine: Machine) -> dict[int, bytes]:
    """Blocks of the application's disk as a session now would leave them; nothing is changed by looking."""
    if not _answers_now(machine):
        return {}
    volume, _ = _volume(world, machine)
    try:
        _session(world, machine, volume, "cycle")
    except LabError:
        return {}
    return {block: content for block, (content, _) in volume.changed().items()}


def _answers_now(machine: Machine) -> bool:
    return bool(machine.run and machine.answering_at and machine.application)


def _session(world: World, machine: Machine, volume: Volume, kind: orders.Kind) -> None:
    app, run = machine.application, streams.run_of(world, machine.run)
    assert app is not None
    invoices = app.role == "invoices"
    orders.session(
        volume,
        seed=world.seed,
        stream=run.streams[app.disk].number,
        now=world.now,
        started=run.started,
        since=run.settled,
        interval=app.interval,
        kind=kind,
        role="invoices" if invoices else "orders",
        source=_placed(world, machine, *orders.invoice_window(run.settled, world.now)) if invoices else None,
    )


def _placed(world: World, machine: Machine, since: int, now: int) -> Iterator[orders.Due]:
    """Orders the partner took at the same side in ``(since, now]``."""
    assert machine.application is not None
    partner = world.find(Machine, f"{machine.side}/{machine.application.partner}")
    if partner is None or partner.application is None:
        return
    taken = {segment.run for segment in disks_of(world, partner).segments if segment.kind == record.SPAN}
    for run in world.all(Run):
        if run.number in taken and run.answering:
            stream = run.streams[partner.application.disk].number
            low, high = max(since, run.answering), min(now, run.stopped)
            yield from orders.due_orders(world.seed, stream, run.started, partner.application.interval, low, high)


def _volume(world: World, machine: Machine) -> tuple[Volume, dict[int, int]]:
    """The application's disk as its guest sees it now, and the map of its blocks, kept up while the run lasts."""
    import numpy as np

    assert machine.application is not None
    disks, disk = disks_of(world, machine), machine.application.disk
    key = ("volume", machine.id)
    run, known = world.cache.get(key, (0, {}))
    if run != machine.run:
        stamps = record.fold(world, disks, disk)
        known = {int(block): int(stamps[block]) for block in np.flatnonzero(stamps != 0)}
        world.cache[key] = (machine.run, known)
    return volume_of(known, disks.sizes[disk], streams.reader(world)), known


def volume_of(known: dict[int, int], size: int, stored: Content) -> Volume:
    """A disk with these stamps, as a guest's file layer reads it; ``stored`` gives the bytes of real blocks."""
    from labkit.disks.content import synthetic

    def read(block: int) -> bytes | None:
        stamp = known.get(block, 0)
        if stamp == 0:
            return None
        return stored(stamp) if is_real(stamp) else synthetic(stamp, block)

    return Volume(size, read)


def look_at(world: World, disks: DiskSet, disk: int, place: record.Place | None = None, key: Key | None = None) -> Look:
    """Open the database on a disk at a place, as a guest would after a crash; nothing is changed."""
    import numpy as np

    stamps = record.fold(world, disks, disk, place, key)
    known = {int(block): int(stamps[block]) for block in np.flatnonzero(stamps != 0)}
    return orders.look(volume_of(known, disks.sizes[disk], record.content_of(world, disks, key)))


def look(world: World, machine: Machine) -> Look:
    """The machine's database as it is on its disk now."""
    assert machine.application is not None
    return look_at(world, disks_of(world, machine), machine.application.disk)
