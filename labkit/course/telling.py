"""A learner's end of a class: one small JSON file in the class folder, written at each check, refusal and step.

``LABKIT_CLASS`` names the folder, ``LABKIT_LEARNER`` the learner (default: user and computer). The file is made anew
each time and renamed into its place, so that whoever reads it finds a whole one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import weakref
from pathlib import Path
from typing import Any

from labkit.course import record
from labkit.course.desk import Desk
from labkit.course.writer import Writer
from labkit.engine import host, pace
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.engine.texts import language
from labkit.lab import Lab

SCHEMA = 1
_WAIT, _HANGS = 0.2, 5.0  # seconds that one waits for the folder; from which on it is said that it hangs
_writer = Writer()
_state: dict[str, Any] = {"listening": False, "told": None, "silent": False}


def folder() -> Path | None:
    """The class folder that ``LABKIT_CLASS`` names."""
    found = os.environ.get("LABKIT_CLASS")
    return Path(found) if found else None


def learner() -> str:
    """Who this is, for the class: ``LABKIT_LEARNER``, else user and computer."""
    return _readable(_who())


def _who() -> str:
    return os.environ.get("LABKIT_LEARNER") or f"{host.user()}@{host.name()}"


def _readable(text: str) -> str:
    """A text of the environment, where bytes that are no letters came in as surrogates."""
    return text.encode("utf-8", "replace").decode()


def file_name(who: str) -> str:
    """The name of a learner's file; another one for another learner, whatever letters their names have."""
    plain = re.sub(r"[^\w@.-]", "_", who)[:60]
    return f"{plain}-{hashlib.sha256(who.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}.json"


def entry(at: Desk) -> dict[str, Any]:
    """What the class is told of a learner. Instants are ISO 8601 of the learner's computer."""
    found = record.fold(at.events())
    lesson = record.known(found.lesson)
    return {
        "schema": SCHEMA,
        "learner": learner(),
        "name": found.name or learner(),
        "lesson": found.lesson,
        "step": found.step,
        "steps": [step.slug for step in lesson.steps] if lesson else [],
        "done": list(found.done),
        "tries": found.tries.get(found.step, 0),
        "since": found.since,
        "refusal": found.refusal or None,
        "hand": found.hand or None,
        "hand_note": found.hand_note,
        "language": language(),
        "updated": pace.wall_time(),
    }


def tell(at: Desk) -> None:
    """Write the learner's file, where there is a class; what nobody watches is told to nobody.

    A folder that cannot be written to, or hangs, does not stop a lesson: it is said once.
    """
    where = folder()
    if where is None or at.temporary:
        return
    waits = _writer.busy
    told = json.dumps(entry(at), ensure_ascii=False, indent=1)
    _writer.put(where / file_name(_who()), told.encode("utf-8", "replace"))
    # Written at once as a rule. Who waits for a folder that hangs waits in vain, so only once.
    if not waits:
        _writer.flush(_WAIT)
    failed = _("no answer") if waits > _HANGS else _writer.failed
    if failed and not _state["silent"]:
        _state["silent"] = True
        error = LabError(901107, folder=_readable(str(where)), found=failed)
        print(_("The class is not told: {error}").format(error=error.message))


def flush(seconds: float = 5) -> bool:
    """Wait until what was told is written, at most so long; whether it is."""
    return _writer.flush(seconds)


def listen(lab: Lab) -> None:
    """Note what a lab refuses from now on, in cells and in the portal."""
    # Held by nobody but the lab itself: a lab that is let go of takes the hook with it.
    held = weakref.ref(lab)
    lab.on_refusal(lambda _name, error: _refused(error) if held() is not None else None)
    shell = _shell()
    if shell is not None and not _state["listening"]:
        _state["listening"] = True
        shell.events.register("post_run_cell", _after_cell)


def _shell() -> Any:
    if "IPython" not in sys.modules:
        return None
    from IPython.core.getipython import get_ipython

    return get_ipython()


def _after_cell(result: Any) -> None:
    """A cell that ended with an error of the lab, such as that of a job."""
    error = result.error_in_exec
    if isinstance(error, LabError):
        _refused(error)


def _refused(error: LabError) -> None:
    told = _state["told"]
    if told is not None and told() is error:  # it came out of the command, and now out of the cell
        return
    _state["told"] = weakref.ref(error)  # its traceback would hold the lab
    from labkit.course import desk

    at = desk.here()
    at.note("refused", code=error.code, message=error.message)
    tell(at)
