"""Running the runbooks that a plan has ordered: a process of its own, outside of any transaction (rule 3.2-4).

At least once: a process that is killed between the start of a runbook and the record of its end leaves the order, and
whoever lets time pass next runs it again under the same run id.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from labkit.engine.errors import LabError
from labkit.engine.session import Stop
from labkit.engine.world import World
from labkit.lab import trust
from labkit.recovery import planactions
from labkit.recovery.automation import NOTEBOOK, Runbook
from labkit.recovery.planactions import RunbookOrder

if TYPE_CHECKING:
    from labkit.lab.door import Lab

CONTEXT, LAB = "LABKIT_RUNBOOK_CONTEXT", "LABKIT_RUNBOOK_LAB"
_TAIL = 4_000  # characters of what a runbook said that are kept


class Order(NamedTuple):
    """A runbook to be run: the lab's file, the run's id, the script's file and text, what it is told, its time-out."""

    lab: str
    run: str
    file: str
    text: str
    context: dict[str, Any]
    timeout: int


class Outcome(NamedTuple):
    """How it ended: "ended", "failed" or "timed out", the exit code (-1: none), and the end of its output."""

    outcome: str
    code: int
    output: str


def order(world: World) -> Order | None:
    """What is to be run before the clock goes on; 900924 for what this person has not let run yet."""
    found = next(iter(world.all(RunbookOrder)), None)
    if found is None:
        return None
    book = world.find(Runbook, found.runbook)
    if book is None:  # its account was deleted since it was ordered
        return Order("", found.id, "gone.py", "raise SystemExit('the runbook is gone')", {}, found.timeout)
    if not trust.trusted(book.suffix, book.text):
        raise LabError(900924, runbook=book.id, path=world.store.path)
    file = f"runbook{book.suffix}"
    return Order(str(world.store.path.resolve()), found.id, file, book.text, dict(found.context), found.timeout)


def execute(wanted: Order) -> Outcome:
    """Run a runbook in a folder of its own, outside of any transaction of the lab.

    A Python file is given the path of a file of JSON as its argument and in ``LABKIT_RUNBOOK_CONTEXT``; a notebook the
    same as the parameter ``context`` of its cell tagged "parameters". ``LABKIT_RUNBOOK_LAB``: the lab's file.
    """
    with tempfile.TemporaryDirectory(prefix="runbook-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        script, told = folder / wanted.file, folder / "context.json"
        script.write_text(wanted.text, encoding="utf-8")
        told.write_text(json.dumps(wanted.context, ensure_ascii=False, indent=1), encoding="utf-8")
        own = ["-m", "labkit.drills.runbook"] if script.suffix == NOTEBOOK else []
        command = [sys.executable, *own, str(script), str(told)]
        environment = _environment() | {CONTEXT: str(told), LAB: wanted.lab}
        with (folder / "output.txt").open("w+b") as output:
            code = _run(command, folder, environment, output, wanted.timeout)
            output.seek(max(0, output.seek(0, os.SEEK_END) - 4 * _TAIL))
            text = output.read().decode("utf-8", "replace")
    tail = text[-_TAIL:].replace(str(folder), ".")
    if code is None:
        return Outcome(planactions.TIMED_OUT, -1, tail)
    return Outcome(planactions.FAILED if code else planactions.ENDED, code, tail)


def _environment() -> dict[str, str]:
    """This process's environment, with the labkit it runs, also when another one is installed."""
    environment = os.environ | {"PYTHONUTF8": "1"}
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").is_file():
        paths = [str(checkout), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment["PYTHONPATH"] = os.pathsep.join(paths)
    return environment


def _run(command: list[str], folder: Path, environment: dict[str, str], output: Any, timeout: int) -> int | None:
    """The exit code; None when it was ended for its time."""
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
    )
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a runbook that is still there, and what it has started (a notebook's kernel)."""
    if process.poll() is not None:
        return
    import psutil

    try:
        below = psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        below = []
    process.kill()
    for found in below:
        try:
            found.kill()
        except psutil.Error:
            continue
    process.wait()


def record(lab: Lab, wanted: Order, found: Outcome) -> None:
    """Keep how it ended; the job goes on when time passes."""
    arguments = {"run": wanted.run, "outcome": found.outcome, "code": found.code}
    work = lambda world: planactions.record(world, wanted.run, *found)  # noqa: E731
    lab.command("runbook.ended", arguments, work)


def advance(lab: Lab, until: int | None = None, stop: Stop | None = None) -> None:
    """Let time pass as :meth:`labkit.engine.session.Session.advance`, and run what is ordered on the way.

    The lease is held. The clock stands still while a runbook runs.
    """
    while True:
        lab._session.advance(until, lambda world: planactions.ordered(world) or (stop is not None and stop(world)))
        if stop is not None and lab.read(stop):
            return
        wanted = lab.read(order)
        if wanted is None:
            return
        record(lab, wanted, execute(wanted))
