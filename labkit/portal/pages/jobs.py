"""Jobs: the list, and of one job its tasks, its error with cause and cure, and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from labkit.engine import jobs as states
from labkit.engine import units
from labkit.engine.jobs import JobRecord
from labkit.engine.texts import gettext as _
from labkit.engine.world import World
from labkit.lab.views import Job, TaskView
from labkit.portal import blocks
from labkit.portal.blocks import Cell, Page
from labkit.portal.cells import instant
from labkit.portal.controls import CONTROLS
from labkit.portal.pages.context import Context, refusal_text
from labkit.site import inventory
from labkit.views import events, jobs
from labkit.views.titles import job_state

if TYPE_CHECKING:
    from labkit.lab import Lab

_STATES = {
    states.IN_PROGRESS: blocks.BUSY,
    states.SUSPENDED: blocks.WARN,
    states.SUCCEEDED: blocks.GOOD,
    states.FAILED: blocks.BAD,
    "CompletedWithErrors": blocks.WARN,
    "Skipped": blocks.OFF,
    "NotStarted": blocks.OFF,
}
_MOST = 200


def job_title(lab: Lab, job: Job) -> str:
    """What a job is called in lists and notices: its subject, and what it does."""
    # Translators: a job's subject and what it does, as the guide prints it
    return _("{target} ({scenario})").format(target=job.target, scenario=events.job(job.scenario))


def said(state: str) -> Cell:
    """A state of a job or task with its colour and sign."""
    return blocks.said(job_state(state), _STATES.get(state, blocks.WARN))


def minutes(begun: str | None, ended: str | None, now: int) -> str:
    """A duration in whole minutes, rounded up, as the portal shows it (rule 2.8-2)."""
    if not begun:
        return ""
    return _whole((units.instant(ended) if ended else now) - units.instant(begun))


def _whole(length: int) -> str:
    return _("{count} min").format(count=max(1, -(-length // units.MINUTE)))


def job_rows(context: Context, names: Sequence[str]) -> list[tuple[str, list[Cell]]]:
    """Jobs as rows of a list: name, kind, state, start, duration."""

    def found(world: World) -> list[tuple[str, list[Cell]]]:
        zone = inventory.site_of(world).offset_min
        return [(name, _row(jobs.line(world.get(JobRecord, name)), zone, context.now)) for name in names]

    return context.lab.read(found)


def _row(job: jobs.JobLine, zone: int, now: int) -> list[Cell]:
    return [
        blocks.link(job.target, "jobs", job.id),
        events.job(job.scenario),
        said(job.state),
        instant(units.show_instant(job.begun, zone) if job.begun else None),
        _whole((job.ended or now) - job.begun) if job.begun else "",
    ]


def page(context: Context) -> Page:
    """The list, or one job."""
    return _one(context, context.at(1)) if context.at(1) else _list(context)


def _list(context: Context) -> Page:
    names = list(reversed(list(context.lab.jobs)))[:_MOST]
    rows = job_rows(context, names)
    columns = [_("Name"), _("Job"), _("Status"), _("Start time"), _("Duration")]
    made = Page(_("Jobs"))
    made.blocks = [blocks.table("jobs", columns, rows, choose="one", chosen=context.rows("jobs"))]
    if "jobs" in context.charts:
        made.blocks.append(blocks.chart("jobs"))
    chosen = context.rows("jobs")
    _commands(context, chosen[0] if chosen else "")
    context.command("run")
    context.command("jobs.export")
    return made


def _one(context: Context, name: str) -> Page:
    job: Job = context.lab.jobs[name]
    made = Page(job_title(context.lab, job), crumbs=[(_("Jobs"), ("jobs",))])
    facts: list[tuple[str, Cell]] = [(_("Status"), said(job.state)), (_("Job"), name)]
    if job.instructions:
        facts.append((_("Action instructions"), job.instructions))
    made.blocks.append(blocks.facts("job", facts))
    rows = [(str(place), _task(task, context.now)) for place, task in enumerate(job.tasks)]
    columns = [_("Name"), _("Status"), _("Start time"), _("Duration"), _("Note")]
    made.blocks.append(blocks.table("tasks", columns, rows, title=_("Tasks")))
    errors = [*([job.error] if job.error is not None else []), *job.errors]
    for place, error in enumerate(errors):
        made.blocks.append(blocks.note(f"error-{place}", str(error), state=blocks.BAD, title=_("Error details")))
    _commands(context, name)
    return made


def _task(task: TaskView, now: int) -> list[Cell]:
    return [task.title, said(task.state), instant(task.started), minutes(task.started, task.ended, now), task.note]


def _commands(context: Context, name: str) -> None:
    """What can be done with a job; greyed with the reason."""
    job: Job | None = context.lab.jobs[name] if name else None
    state = "" if job is None else job.state
    choose = "" if job is not None else _("Choose a row first.")
    preset = {"job": job}
    waits = choose or (
        ""
        if state == states.SUSPENDED
        else _("The job does not wait for a word: {state}.").format(state=job_state(state))
    )

    def refused(command: str) -> str:
        return choose if job is None else refusal_text(job.refusal(command))

    goes_on = choose or (
        "" if state == states.IN_PROGRESS else _("The job is not under way: {state}.").format(state=job_state(state))
    )
    context.command("vault.complete", {**preset, **_tick(job)}, why=waits, title=_complete_title(job))
    for command in ("restart", "skip", "cancel", "release_plan"):
        context.command(f"vault.{command}", preset, why=refused(command))
    context.command("wait", {"thing": job}, why=goes_on or played_elsewhere(context.lab))


def played_elsewhere(lab: Lab) -> str:
    """Why this process must not wait for a job now; "" when it may. ``lab.wait`` would wait here, for how long?"""
    clock = lab.clock
    if clock.playing or clock.player is None:
        return ""
    return _("Another process plays the clock; time passes there.")


def _complete_title(job: Job | None) -> str:
    """The word that the job waits for, as its task is called in the portal."""
    if job is None or job.state != states.SUSPENDED:
        return ""
    if job.instructions:
        return _("Complete manual action")
    return _("Complete Failover") if "Failback" in job.scenario else _("Complete test")


def _tick(job: Job | None) -> dict[str, str]:
    """What has to be ticked with the word (rule 3.3-5): of a test, that its environment may be cleaned up."""
    tests = (
        job is not None and job.state == states.SUSPENDED and not job.instructions and "Failback" not in job.scenario
    )
    tick = CONTROLS["vault.complete_test"].tick
    return {"_tick": _(tick)} if tests else {}
