"""A trainer's end of a class: what the files of a class folder say. Nothing else is read, and nothing is written."""

from __future__ import annotations

import json
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec

from labkit.course import record
from labkit.course.cards import GREEN, Table, box
from labkit.course.telling import SCHEMA
from labkit.engine import host, pace
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _

_MOST_BYTES = 200_000
_STUCK = 10  # minutes at one step: longer than any step of the course takes
_LONGEST = 60  # letters of a name or message that a table shows
_NO_LETTERS = ("Cc", "Cf", "Cs")  # control, direction of writing, half a letter


_MOST_STEPS = 100

_Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
_Slugs = Annotated[list[str], msgspec.Meta(max_length=_MOST_STEPS)]


class Refusal(msgspec.Struct):
    """The last thing a lab refused."""

    code: Annotated[int, msgspec.Meta(ge=0, le=99_999_999)] | None = None
    message: str = ""
    at: str = ""


class Entry(msgspec.Struct):
    """One learner's file."""

    schema: int
    learner: str
    name: str
    lesson: str
    step: str
    steps: _Slugs
    done: list[str]
    tries: _Count
    since: str
    updated: str
    refusal: Refusal | None = None
    hand: str | None = None
    hand_note: str = ""
    language: str = ""


class Learner(msgspec.Struct):
    """A learner as the board shows them; ``stuck``: minutes at the step, None when all steps are done."""

    name: str
    entry: Entry
    stuck: int | None

    def as_dict(self, *, hidden: bool) -> dict[str, Any]:
        """JSON form; without what names the person if ``hidden``."""
        found = msgspec.to_builtins(self.entry) | {"name": self.name, "stuck_min": self.stuck}
        if hidden:
            found["learner"] = self.name
            found["hand_note"] = ""
            if self.entry.refusal is not None:  # its message may hold paths, and so an account
                found["refusal"] = {"code": self.entry.refusal.code}
        return dict(found)


class Board:
    """A class at one moment: ``learners``, those with a raised hand and those longest at one step first.

    ``strange``: files that are no learner's, each with the reason; with hidden names numbers instead of theirs.
    """

    def __init__(self, folder: Path, *, hide_names: bool = False) -> None:
        self.folder, self.hidden = folder, hide_names
        self.strange: dict[str, str] = {}
        self._kinds: list[str] = []
        self.read_at = pace.wall_time()
        entries = [entry for path in _files(folder) if (entry := self._read(path)) is not None]
        if hide_names:
            names = [_("Learner {number}").format(number=number) for number in range(1, len(entries) + 1)]
        else:
            names = [entry.name or entry.learner for entry in entries]
        found = [Learner(name, entry, self._stuck(entry)) for name, entry in zip(names, entries, strict=True)]
        if hide_names:
            self.strange = {str(number): kind for number, kind in enumerate(self._kinds, 1)}
        self.learners = sorted(found, key=lambda one: (not one.entry.hand, -(one.stuck or 0), one.name))

    def _read(self, path: Path) -> Entry | None:
        try:
            return _entry(path)
        except _NoEntryError as error:
            self._strange(path, error.kind, error.more)
        return None

    def _strange(self, path: Path, kind: str, more: str) -> None:
        name = shown(path.name)
        while name in self.strange:  # two long names that begin alike
            name += "+"
        self.strange[name] = shown(more) or kind
        self._kinds.append(kind)

    def _stuck(self, entry: Entry) -> int | None:
        if not entry.step or not entry.since:
            return None
        try:
            passed = _instant(self.read_at) - _instant(entry.since)
        except (ValueError, OverflowError):
            return None
        return max(0, int(passed.total_seconds()) // 60)

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "folder": shown(self.folder.name if self.hidden else str(self.folder), 1000),
            "read_at": self.read_at,
            "learners": [one.as_dict(hidden=self.hidden) for one in self.learners],
            "strange": dict(self.strange),
        }

    # --- shown --------------------------------------------------------------------------------------------------------

    def table(self) -> Table:
        """One row a learner."""
        heads = (_("Learner"), _("Lesson"), _("Steps done"), _("At step"), _("Minutes"), _("Hand"), _("Last refusal"))
        return Table(self._title(), heads, tuple(map(self._row, self.learners)), self._note())

    def _title(self) -> str:
        hands = sum(1 for one in self.learners if one.entry.hand)
        text = _("Class: {count} learners, {hands} hands raised")
        return text.format(count=len(self.learners), hands=hands)

    def _row(self, one: Learner) -> tuple[str, ...]:
        entry = one.entry
        done = sum(1 for step in entry.steps if step in entry.done)
        minutes = "" if one.stuck is None else str(one.stuck)
        if one.stuck is not None and one.stuck >= _STUCK:
            minutes = _("{minutes} (stuck)").format(minutes=minutes)
        told = ""
        if entry.refusal is not None:
            code = str(entry.refusal.code or "-")
            told = code if self.hidden else shown(f"{code}: {entry.refusal.message}")
        hand = _("raised") if entry.hand else ""
        if entry.hand and entry.hand_note and not self.hidden:
            hand = f"{hand}: {entry.hand_note}"
        at = entry.step or (_("all done") if entry.lesson else "")
        return one.name, entry.lesson, f"{done}/{len(entry.steps)}", at, minutes, hand, told

    def _note(self) -> str:
        if not self.strange:
            return ""
        if self.hidden:
            files = ", ".join(f"{self._kinds.count(kind)} ({kind})" for kind in dict.fromkeys(self._kinds))
        else:
            files = ", ".join(f"{name} ({why})" for name, why in self.strange.items())
        return _("Files that are no learner's: {files}").format(files=files)

    def matrices(self) -> list[Table]:
        """For each lesson somebody is at: learners and its steps."""
        lessons = dict.fromkeys(one.entry.lesson for one in self.learners if record.known(one.entry.lesson))
        return [self._matrix(slug) for slug in sorted(lessons, key=_place)]

    def _matrix(self, slug: str) -> Table:
        lesson = record.known(slug)
        assert lesson is not None
        heads = ("", *(str(number) for number in range(1, len(lesson.steps) + 1)))
        lines = [
            (one.name, *(self._cell(one.entry, step.slug) for step in lesson.steps))
            for one in self.learners
            if one.entry.lesson == slug
        ]
        legend = ", ".join(f"{number} {step.slug}" for number, step in enumerate(lesson.steps, 1))
        return Table(f"{lesson.name} ({legend})", heads, tuple(lines))

    def _cell(self, entry: Entry, step: str) -> str:
        if step in entry.done:
            return _("done")
        if step == entry.step:
            return _("tried {count}").format(count=entry.tries) if entry.tries else _("here")
        return "-"

    def __repr__(self) -> str:
        tables = [self.table(), *self.matrices()]
        return "\n\n".join(repr(one) for one in tables)

    def _repr_html_(self) -> str:
        shown = "".join(one._repr_html_() for one in (self.table(), *self.matrices()))
        read = _("read at {instant}").format(instant=self.read_at[11:19])
        return shown + box(GREEN, read, "")


def _place(slug: str) -> str:
    lesson = record.known(slug)
    return lesson.name if lesson is not None else slug


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix == ".json" and not path.name.startswith("."))


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    return found


class _NoEntryError(Exception):
    """``kind``: a reason in words of labkit alone; ``more``: what it is exactly, which may quote the file."""

    def __init__(self, kind: str, more: str = "") -> None:
        super().__init__(kind)
        self.kind, self.more = kind, more


def _entry(path: Path) -> Entry:
    """A learner's file, whole, with its texts as they may be shown; ``_NoEntryError``."""
    try:
        content = host.read_regular(path, _MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _NoEntryError(_("cannot be read"), getattr(error, "strerror", None) or "") from None
    if len(content) > _MOST_BYTES:
        raise _NoEntryError(_("too large"))
    try:
        plain = json.loads(content.decode("utf-8"))
        if isinstance(plain, dict) and plain.get("schema", SCHEMA) != SCHEMA:
            raise _NoEntryError(_("of another version of labkit"))
        found = msgspec.convert(plain, Entry)
        _instant(found.updated)
        if not shown(found.learner):
            raise ValueError(_("no name"))
    except (ValueError, OverflowError, RecursionError) as error:  # msgspec's and JSON's errors are ValueErrors
        raise _NoEntryError(_("not whole"), str(error)) from None
    return _clean(found)


def _clean(entry: Entry) -> Entry:
    for field, value in msgspec.structs.asdict(entry).items():
        if isinstance(value, str):
            setattr(entry, field, shown(value))
    entry.steps = [shown(step) for step in entry.steps]
    entry.done = [shown(step) for step in entry.done]
    if entry.refusal is not None:
        entry.refusal.message, entry.refusal.at = shown(entry.refusal.message, 400), shown(entry.refusal.at)
    return entry


def shown(text: str, longest: int = _LONGEST) -> str:
    """A text somebody else wrote, in one line, short, and without what a terminal takes for orders."""
    line = " ".join(text[: 10 * longest].split())
    line = "".join("?" if unicodedata.category(letter) in _NO_LETTERS else letter for letter in line)
    return line if len(line) <= longest else line[: longest - 3] + "..."


def classroom(folder: str | Path, *, hide_names: bool = False) -> Board:
    """How a class stands: learners, their steps, who is stuck, who asks for help; shown as text and as a page.

    ``folder``: what ``LABKIT_CLASS`` names on the learners' computers. Only the learners' files are read. Others in the
    folder are named (``strange``). 901107 for a folder that cannot be read.
    """
    path = Path(folder)
    try:
        return Board(path, hide_names=hide_names)
    except OSError as error:
        raise LabError(901107, folder=path, found=error.strerror or str(error)) from None
