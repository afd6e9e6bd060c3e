"""``result.json``: built from a stored lab and nothing else (the parameters are in its journal).

Keys and units: docs/drills.md. All instants are ISO 8601 with the zone of the site (wall times: of this computer).
"""

from __future__ import annotations

import json
from typing import Any

import labkit
from labkit.azure import billing, services
from labkit.azure.prices import MICRO
from labkit.drills import failovers, judge, play
from labkit.engine import units
from labkit.engine.errors import LabError
from labkit.engine.jobs import JobRecord
from labkit.engine.texts import gettext as _
from labkit.engine.world import World
from labkit.lab import Lab
from labkit.recovery import leftovers as left_over
from labkit.recovery.achieved import Switch
from labkit.site import inventory
from labkit.site.model import SiteFile

SCHEMA = 1
Result = dict[str, Any]


class Story:
    """A drill as its lab's file tells it: journal entries with their arguments read, facts, what was planned."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.journal = [{**row, "arguments": json.loads(row["arguments"])} for row in lab.journal]
        self.facts = list(lab.facts)
        begun = [row["arguments"] for row in self.journal if row["command"] == play.BEGIN]
        self.begun: dict[str, Any] = begun[-1] if begun else {}
        self.ended = any(row["command"] == play.END for row in self.journal)

    def of(self, command: str) -> list[dict[str, Any]]:
        """Journal entries of one command, in order."""
        return [row for row in self.journal if row["command"] == command]

    def error(self) -> dict[str, Any] | None:
        """What the drill failed with: the step that failed, or 900612 when it did not come to its end."""
        for row in self.of(play.STEP):
            if row["arguments"]["state"] == play.FAILED:
                return error_of(_read_error(row["arguments"]), row["arguments"]["step"])
        if self.ended:
            return None
        steps = self.of(play.STEP)
        return error_of(LabError(900612), steps[-1]["arguments"]["step"] if steps else None)


def _read_error(arguments: dict[str, Any]) -> LabError:
    return LabError(arguments["code"], allowed=tuple(arguments["allowed"]), **arguments["details"])


def error_of(error: LabError, step: str | None) -> dict[str, Any]:
    """The ``error`` of result.json."""
    return {
        "code": error.code,
        "message": error.message,
        "cause": error.cause,
        "action": error.action,
        "step": step,
    }


def build(lab: Lab, error: dict[str, Any] | None = None) -> Result:
    """The result of a drill from its open lab, without ``files``.

    ``error``: what stopped the drill from outside, used when the lab's journal tells of no error of its own.
    """
    story = Story(lab)
    return lab.read(lambda world: _build(world, story, error))


def without_lab(
    drill: str, parameters: dict[str, Any], site: str, seed: int, error: dict[str, Any], wall: tuple[str, str]
) -> Result:
    """The result of a drill that failed before it had a lab."""
    nothing = {"rto_s": None, "rpo_s": None, "outage_s": None, "recovered": False, "outage": False}
    targets: dict[str, float | None] = {"rto": None, "rpo": None, "mtd": None}
    return {
        "schema": SCHEMA,
        "labkit": labkit.__version__,
        "drill": drill,
        "site": site,
        "seed": seed,
        "parameters": parameters,
        "virtual": {"started": None, "ended": None},
        "wall": {"started": wall[0], "ended": wall[1]},
        "verdict": judge.FAILED,
        "error": error,
        "objectives": judge.objectives(targets, nothing, [], None),
        "achieved": {key: nothing[key] for key in ("rto_s", "outage_s", "rpo_s")},
        "people": {},
        "vms": {},
        "failovers": [],
        "steps": [],
        "jobs": [],
        "leftovers": [],
        "cost": None,
        "events_digest": None,
        "versions": {},
    }


def _build(world: World, story: Story, error: dict[str, Any] | None) -> Result:
    site, begun = inventory.site_of(world), story.begun
    zone = site.offset_min
    found = failovers.switches(world, story.facts)
    last = failovers.last_to_azure(found)
    every = [{"vm": switch.record.vm, **failovers.describe(switch, zone)} for switch in found]
    achieved = _achieved(list(last.values()))
    left = leftovers(world)
    told = _own_error(story, error)
    cleans = bool(begun.get("clean")) and told is None
    objectives = judge.objectives(_targets(site), achieved, every, len(left) if cleans else None)
    return {
        "schema": SCHEMA,
        "labkit": begun.get("versions", {}).get("labkit", labkit.__version__),
        "drill": begun.get("drill"),
        "site": site.site,
        "seed": world.seed,
        "parameters": begun.get("parameters", {}),
        "virtual": {
            "started": units.show_instant(site.start, zone),
            "ended": units.show_instant(world.now, zone),
        },
        "wall": {"started": story.journal[0]["wall"], "ended": story.journal[-1]["wall"]},
        "verdict": judge.verdict(objectives, told),
        "error": told,
        "objectives": objectives,
        "achieved": {key: achieved[key] for key in ("rto_s", "outage_s", "rpo_s")},
        "people": _people(story, zone),
        "vms": {vm: failovers.describe(switch, zone) for vm, switch in sorted(last.items())},
        "failovers": every,
        "steps": _steps(story, site.start, zone),
        "jobs": [_job(job, zone) for job in world.all(JobRecord)],
        "leftovers": left,
        "cost": _cost(world, story.facts),
        "events_digest": world.facts.digest.hex(),
        "versions": begun.get("versions", {}),
    }


def _targets(site: SiteFile) -> dict[str, float | None]:
    """Targets in seconds; parameters of the drill have gone into the lab's site already."""
    wanted = site.objectives
    return {
        "rto": failovers.seconds(wanted.rto),
        "rpo": failovers.seconds(wanted.rpo),
        "mtd": failovers.seconds(wanted.mtd),
    }


def _own_error(story: Story, error: dict[str, Any] | None) -> dict[str, Any] | None:
    """The lab's own account comes first; a notebook that stopped outside a step is known from outside only."""
    told = story.error()
    return error if error is not None and (told is None or told["code"] == 900612) else told


def _achieved(last: list[Switch]) -> dict[str, Any]:
    """The worst of all VMs; a VM that never answered leaves RTO unknown (null), which misses the target."""

    def worst(values: list[int | None]) -> float | None:
        known = [value for value in values if value is not None]
        return failovers.seconds(max(known)) if known and len(known) == len(values) else None

    outages = [switch for switch in last if switch.outage is not None]
    return {
        "rto_s": worst([switch.rto for switch in last]),
        "rpo_s": worst([switch.record.rpo for switch in last]),
        "outage_s": worst([switch.outage_time for switch in outages]),
        "recovered": bool(last),
        "outage": bool(outages),
    }


def _people(story: Story, zone: int) -> dict[str, Any]:
    """Assumed delays of people, and each word somebody gave."""
    words = [
        {
            "what": row["arguments"]["what"],
            "step": row["arguments"]["step"],
            "delay_s": failovers.seconds(row["arguments"]["ms"]),
            "given": units.show_instant(row["at"], zone),
        }
        for row in story.of(play.WORD)
    ]
    delays = {row["arguments"]["delay"]: failovers.seconds(row["arguments"]["ms"]) for row in story.of(play.WORD)}
    return {
        "decision_delay_s": delays.get("decision_delay"),
        "confirm_delay_s": delays.get("confirm_delay"),
        "words": words,
    }


def _steps(story: Story, start: int, zone: int) -> list[dict[str, Any]]:
    """Each step of the plan: planned and actual times, and how it ended (``not_started``: it was not reached)."""
    told: dict[str, dict[str, int]] = {}
    for row in story.of(play.STEP):
        told.setdefault(row["arguments"]["step"], {})[row["arguments"]["state"]] = row["at"]
    found, planned = [], start
    for row in story.begun.get("plan", []):
        states = told.get(row["step"], {})
        begun, ended = states.get(play.BEGUN), states.get(play.DONE, states.get(play.FAILED))
        found.append(
            {
                "step": row["step"],
                "planned": {
                    "started": units.show_instant(planned, zone),
                    "ended": units.show_instant(planned + row["ms"], zone),
                },
                "started": None if begun is None else units.show_instant(begun, zone),
                "ended": None if ended is None else units.show_instant(ended, zone),
                "state": next(
                    (state for state in (play.DONE, play.FAILED, play.BEGUN) if state in states), "not_started"
                ),
            }
        )
        planned += row["ms"]
    return found


def _job(job: JobRecord, zone: int) -> dict[str, Any]:
    def show(instant: int) -> str | None:
        return units.show_instant(instant, zone) if instant else None

    error = None
    if job.error is not None:
        error = {"code": job.error["code"], "message": LabError(job.error["code"], **job.error["details"]).message}
    return {
        "id": job.id,
        "name": job.scenario,
        "target": job.target,
        "state": job.state,
        "start": show(job.started),
        "end": show(job.ended),
        "error": error,
        "tasks": [
            {
                "name": task.name,
                "state": task.state,
                "start": show(task.started),
                "end": show(task.ended),
                "note": task.note,
            }
            for task in job.tasks
        ],
    }


# --- what is left, what it cost --------------------------------------------------------------------------------------


def money(micro: int | None) -> float | None:
    """Micro-units as a number of the currency."""
    return None if micro is None else micro / MICRO


def leftovers(world: World) -> list[dict[str, Any]]:
    """What of the drill is still there: ``kind, name, cost_per_day`` (null: not priced), ``action``."""
    return [
        {"kind": one.kind, "name": one.name, "cost_per_day": money(one.per_day), "action": one.action}
        for one in left_over.find(world)
    ]


def _cost(world: World, facts: list[dict[str, Any]]) -> dict[str, Any]:
    zone = inventory.site_of(world).offset_min
    bill = billing.bill(facts, world.now, offset_min=zone, redundancy=services.redundancy(world))
    return {
        "currency": bill.currency,
        "total": money(bill.total),
        "components": {name: money(cost) for name, cost in bill.components.items()},
        "quantities": bill.quantities,
        "not_priced": billing.reasons(bill),
        "price_list": bill.price_list,
        "date": bill.date,
    }


# --- in short --------------------------------------------------------------------------------------------------------


def show_seconds(value: float | None) -> str:
    """A duration in seconds, short; "-" for None."""
    return "-" if value is None else units.show_duration(round(value * 1000))


def lines(result: Result) -> list[str]:
    """The result in a few lines, in the language of the session: verdict, RTO, RPO, orders lost, integrity."""
    found = [verdict_line(result)]
    if result["error"]:
        found.append(_("Error {code}: {message}").format(**result["error"]))
        found.append(_("What to do: {action}").format(**result["error"]))
    if not result["vms"]:
        return found
    targets = {objective["name"]: objective for objective in result["objectives"]}
    for name, title in (("rto", "RTO"), ("rpo", "RPO")):
        row = targets[name]
        line = _("{title}: {achieved} (target {target})")
        found.append(
            line.format(title=title, achieved=show_seconds(row["achieved"]), target=show_seconds(row["target"]))
        )
    if result["achieved"]["outage_s"] is not None:
        found.append(_("Outage: {achieved}").format(achieved=show_seconds(result["achieved"]["outage_s"])))
    found.append(_("Orders lost: {count}").format(count=orders_lost(result)))
    found.append(_("Integrity: {verdict}").format(verdict=integrity(result)))
    return found


def verdict_line(result: Result) -> str:
    """The first line."""
    words = {judge.MET: _("objectives met"), judge.MISSED: _("objectives missed"), judge.FAILED: _("failed")}
    return _("Drill {drill}: {verdict}").format(drill=result["drill"], verdict=words[result["verdict"]])


def orders_lost(result: Result) -> str:
    """Orders lost at the last failover to Azure, VM by VM; "-" where no application runs."""
    lost = {vm: row["lost"]["orders"] for vm, row in result["vms"].items() if row["lost"]["orders"] is not None}
    if not lost:
        return "-"
    return f"{sum(lost.values())}" + (
        f" ({', '.join(f'{vm}: {n}' for vm, n in lost.items())})" if len(lost) > 1 else ""
    )


def integrity(result: Result) -> str:
    """Whether all disks of all switches were equal at both sides."""
    disks = [disk for failover in result["failovers"] for disk in failover["integrity"]]
    wrong = sum(not disk["equal"] for disk in disks)
    if wrong:
        return _("{wrong} of {count} disk comparisons differ").format(wrong=wrong, count=len(disks))
    return _("all {count} disk comparisons equal").format(count=len(disks))
