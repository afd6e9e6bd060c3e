"""The service's time line (rule 1.1-6): what a lesson shows, without a lab."""

from __future__ import annotations

from typing import NamedTuple

from labkit.engine import resources
from labkit.engine.texts import gettext as _


class Milestone(NamedTuple):
    """``when``: "2014-06", or "2014-08-22" where the day is known."""

    when: str
    event: str


def timeline() -> list[Milestone]:
    """The guide's calendar in order, in the language of the session (``data/timeline.yml``).

    The first day of any lab, 2014-09-30, is not before the last of it.
    """
    rows = [Milestone(**row) for row in resources.yaml("timeline.yml")["milestones"]]
    return [row._replace(event=_(row.event)) for row in rows]
