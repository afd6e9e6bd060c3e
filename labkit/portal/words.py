"""The words of the pages, in the language of the process."""

from __future__ import annotations

from labkit.engine.texts import gettext as _


def page() -> dict[str, str]:
    """Words by the names the ES module has for them."""
    return {key: text for part in PARTS for key, text in part().items()}


def _clock() -> dict[str, str]:
    return {
        "play": _("Play"),
        "pause": _("Pause"),
        "skip": _("Next event"),
        "skip_hint": _("Let time pass to the next thing that happens"),
        "speed_hint": _("{speed} virtual seconds in a second"),
        "speed": _("Speed"),
        "playing": _("plays"),
        "paused": _("paused"),
        "elsewhere": _("plays in another process"),
        "day": _("day {day}"),
        "clock": _("Clock of the lab"),
    }


def _rpo() -> dict[str, str]:
    return {
        "rpo": _("RPO over virtual time"),
        "target": _("target {value}"),
        "within": _("within target"),
        "over": _("over target"),
        "ended": _("no replication"),
        "nothing": _("No VM is replicated yet. A curve begins when initial replication is through."),
        "window": _("Shown"),
        "all": _("all"),
        "chart_hint": _("RPO chart: arrow keys read values, Home and End at its ends, Escape hides them."),
        "more": _("and {count} more"),
    }


def _frame() -> dict[str, str]:
    return {
        "close": _("Close"),
        "pages": _("Pages of the portal"),
        "parts": _("Parts of the page"),
        "language": _("Language"),
        "commands": _("Commands"),
        "choose": _("Chosen"),
        "choose_row": _("Choose {name}"),
        "filter": _("Filter"),
        "done": _("done"),
        "open": _("open"),
        "copy": _("Copy"),
        "copied": _("Copied"),
        "python": _("The same in Python:"),
        "script": _("What was done here, in Python ({count} lines)"),
        "view_job": _("View job"),
        "button_ok": _("OK"),
        "button_cancel": _("Cancel"),
        "button_next": _("Next"),
        "button_back": _("Previous"),
        "button_finish": _("Finish"),
        "button_close": _("Close"),
        "silent": _(
            "The Jupyter kernel does not answer: it is busy or was restarted; after a restart run the cell again."
        ),
        "map": _("Site map"),
        "map_hint": _("Site map: arrow keys go from one thing to the next, Home and End to the first and the last."),
    }


def _churn() -> dict[str, str]:
    return {
        "churn": _("Churn against line"),
        "churn_hint": _("Churn chart: arrow keys read values, Home and End at its ends, Escape hides them."),
        "churn_nothing": _("No log has crossed the line yet. Churn is told by the logs that replication applies."),
        "written": _("written, all VMs"),
        "carries": _("the line carries"),
        "line": _("line {value}"),
        "waiting": _("written and not yet arrived"),
        "pending": _("Size of data yet to be replicated"),
        "fits": _("the line is wide enough"),
        "too_thin": _("more than the line carries"),
        "line_lost": _("nothing gets through"),
        "not_known": _("what was written is not known before its log arrives"),
        "silent_vms": _("VMs that send nothing now: {count}"),
    }


def _points() -> dict[str, str]:
    return {
        "points": _("Recovery points"),
        "points_of": _("Recovery points: {vm}"),
        "points_hint": _(
            "Recovery points: left and right arrow keys go from point to point, Enter picks one, Escape lets go."
        ),
        "points_nothing": _("There is no recovery point. The first one comes when initial replication is through."),
        "points_pick": _("Pick a point to see what a failover to it would lose."),
        "picked": _("Picked: {point}"),
        "would_lose": _("would lose the last {value}"),
        "lost_orders": _("orders that would be lost: {count} (as of {time})"),
        "lost_bytes": _("data that would be lost: {value} (as of {time})"),
        "source_stopped": _("the VM stopped"),
    }


def _jobs() -> dict[str, str]:
    return {
        "jobs": _("Jobs over virtual time"),
        "jobs_hint": _("Jobs: up and down arrow keys go from job to job, Enter shows its tasks, Escape lets go."),
        "jobs_nothing": _("No job has run yet."),
        "jobs_none": _("No job ran in this time."),
        "jobs_count": _("{first} to {last} of {count} jobs, the latest first"),
        "newer": _("Newer"),
        "older": _("Older"),
    }


def _cost() -> dict[str, str]:
    return {
        "cost": _("Cost by day"),
        "cost_hint": _("Cost by day: left and right arrow keys read days, Home and End the first and last."),
        "cost_nothing": _("Nothing of Azure has been used yet."),
        "cost_total": _("{first} to {last}: {value}"),
        "cost_unpriced": _("used, but in no price list: {names}"),
        "currency": _("Currency"),
    }


PARTS = (_clock, _rpo, _frame, _churn, _points, _jobs, _cost)


def fault() -> str:
    """What an error is called that is not the person's."""
    return _("This is a fault of labkit, not yours. The lab is as it was after the last command.")
