"""The state of a lab at a glance, as ``labkit status`` shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from labkit.engine import units
from labkit.engine.jobs import JobRecord
from labkit.engine.lease import Owner
from labkit.engine.world import World
from labkit.guest.machine import Machine
from labkit.lab.views import describe, describe_state
from labkit.recovery import hostreplica
from labkit.recovery.hostreplica import HostReplica
from labkit.recovery.item import ProtectedItem
from labkit.replication.line import TO, Line
from labkit.site import inventory, servers


def status(world: World, path: Path, owner: Owner, *, points: bool = True) -> dict[str, Any]:
    """Clock, digest, lines by where they lead, items, servers, VMs and jobs under way; integers and texts.

    ``line`` is the one to Azure. ``points``: with recovery points.
    """
    of_item = describe if points else describe_state
    site = inventory.site_of(world)
    lines = {to: _line(world.get(Line, names[0])) for to, names in TO.items() if world.find(Line, names[0])}
    return {
        "file": str(path),
        "site": site.site,
        "seed": world.seed,
        "clock": {
            "now": units.show_instant(world.now, site.offset_min),
            "started": units.show_instant(site.start, site.offset_min),
            "played_by": {"host": owner.host, "pid": owner.pid} if owner.living else None,
        },
        "events": world.facts.count,
        "events_digest": world.facts.digest.hex(),
        "line": lines["azure"],
        "lines": lines,
        "items": {item.id: of_item(world, item) for item in world.all(ProtectedItem)},
        "replicas": {found.id: hostreplica.describe(world, found) for found in world.all(HostReplica)},
        "servers": {server.id: servers.stands(world, server) for server in world.all(servers.Server)},
        "machines": {machine.id: machine.state for machine in world.all(Machine)},
        "jobs": {
            job.id: {"scenario": job.scenario, "target": job.target, "state": job.state, "task": job.task.name}
            for job in world.all(JobRecord)
            if job.running
        },
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "bandwidth": line.bandwidth,
        "latency_ms": line.latency,
        "loss_per_million": line.loss,
        "connected": line.connected,
        "limit": line.limit,
    }
