"""A learner's desk: the folder with the labs of the course, and the log of what was done.

The log is ``course-log.jsonl``: one event a line, appended whole, so that several Jupyter kernels lose nothing. Lines
that cannot be read are passed over.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labkit.course import catalogue, surroundings
from labkit.course.model import Track
from labkit.engine import pace
from labkit.engine.errors import LabError

LOG = "course-log.jsonl"
_CHECKPOINT = "checkpoint-"
_here: dict[str, Desk] = {}


class Desk:
    """One learner's folder. ``temporary``: it goes when the process ends."""

    def __init__(self, folder: Path, *, temporary: bool = False) -> None:
        self.folder, self.temporary = folder, temporary

    # --- labs ---------------------------------------------------------------------------------------------------------

    def lab(self, track: Track) -> Path:
        """The present lab of a track; it may not exist yet."""
        known = {path.name: path for path in self.files()}
        for event in reversed(list(self.events())):
            if event["event"] != "lab" or event.get("track") != track.name:
                continue
            path = known.get(str(event.get("file")))
            if path is not None and self.track(path) in (None, track):
                return path
        return self.folder / f"{track.name}.lab"

    def track(self, path: Path) -> Track | None:
        """The track a lab file belongs to, by its name or as noted with a checkpoint; None for one handed out."""
        tracks = {lesson.track.name: lesson.track for lesson in catalogue.all_lessons()}
        plain = re.sub(r"-\d+$", "", path.stem)
        if path.stem in tracks or plain in tracks:
            return tracks.get(path.stem) or tracks[plain]
        noted = [
            str(event.get("track"))
            for event in self.events()
            if event["event"] == "checkpoint" and event.get("file") == path.name
        ]
        return tracks.get(noted[-1]) if noted else None

    def use(self, track: Track, path: Path) -> None:
        """Make a lab the present one of a track."""
        if self.lab(track) != path:
            self.note("lab", track=track.name, file=path.name)

    def labs(self, track: Track) -> list[Path]:
        """All labs of a track, oldest name first."""
        numbered = re.compile(rf"{re.escape(track.name)}(?:-(\d+))?\.lab")
        found = [
            (int(match[1] if match[1] else 1), path)
            for path in self.files()
            if (match := numbered.fullmatch(path.name))
        ]
        return [path for _number, path in sorted(found)]

    def files(self) -> list[Path]:
        """The lab files here."""
        return sorted(self.folder.glob("*.lab"))

    def place(self, made: Path, track: Track) -> Path:
        """Give a finished lab file the next free name of a track; no other process gets the same one."""
        number = 1
        while True:
            target = self.folder / f"{track.name}{'' if number == 1 else f'-{number}'}.lab"
            if not target.exists() and _named(made, target):
                return target
            number += 1

    def checkpoint(self, name: str) -> Path:
        """The file of a checkpoint; 901101 for a name that is none."""
        if not re.fullmatch(r"[\w-]{1,60}", str(name)):
            raise LabError(901101, found=name)
        return self.folder / f"{_CHECKPOINT}{name}.lab"

    def checkpoints(self) -> list[str]:
        """Names of the checkpoints."""
        return [path.stem.removeprefix(_CHECKPOINT) for path in self.files() if path.name.startswith(_CHECKPOINT)]

    # --- the log ------------------------------------------------------------------------------------------------------

    def note(self, event: str, **more: Any) -> None:
        """Append an event; a folder that cannot be written to is not the learner's fault."""
        text = json.dumps({"event": event, "at": pace.wall_time(), **more}, ensure_ascii=False) + "\n"
        line, log = text.encode("utf-8", "replace"), self.folder / LOG
        try:
            # A line that a crash cut short has no end: what is appended to it would be lost with it.
            start = b"" if _ended(log) else b"\n"
            with log.open("ab", buffering=0) as file:  # in one write, so that two kernels do not mix their lines
                file.write(start + line)
        except OSError:
            return

    def events(self) -> Iterator[dict[str, Any]]:
        """What was done, in order."""
        try:
            lines = (self.folder / LOG).read_bytes().splitlines()
        except OSError:
            return
        for line in lines:
            try:
                found = json.loads(line)
            except (ValueError, RecursionError):  # cut short by a crash, or written by something else
                continue
            if isinstance(found, dict) and "event" in found:
                yield found


def _ended(log: Path) -> bool:
    """Whether a log's last line is whole; an empty log and none are."""
    try:
        with log.open("rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return True
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"
    except FileNotFoundError:
        return True


def _named(made: Path, target: Path) -> bool:
    """Move a file to a name that nobody has; False when somebody has it by now."""
    try:
        os.link(made, target)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        return _claimed(made, target)
    made.unlink()
    return True


def _claimed(made: Path, target: Path) -> bool:
    """The same by an empty file of our own under the name, which nobody else takes; then the lab takes its place."""
    try:
        target.open("xb").close()
    except FileExistsError:
        return False
    try:
        made.replace(target)
    except OSError:
        if target.stat().st_size == 0:  # the claim
            target.unlink()
        raise
    return True


def here() -> Desk:
    """The desk of this process: the learner's own, or where nobody watches one for this process alone."""
    if not surroundings.attended():
        if "" not in _here:
            folder = Path(tempfile.mkdtemp(prefix="labkit-course-"))
            _here[""] = Desk(folder, temporary=True)
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return _here[""]
    folder = surroundings.folder()
    return _here.setdefault(str(folder), Desk(folder))
