"""Unattended runs: play a drill's notebook in a local temporary folder, then leave its evidence in ``out``.

What is left, in every ending but bad input: ``report.html``, ``result.json``, the executed notebook, ``drill.lab``.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from labkit import lab as labs
from labkit.drills import judge, kernel, listing, play, result
from labkit.drills.listing import Drill
from labkit.drills.result import Result
from labkit.engine import host, pace, resources
from labkit.engine.errors import EXIT_FAILED, LabError
from labkit.engine.texts import gettext as _
from labkit.lab import build

LAB, REPORT, RESULT = "drill.lab", "report.html", "result.json"
_STATUS = {judge.MET: 0, judge.MISSED: 1, judge.FAILED: EXIT_FAILED}


class Done(NamedTuple):
    """A finished drill: the content of ``result.json``, and the folder with the evidence."""

    result: Result
    out: Path

    @property
    def exit_status(self) -> int:
        """0 met, 1 missed, 2 failed."""
        return _STATUS[self.result["verdict"]]

    @property
    def report(self) -> Path:
        """The report."""
        return self.out / REPORT


class _Run(NamedTuple):
    """A drill that was asked for, checked."""

    drill: Drill
    values: dict[str, Any]
    site: str
    site_name: str
    seed: int


def run_drill(
    name: str,
    parameters: dict[str, str],
    *,
    site: str | Path | None = None,
    seed: int | None = None,
    out: str | Path | None = None,
) -> Done:
    """Play a drill; ``parameters`` as in the catalogue, as texts; ``site``: a name or a file (default "contoso").

    ``out``: a new or empty folder (default ``drill-NAME-YYYYMMDD-HHMMSS`` in labkit's home). Bad input is refused
    before anything is played: 900600 to 900605, 9002xx (site), 900051 (seed). Whatever happens after that ends in a
    result.
    """
    run = _check(name, parameters, site, seed)
    folder = _out_folder(name, out)
    started = pace.wall_time()
    # A folder of this computer: a lab is not played on a network share or under a synchronising client.
    with tempfile.TemporaryDirectory(prefix="labkit-drill-", ignore_cleanup_errors=True) as temporary:
        work = Path(temporary).resolve()
        kept = work / "evidence"
        kept.mkdir()
        try:
            error = _play(run, work, kept)
            found = _evidence(run, work, kept, error, started)
        finally:
            _hand_over(kept, folder)
    return Done(found, folder)


def _check(name: str, parameters: dict[str, str], site: str | Path | None, seed: int | None) -> _Run:
    kernel.require()
    drill = listing.describe(name)
    values = drill.check(parameters)
    chosen = "contoso" if site is None else site
    read = build.read_site(chosen)
    play.with_values(read, drill, values)
    is_file = Path(chosen).is_file()
    where = str(Path(chosen).resolve()) if is_file else str(chosen)
    return _Run(drill, values, where, read.site, build.check_seed(1 if seed is None else seed))


def _out_folder(name: str, out: str | Path | None) -> Path:
    """The folder for the evidence, made now: 900603 when something is in it, 900604 when it cannot be made."""
    folder = Path(out) if out is not None else host.home() / f"drill-{name}-{pace.wall_stamp()}"
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise LabError(900603, folder=folder)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise LabError(900604, folder=folder, reason=error.strerror or str(error)) from None
    return folder.resolve()


def _play(run: _Run, work: Path, kept: Path) -> LabError | None:
    """Execute the notebook; what stopped it, or None."""
    master = resources.notebooks("drills", f"{run.drill.name}.ipynb")
    scene = work / "play"
    scene.mkdir()
    parameters = {"site": run.site, "seed": run.seed, "lab_file": LAB, **run.values}
    with kernel.own_jupyter(work / "jupyter"):
        executed = kept / f"{run.drill.name}.ipynb"
        return kernel.execute(master, executed, parameters, scene, f"drills/{master.name}")


def _evidence(run: _Run, work: Path, kept: Path, error: LabError | None, started: str) -> Result:
    """Result and report, from the lab that the notebook left; the lab goes into the folder as it is."""
    from labkit.drills import report

    told = None if error is None else result.error_of(error, None)
    played = work / "play" / LAB
    if played.is_file():
        with labs.open(played, surface="drill") as lab:
            found = result.build(lab, told)
            if found["drill"] is None:
                # The kernel died before the drill had told the lab what it is.
                found |= {"drill": run.drill.name, "parameters": run.values}
            page = report.Page(lab, found)
        # Closing brought everything into the file itself.
        shutil.copyfile(played, kept / LAB)
    else:
        wall = (started, pace.wall_time())
        told = told or result.error_of(LabError(900612), None)
        found = result.without_lab(run.drill.name, run.values, run.site_name, run.seed, told, wall)
        page = report.Page(None, found)
    found["files"] = _files(kept)
    try:
        (kept / REPORT).write_text(page.html(), encoding="utf-8", newline="\n")
    finally:
        found["files"] = _files(kept)
        (kept / RESULT).write_text(_json(found), encoding="utf-8", newline="\n")
    return found


def _json(found: Result) -> str:
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"


def _files(folder: Path) -> list[dict[str, Any]]:
    """Name, size and SHA-256 of each file of the evidence so far."""
    return [
        {"name": path.name, "size": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in sorted(folder.iterdir())
    ]


def _hand_over(kept: Path, folder: Path) -> None:
    for path in sorted(kept.iterdir()):
        shutil.copyfile(path, folder / path.name)


def summary(done: Done) -> list[str]:
    """Verdict, RTO, RPO, orders lost, integrity, and where the report is; in the language of the session."""
    return [*result.lines(done.result), _("Report: {path}").format(path=done.report)]
