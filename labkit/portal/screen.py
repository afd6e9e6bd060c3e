"""The portal's own part of a view: which page is open, what is chosen, an open dialog, notices; and what clicks do."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from labkit.engine import jobs, pace, texts
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.lab.views import Job
from labkit.portal import blocks, dialogs, forms, pages, results
from labkit.portal.blocks import Block, Command, Page
from labkit.portal.controls import CONTROLS
from labkit.portal.heart import Heart
from labkit.portal.pages.context import Context
from labkit.portal.seldom import Answers
from labkit.views.titles import job_state

_SECONDS = 1.0  # between two looks at a page while the clock plays
_MOST_NOTICES, _MOST_LINES = 4, 200
_STATES = {
    jobs.IN_PROGRESS: blocks.BUSY,
    jobs.SUSPENDED: blocks.WARN,
    jobs.SUCCEEDED: blocks.GOOD,
    jobs.FAILED: blocks.BAD,
}


@dataclasses.dataclass
class Notice:
    """What is told at the foot: a text and its state, or a job, whose state is told."""

    text: str
    state: str = blocks.GOOD
    job: str = ""


class Screen:
    """The part "portal". ``charts``: names of the live charts that the view has; ``spoken``: told of a new language."""

    name = "portal"

    def __init__(self, heart: Heart, path: tuple[str, ...] = ("quick",), charts: Sequence[str] = ()) -> None:
        self._heart, self._lab = heart, heart.lab
        self._path, self._known = path, tuple(charts)
        self._answers = Answers()
        self._chosen: dict[str, list[str]] = {}
        self._page = Page("")
        self._dialog: dialogs.Dialog | None = None
        self._draft = ""  # the plan that the open dialog changes
        self._result: list[Block] = []
        self._notices: list[Notice] = []
        self._script: list[str] = []
        self._drafts: dict[str, Any] = {}
        self._told: dict[str, Any] = {}
        self._seen: tuple[int, int] = (-1, -1)
        self._looked = float("-inf")
        self._clicked = False  # the page was asked for a click, and has not been told since
        self.spoken: Callable[[], None] = lambda: None

    # --- telling ------------------------------------------------------------------------------------------------------

    @property
    def charts(self) -> list[str]:
        """The parts that the open page shows."""
        return self._page.charts

    @property
    def vm(self) -> str:
        """The VM whose page is open, "" while none is."""
        return self._path[3] if self._path[0] == "items" and len(self._path) > 3 else ""

    @property
    def point(self) -> int | None:
        """The recovery point that is chosen on the VM's page."""
        chosen = self._chosen.get("points", [])
        return int(chosen[0]) if chosen and chosen[0].isdigit() else None

    def pick(self, point: int | None) -> None:
        """A recovery point was picked in the chart: the row of the table is chosen."""
        self._choose({"key": "points", "rows": [] if point is None else [point]})
        self._changed()

    def state(self) -> dict[str, Any]:
        """Everything there is on the screen."""
        self._look()
        self._told, self._clicked = self._data(), False
        return {"all": True, **self._whole(self._told)}

    @staticmethod
    def _whole(data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "blocks": {"order": list(data["blocks"]), "changed": data["blocks"]}}

    def news(self) -> dict[str, Any] | None:
        """What is another than was told: looked for once a second while time or facts move, at once after a click."""
        if not self._clicked:
            same = (self._heart.follower.now, self._heart.follower.seen) == self._seen
            if (same and not self._answers.late) or pace.ticks() - self._looked < _SECONDS:
                return None
            self._look()
        self._clicked = False
        return self._difference()

    def _difference(self) -> dict[str, Any] | None:
        data, told = self._data(), self._told
        if not told:
            return {"all": True, **self._whole(data)}
        found = {name: value for name, value in data.items() if name != "blocks" and value != told.get(name)}
        before, after = told["blocks"], data["blocks"]
        changed = {key: block for key, block in after.items() if block != before.get(key)}
        if changed or list(before) != list(after):
            found["blocks"] = {"order": list(after), "changed": changed}
        self._told = data
        return found or None

    def _look(self) -> None:
        """Ask the open page anew."""
        self._seen, self._looked = (self._heart.follower.now, self._heart.follower.seen), pace.ticks()
        self._answers.late = False
        context = Context(
            self._lab, self._path, self._chosen, self._drafts, self._heart.follower, self._known, self._answers
        )
        try:
            self._page = pages.build(context)
        except LabError as error:
            self._page = Page(_("Not there"), [blocks.note("error", str(error), state=blocks.BAD)])

    def _data(self) -> dict[str, Any]:
        page = self._page
        data = {
            "nav": [
                {"title": title, "go": list(path), "here": path[0] == self._path[0]} for title, path in pages.tabs()
            ],
            "head": {
                "lab": self._lab.path.name,
                "title": page.title,
                "path": list(self._path),
                "crumbs": [{"title": title, "go": list(path)} for title, path in page.crumbs],
                "tabs": self._tabs(),
                "language": texts.language(),
            },
            "blocks": {block["key"]: block for block in page.blocks},
            "commands": {command.key: command.data() for command in page.commands},
            "dialog": None if self._dialog is None else self._dialog.data(),
            "result": self._result,
            "notices": [self._notice(notice) for notice in self._notices],
            "script": self._script[-_MOST_LINES:],
        }
        # As it will be on the line: a tuple and a list are the same there, and so are they when told from before.
        return json.loads(json.dumps(data))  # type: ignore[no-any-return]

    def _tabs(self) -> list[dict[str, Any]]:
        """The parts of the page; the first one is open where the path names none."""
        here = [self._path[: len(path)] == path for _title, path in self._page.tabs]
        if here and not any(here):
            here[0] = True
        return [
            {"title": title, "go": list(path), "here": open_}
            for (title, path), open_ in zip(self._page.tabs, here, strict=True)
        ]

    def _notice(self, notice: Notice) -> dict[str, Any]:
        if not notice.job:
            return {"text": notice.text, "state": notice.state, "go": None}
        job = self._lab.jobs.get(notice.job)
        state = job.state if job is not None else ""
        text = f"{notice.text}: {job_state(state)}"
        if state == jobs.IN_PROGRESS and self._lab.clock.player is None:
            text = _("{text}. Time stands still: press Play, or Next event.").format(text=text)
        return {"text": text, "state": _STATES.get(state, blocks.WARN), "go": ["jobs", notice.job]}

    # --- doing --------------------------------------------------------------------------------------------------------

    def do(self, what: str, value: Any) -> None:
        """A click; what is refused in a dialog is shown there."""
        acts: Mapping[str, Callable[[Any], None]] = {
            "go": self._go,
            "choose": self._choose,
            "command": self._command,
            "field": self._field,
            "press": self._press,
            "cancel": self._cancel,
            "close": self._close,
            "dismiss": self._dismiss,
            "language": self._language,
        }
        if what not in acts:
            raise LabError(900801, found=what)
        acts[what](value)
        if what == "press":
            self._answers.forget()
        self._heart.follower.look(self._lab)
        self._changed()

    def _changed(self) -> None:
        """Something was clicked: it is told with the next turn, which follows at once."""
        self._look()
        self._clicked = True

    def _go(self, value: Any) -> None:
        self._path = tuple(str(one) for one in value) or ("quick",)
        self._chosen, self._result = {}, []

    def go(self, *path: str) -> None:
        """Open a page, such as ("items", "OnPremise Cloud")."""
        self._go(path)
        self._look()

    def _choose(self, value: Any) -> None:
        self._chosen[str(value["key"])] = [str(one) for one in value["rows"]]

    def _command(self, value: Any) -> None:
        command = next((one for one in self._page.commands if one.key == value), None)
        if command is None:
            raise LabError(900801, found=value)
        if command.why:
            raise LabError(900986, title=command.title, why=command.why)
        self._open(command)

    def _open(self, command: Command) -> None:
        control = CONTROLS[command.control]
        self._cancel(None)
        self._result = []
        root: Any = self._lab
        self._draft = str(command.preset.get("_draft") or "")
        if self._draft:
            root = _Holder(self._drafts, self._draft)
        self._dialog = dialogs.open_dialog(self._lab, control, dict(command.preset), root, command.title)

    def _field(self, value: Any) -> None:
        if self._dialog is not None:
            self._dialog.enter(str(value["name"]), value.get("value"))

    def _press(self, value: Any) -> None:
        dialog = self._dialog
        if dialog is None or value.get("page", dialog.place) != dialog.place:
            return  # the second click of two is not about the next page
        for name, entered in dict(value.get("values") or {}).items():
            dialog.enter(str(name), entered)
        lines, dialog.error = dialog.lines(), None
        try:
            done, given = dialog.press(str(value["button"]))
        except LabError as error:
            dialog.error = error
            return
        if done:
            self._dialog = None
            self._ended(dialog, lines, given)

    def _ended(self, dialog: dialogs.Dialog, lines: list[str], given: list[Any]) -> None:
        """A dialog's command was done: notices of its jobs, its lines for the script, what it gave back."""
        if self._draft:
            first = forms.draft_line(self._draft)
            drafts = [line for line in self._since_save() if line.startswith("draft = ")]
            lines = lines if drafts[-1:] == [first] else [first, *lines]
        self._script += lines
        begun = [one for one in given if isinstance(one, Job)]
        for job in begun:
            self._notices.append(Notice(pages.job_title(self._lab, job), job=job.id))
        if not begun:
            self._notices.append(Notice(_("{title}: done").format(title=dialog.title)))
        self._notices = self._notices[-_MOST_NOTICES:]
        self._result = [block for place, one in enumerate(given) for block in results.shown(one, f"result-{place}")]

    def _since_save(self) -> list[str]:
        """The lines since a plan was last saved, from the end: those that a further line of the draft goes on from."""
        places = [place for place, line in enumerate(self._script) if line == "draft.save()"]
        return self._script[places[-1] + 1 if places else 0 :]

    def _cancel(self, _value: Any) -> None:
        if self._dialog is not None:
            self._dialog.cancel()
        self._dialog = None

    def _close(self, _value: Any) -> None:
        self._result = []

    def _dismiss(self, value: Any) -> None:
        del self._notices[int(value) : int(value) + 1]

    def _language(self, value: Any) -> None:
        texts.set_language(str(value))
        self.spoken()

    def figure(self) -> Any:
        """None: the charts of the view are its picture."""
        return None


class _Holder:
    """What a control's path begins at when it is not the lab: a plan that is being changed."""

    def __init__(self, drafts: Mapping[str, Any], name: str) -> None:
        self._drafts, self._name = drafts, name

    @property
    def draft(self) -> Any:
        """The draft as it is now: the page takes a fresh one while nothing was changed."""
        return self._drafts[self._name]
