"""The lab: one file, one world, and everything that can be asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from labkit.engine import facts, jobs, lease, pace, texts, units
from labkit.engine.errors import LabError
from labkit.engine.facts import Fact
from labkit.engine.jobs import JobRecord
from labkit.engine.progress import Progress
from labkit.engine.session import Session
from labkit.engine.world import World
from labkit.lab import alerts, arguments, build, runbooks, status
from labkit.lab.alerts import Alert, Hook
from labkit.lab.azure import AzureDoor
from labkit.lab.clock import Clock
from labkit.lab.costs import LeftoverView, leftover_views
from labkit.lab.faults import FaultsDoor
from labkit.lab.hyperv import HyperVDoor
from labkit.lab.site import SiteDoor
from labkit.lab.vault import VaultDoor
from labkit.lab.views import Item, Job, Jobs, error_of
from labkit.lab.vmm import VmmDoor
from labkit.recovery import item as items
from labkit.recovery import reach as reaching
from labkit.recovery import suspension
from labkit.recovery.reach import Answer
from labkit.replication.relation import RESYNCHRONISING, Relation
from labkit.site import images, inventory, sitefile
from labkit.site.model import SiteFile

T = TypeVar("T")
_LONGEST = 400 * units.DAY  # a wait that has not ended by then waits for a person
_LAST = units.instant("2100-12-31T00:00:00Z")  # later instants do not fit every file format
_POLL_SECONDS = 0.05
_PLAYED_ELSEWHERE = 900030
arguments.guard(VaultDoor, SiteDoor, VmmDoor, AzureDoor, HyperVDoor, FaultsDoor)


def create(
    path: str | Path,
    site: str | Path | SiteFile = "contoso",
    seed: int = 1,
    stage: str = "start",
    *,
    surface: str = "python",
    progress: Progress | None = None,
) -> Lab:
    """Make a new lab file and bring it to a stage.

    ``site``: a name ("contoso", "three-tier"), a path, or a site file as read. ``stage``: "start" (bare servers, an
    empty Azure), "prepared" (STEP 2 of the guide is done up to the registration), "registered", "configured" or
    "protected" (all VMs the site protects are replicating). Errors: 900001 the file exists, 9002xx the site file,
    900310-900349 its images, 900360-900374 its traces, 900050 an unknown stage.
    ``progress(done, total)`` is called with bytes of these; without it a bar is shown, in a notebook or a terminal,
    when their import takes long.
    """
    build.check_stage(stage)
    read = build.read_site(site)
    seed = build.check_seed(seed)
    store, brought = build.new_file(Path(path), read, progress)
    lab = Lab(Session(store, surface))
    try:
        lab.command("create", {"site": read.site, "seed": seed}, lambda world: build.begin(world, read, seed, brought))
        build.to_stage(lab, stage)
    except BaseException:
        lab.close()
        lab.path.unlink(missing_ok=True)  # nobody has it yet, and its name shall be free for the next attempt
        raise
    return lab


def open_lab(path: str | Path, *, surface: str = "python", read_only: bool = False) -> Lab:
    """Open an existing lab file; with ``read_only`` nothing is written to it, and commands fail."""
    lab = Lab(Session.open(Path(path), surface, read_only=read_only))
    if not read_only and lab.read(build.of_before):
        lab.command("bring_up", {}, build.bring_up)
    return lab


class Lab:
    """An open lab. A command that returned is committed; no command lets time pass by itself.

    ``site`` (with ``site.vmm``), ``azure``, ``vault``, ``hyperv`` and ``faults`` have what can be done, ``jobs`` and
    ``clock`` what goes on. From bare servers: ``help(lab.site)``.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._closed = False
        self.vault = VaultDoor(self)
        self.site = SiteDoor(self)
        self.azure = AzureDoor(self)
        self.hyperv = HyperVDoor(self)
        self.faults = FaultsDoor(self)
        self.jobs = Jobs(self)
        self.clock = Clock(self)
        self.on_alert(alerts.from_environment())
        texts.follow_lab(self.language)

    # --- the file -----------------------------------------------------------------------------------------------------

    @property
    def path(self) -> Path:
        """The lab file."""
        return self._session.store.path

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closed

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if not self._closed:
            self._closed = True
            self.clock.pause()
            self._session.close()

    def __enter__(self) -> Lab:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def copy(self, target: str | Path) -> Path:
        """A copy of the last committed state, also while the clock plays; refuses an existing file."""
        self._session.store.copy(Path(target))
        return Path(target)

    # --- reading and commands -----------------------------------------------------------------------------------------

    def read(self, question: Callable[[World], T]) -> T:
        """Ask the last committed world something; the answer must not keep parts of the world."""
        with self._session.reading() as world:
            return question(world)

    def command(self, name: str, arguments: dict[str, Any], work: Callable[[World], T]) -> T:
        """Do something as one transaction, with its entry in the journal."""
        return self._session.command(name, arguments, work)

    def start_job(self, name: str, arguments: dict[str, Any], work: Callable[[World], JobRecord]) -> Job:
        """A command that begins (or goes on with) a job."""
        return Job(self, self.command(name, arguments, lambda world: work(world).id))

    @property
    def facts(self) -> Iterator[Fact]:
        """What happened, in order."""
        return facts.read(self._session.store)

    def fact_lines(self, after: int = 0) -> Iterator[str]:
        """The facts in canonical form, one a line."""
        return facts.lines(self._session.store, after)

    def news(self, seen: int) -> tuple[int, int, list[Fact]]:
        """Virtual now (ms), the number of facts, and those that follow the first ``seen``, of one committed state."""

        def found(world: World) -> tuple[int, int, list[Fact]]:
            count = world.facts.count
            return world.now, count, list(facts.read(world.store, seen, count)) if count > seen else []

        return self.read(found)

    @property
    def journal(self) -> list[dict[str, Any]]:
        """What was asked, by whom, and how it ended."""
        names = ("n", "wall", "at", "user", "surface", "command", "arguments", "outcome", "code")
        rows = self._session.store.rows(f"SELECT {', '.join(names)} FROM journal ORDER BY n")
        return [dict(zip(names, row, strict=True)) for row in rows]

    @property
    def alerts(self) -> list[Alert]:
        """All alerts so far, oldest first."""
        return [alerts.alert_of(self, fact) for fact in list(facts.of_kind(self._session.store, "alert"))]

    def on_alert(self, hook: Hook | str | None) -> None:
        """Call a function with each :class:`Alert`, or start a command, while this object lets time pass; None: nobody.

        A command gets the alert as one line of JSON on its standard input. By default what ``LABKIT_ON_ALERT`` names.
        """
        if isinstance(hook, str):
            hook = alerts.command_hook(hook)
        self._session.committed = None if hook is None else alerts.listener(self, hook)

    def on_refusal(self, hook: Callable[[str, LabError], None] | None) -> None:
        """Call a function with the name and the error of each command that is refused by this object; None: nobody."""
        self._session.refused = hook

    @property
    def language(self) -> str | None:
        """The lab's setting, "en" or "ja", that whoever opens it follows; None: no setting (``labkit.engine.texts``).

        It stands in the file beside the world, in no fact. 900545 for another language.
        """
        return self._session.store.note("language")

    @language.setter
    def language(self, name: str | None) -> None:
        if name not in (None, *texts.LANGUAGES):
            raise LabError(900545, found=name, choices=", ".join(texts.LANGUAGES))
        self._session.store.set_note("language", name)
        texts.follow_lab(name)

    @property
    def events_digest(self) -> str:
        """The digest of all facts (hex)."""
        return self.read(lambda world: world.facts.digest.hex())

    @property
    def now(self) -> str:
        """Virtual time, ISO 8601 in the site's zone."""
        return self.clock.now

    def status(self, *, points: bool = True) -> dict[str, Any]:
        """What ``labkit status --json`` prints; ``points``: with the recovery points of all items, most of it."""
        owner = lease.owner(self._session.store)
        return self.read(lambda world: status.status(world, self.path, owner, points=points))

    def verify(self, *, full: bool = False) -> list[str]:
        """Problems found in file, facts, invariants and replicas; an empty list when all is well."""
        from labkit.lab.verify import verify

        return self.read(lambda world: verify(world, full=full))

    def leftovers(self) -> list[LeftoverView]:
        """What still runs, costs, or is in the way of protecting anew, in the order to take it down; [] for nothing."""
        return self.read(leftover_views)

    def export_disk(self, vm: str, disk: str, out: str | Path, **options: Any) -> Any:
        """Export a disk of any side and recovery point; see :func:`labkit.lab.exports.export_disk`."""
        from labkit.lab.exports import export_disk

        return self.read(lambda world: export_disk(world, vm, disk, Path(out), **options))

    def show_instant(self, ms: int) -> str:
        """An instant as ISO 8601 in the site's zone."""
        return units.show_instant(ms, self.read(lambda world: inventory.site_of(world).offset_min))

    def reach(self, client: str, target: str, port: int = 443) -> Answer:
        """Whether a client reaches a TCP port of a target, or why not (docs/reach.md).

        ``client``: "site", "internet", a VM of the site, or "azure:NAME". ``target``: a host name, an address, a name
        ``*.cloudapp.net``, or "azure:NAME". ``port``: 443, where the application answers; 3389 or 22 for RDP or SSH.
        """
        return self.read(lambda world: reaching.reach(world, client, target, port))

    def warnings(self) -> list[str]:
        """What the site file says, or its images were like, that a user may not expect."""
        return sitefile.warnings(self.read(inventory.site_of)) + self.read(images.notes)

    # --- time ---------------------------------------------------------------------------------------------------------

    def run(self, duration: str | None = None, *, until: str | None = None, take_over: bool = False) -> str:
        """Let virtual time pass: a duration ("6h", "2d", ISO 8601) or until an instant with a zone; returns the time.

        900544 for an instant in the past, 900058 for neither or both, 900030 while another process plays the clock.
        """
        target = self.target(duration, until=until)
        with self._session.playing(take_over=take_over):
            runbooks.advance(self, target)
        return self.now

    def target(self, duration: str | None = None, *, until: str | None = None) -> int:
        """The instant (ms) that is a duration from now, or ``until``; errors as of :meth:`run`."""
        if (duration is None) == (until is None):
            raise LabError(900058)
        now = self.read(lambda world: world.now)
        target = now + units.duration(duration) if duration is not None else units.instant(str(until))
        if target < now:
            raise LabError(900544, found=until, now=self.now)
        if target > _LAST:
            raise LabError(900061, found=duration or until)
        return target

    def wait(self, thing: Job | Item, *, take_over: bool = False) -> Any:
        """Let time pass until a job ends or waits for the operator (its error is raised), or an item is at rest.

        While another process plays the clock, only waits. 900541 when nothing more can happen by itself.
        """
        if not isinstance(thing, Job | Item):
            raise LabError(900062, found=thing)
        done = _job_stopped(thing.id) if isinstance(thing, Job) else _item_at_rest(thing.name)
        while not self.read(done):
            owner = lease.owner(self._session.store)
            if owner.living and owner.token != self._session.lease.token and not take_over:
                pace.sleep(_POLL_SECONDS)
                continue
            try:
                self._play_until(done, thing, take_over=take_over)
            except LabError as refused:
                if refused.code != _PLAYED_ELSEWHERE:
                    raise
        error = self.read(lambda world: error_of(world.get(JobRecord, thing.id))) if isinstance(thing, Job) else None
        if error is not None:
            raise error
        return thing

    def run_until(self, done: Callable[[World], bool], *, within: str) -> bool:
        """Let time pass until ``done`` holds of the world, at most the duration ``within``; whether it holds.

        The clock stops at the very instant. 900030 while another process plays the clock.
        """
        limit = self.read(lambda world: world.now) + units.duration(within)
        with self._session.playing():
            runbooks.advance(self, limit, done)
        return self.read(done)

    def _play_until(self, done: Callable[[World], bool], thing: Job | Item, *, take_over: bool) -> None:
        day = self.read(lambda world: world.now)
        limit = day + _LONGEST
        with self._session.playing(take_over=take_over):
            while day < limit and not self.read(done):
                day += units.DAY
                runbooks.advance(self, day, done)
                if self.read(lambda world: not done(world) and _cut_off(world)):
                    break
        if not self.read(done):
            raise LabError(900541, what=repr(thing))

    def __repr__(self) -> str:
        if self._closed:
            return f"<Lab {self.path.name} closed>"
        return f"<Lab {self.path.name} {self.now}>"


def _cut_off(world: World) -> bool:
    """Line, site or subscription do not come back by themselves; what still runs a day later needs them."""
    return not items.site_reachable(world) or suspension.services_off(world)


def _job_stopped(name: str) -> Callable[[World], bool]:
    return lambda world: world.get(JobRecord, name).state != jobs.IN_PROGRESS


def _item_at_rest(name: str) -> Callable[[World], bool]:
    from labkit.recovery import states

    def done(world: World) -> bool:
        item = items.get(world, name)
        job = world.find(JobRecord, item.job) if item.job else None
        found = world.find(Relation, name)
        comparing = found is not None and found.state == RESYNCHRONISING and not found.paused
        return item.state != states.ENABLING and not comparing and (job is None or job.state != jobs.IN_PROGRESS)

    return done
