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

from labkit.course import surroundings
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
        chosen = [
            str(event["file"]) for event in self.events() if event["event"] == "lab" and event["track"] == track.name
        ]
        for name in reversed(chosen):
            if (self.folder / name).exists():
                return self.folder / name
        return self.folder / f"{track.name}.lab"

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
        line = json.dumps({"event": event, "at": pace.wall_time(), **more}, ensure_ascii=False) + "\n"
        try:
            with (self.folder / LOG).open("ab") as file:
                file.write(line.encode("utf-8", "replace"))
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
            except ValueError:  # cut short by a crash
                continue
            if isinstance(found, dict) and "event" in found:
                yield found


def _named(made: Path, target: Path) -> bool:
    """Move a file to a name that nobody has; False when somebody has it by now."""
    try:
        os.link(made, target)
    except FileExistsError:
        return False
    except OSError:  # a file system without links: the look before has to do
        made.rename(target)
        return True
    made.unlink()
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
