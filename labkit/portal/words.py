"""The words of the pages, in the language of the process."""

from __future__ import annotations

from labkit.engine.texts import gettext as _


def page() -> dict[str, str]:
    """Words by the names the ES module has for them."""
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


def fault() -> str:
    """What an error is called that is not the person's."""
    return _("This is a fault of labkit, not yours. The lab is as it was after the last command.")
