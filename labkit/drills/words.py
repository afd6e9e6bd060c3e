"""The words a report has for what programs name: objectives, jobs, events, kinds; translated when asked for."""

from __future__ import annotations

from typing import Any

from labkit.drills import result
from labkit.engine import jobs as engine_jobs
from labkit.engine import resources, units
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.views import events, titles

_OBJECTIVES = {
    "rto": (
        mark("Recovery time (RTO)"),
        mark("from the trigger of the failover to an application that answers, the slowest VM"),
    ),
    "rpo": (
        mark("Recovery point (RPO)"),
        mark("from the instant the recovery point shows to the last instant of the source, the worst VM"),
    ),
    "mtd": (mark("Tolerable downtime (MTD)"), mark("from the outage to an application that answers, the slowest VM")),
    "integrity": (
        mark("Integrity"),
        mark("disks that differ from the source at the instant of the recovery point, all switches"),
    ),
    "planned_loss": (mark("Planned failover loses nothing"), mark("orders and blocks missing after planned failovers")),
    "clean_up": (mark("Clean-up"), mark("things left over on Azure's side")),
}
_VERDICTS = {
    "met": mark("met"),
    "missed": mark("missed"),
    "failed": mark("failed"),
    "not_tested": mark("not tested"),
}
_STATES = {
    "done": mark("done"),
    "failed": mark("failed"),
    "begun": mark("begun, not ended"),
    "not_started": mark("not reached"),
}
_KINDS = {
    "vm": mark("virtual machine"),
    "protection": mark("protected VM with its replica"),
    "storage account": mark("storage account"),
    "network": mark("virtual network"),
    "vault": mark("vault"),
    "registration": mark("registered server"),
    "cloud protection": mark("protection of a cloud"),
    "licences": mark("subscription licences"),
    "disks": mark("replica disks left in a storage account"),
    "vmm settings": mark("settings of an earlier protection in VMM"),
    "replication relationship": mark("replication relationship of an earlier protection"),
    "server settings": mark("settings of an earlier registration"),
    "crash-consistent": mark("crash-consistent"),
    "application-consistent": mark("application-consistent"),
    "before": mark("data synchronised before failover"),
    "during": mark("data synchronised during failover only"),
}
# Rows of an evidence file that a lab cannot know; people fill them in.
ASK = (
    mark("Organisation, place, classification of this report"),
    mark("Programme: planned or event-driven; previous drill, its open actions; next drill due"),
    mark("Business function, criticality, reference of impact analysis and risk"),
    mark("Likelihood and magnitude of the scenario; assumptions and how they were challenged"),
    mark("Third parties, and what if they fail"),
    mark("People: roles, deputies, who was absent"),
    mark("Who declared the disaster, who approved each manual step, when"),
    mark("Communication: who was told what, when"),
    mark("Objectives judged by people: partly met, and why"),
    mark("Strengths"),
    mark("Deficiencies with severity and cause"),
    mark("Actions: owner, due date, state, retest"),
    mark("Changes to plan and documents that follow"),
    mark("Report to management: to whom, when, decision"),
    mark("Sign-off: author, reviewer independent of the run, approver (names, dates)"),
    mark("Retention of this evidence and who may read it"),
)

# What the emulation leaves out, so that nobody takes it for more than it is.
LIMITS = (
    mark("Durations of jobs are partly recorded from the real service, partly labkit's own (data/timings.yml)."),
    mark("The line has one bandwidth and one latency; it loses no packets and nobody else uses it."),
    mark("Guests boot in a fixed time and run one application; names, certificates and clients are not played."),
    mark("Capacity of Azure and of the site's hosts is unlimited, and everything that is not broken on purpose works."),
)


def objective(name: str) -> tuple[str, str]:
    """Title of an objective, and what was measured."""
    title, explanation = _OBJECTIVES[name]
    return _(title), _(explanation)


def _table(section: str) -> dict[str, Any]:
    """A section of the table of words (English)."""
    return dict(resources.yaml("states.yml")[section])


def said(what: str) -> str:
    """What a person confirmed or decided: the title of an operation, however a notebook writes it."""
    known = [str(row["title"]) for row in _table("operations").values()]
    return _(next((title for title in known if title.casefold() == what.casefold()), what))


def verdict(name: str) -> str:
    """A verdict in words."""
    return _(_VERDICTS[name])


def job(scenario: str) -> str:
    """The title of a kind of job."""
    return events.job(scenario)


def task(scenario: str, name: str) -> str:
    """The title of a task of a job."""
    return _(engine_jobs.titles(scenario).get(name, name))


def state(name: str) -> str:
    """The state of a job, task or step."""
    return _(_STATES.get(name) or _table("job_states").get(name, name))


def kind(name: str) -> str:
    """A kind of thing or of recovery point."""
    return _(_KINDS.get(name, name))


def component(name: str) -> str:
    """A component of the cost."""
    return titles.component(name)


def target(row: dict[str, Any], key: str) -> str:
    """Target or achieved value of an objective, with its unit."""
    value = row[key]
    if value is None:
        return "-"
    if row["name"] in ("rto", "rpo", "mtd"):
        return result.show_seconds(value)
    return str(value)


def size(count: int) -> str:
    """A size in bytes, short."""
    return units.show_size(count)
