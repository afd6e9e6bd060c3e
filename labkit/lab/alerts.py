"""``lab.alerts``, and the hook that tells an operator of each (facts.md 1.6; pain point 9 of section 7).

A hook belongs to the process that lets time pass, and is never stored in the lab: a lab file that somebody hands out
must not run commands on the computer of whoever opens it.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from labkit.engine import facts, host
from labkit.engine.errors import LabError
from labkit.engine.facts import Fact
from labkit.engine.texts import gettext as _

if TYPE_CHECKING:
    from labkit.lab.door import Lab

VARIABLE = "LABKIT_ON_ALERT"
_SECONDS = 10.0


class Alert(NamedTuple):
    """The health of a VM's replication has changed, or something needs an operator's eye.

    ``time``: ISO 8601 in the site's zone, ``at``: the same in ms; ``health``: Normal, Warning or Critical from now on;
    ``reasons``: codes such as "network" or "snapshot" (docs/replication-health.md).
    """

    vm: str
    time: str
    at: int
    health: str
    reasons: tuple[str, ...]


Hook = Callable[[Alert], object]


def alert_of(lab: Lab, fact: Fact) -> Alert:
    """A fact of kind ``alert`` as an alert."""
    at = int(fact["at"])
    reasons = tuple(str(fact["reasons"]).split(", ")) if fact["reasons"] else ()
    return Alert(str(fact["entity"]), lab.show_instant(at), at, str(fact["health"]), reasons)


def from_environment() -> Hook | None:
    """The hook that ``LABKIT_ON_ALERT`` names, if it is set."""
    command = os.environ.get(VARIABLE, "").strip()
    return command_hook(command) if command else None


def command_hook(command: str) -> Hook:
    """A hook that starts a command and gives it one line of JSON on its standard input.

    ``{"vm", "time", "at", "health", "reasons"}``. A command that fails or takes longer than 10 s is logged, and the lab
    goes on. 900592 for an empty command.
    """

    if not command.strip():
        raise LabError(900592)

    def tell(alert: Alert) -> None:
        found = host.feed(command, json.dumps(alert._asdict()) + "\n", _SECONDS)
        if found:
            logging.getLogger("labkit").warning(
                _("the command for alerts failed ({reason}): {command}").format(reason=found, command=command)
            )

    return tell


def _call(hook: Hook, alert: Alert) -> None:
    """What was committed is done: an error of the hook is logged, and the lab goes on."""
    try:
        hook(alert)
    except Exception:
        logging.getLogger("labkit").exception(_("the function for alerts failed"))


def listener(lab: Lab, hook: Hook) -> Callable[[int, int], None]:
    """What a session calls after each commit, with the number of facts before and after it."""

    def look(before: int, after: int) -> None:
        store = lab._session.store
        for fact in list(facts.read(store, before, after)):
            if fact["kind"] == "alert":
                _call(hook, alert_of(lab, fact))

    return look
