"""The portal's own part of a view: which page is open, what is chosen, an open dialog, notices; and what clicks do."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labkit.engine import jobs, pace, texts
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.lab.views import Job
from labkit.portal import blocks, dialogs, pages, plandrafts, results
from labkit.portal.blocks import Block, Command, Page
from labkit.portal.controls import CONTROLS
from labkit.portal.heart import Heart
from labkit.portal.pages.context import Context
from labkit.portal.pages.jobs import played_elsewhere
from labkit.portal.script import Script
from labkit.portal.seldom import Answers
from labkit.views.titles import job_state

if TYPE_CHECKING:
    from labkit.lab import Lab
    from labkit.lab.plandraft import PlanDraft

_SECONDS = 1.0  # between two looks at a page while the clock plays
_MOST_NOTICES = 4
_ENDS = ("draft.save", "draft.discard")  # with these a draft is done with
_STATES = {
    jobs.IN_PROGRESS: blocks.BUSY,
    jobs.SUSPENDED: blocks.WARN,
    jobs.SUCCEEDED: blocks.GOOD,
    jobs.FAILED: blocks.BAD,
}


@dataclasses.dataclass
class Notice:
    """What is told at the foot: a text and its state, or a job, whose state is told. ``id``: which one is closed."""

    id: int
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
        self._opened: Command | None = None  # what the dialog is of
        self._result: list[Block] = []
        self._notices: list[Notice] = []
        self._numbers = itertools.count(1)
        self._script = Script()
        self._drafts: dict[str, plandrafts.Held] = {}
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
        try:
            self._page = self._built()
            if self._let_go():
                self._page = self._built()
        except LabError as error:
            self._page = Page(_("Not there"), [blocks.note("error", str(error), state=blocks.BAD)])

    def _built(self) -> Page:
        return pages.build(
            Context(self._lab, self._path, self._chosen, self._drafts, self._heart.follower, self._known, self._answers)
        )

    def _let_go(self) -> bool:
        """What is chosen in a table and is there no more does not count; whether there was anything of that kind."""
        there = {block["key"]: {row["id"] for row in block["rows"]} for block in self._page.blocks if "choose" in block}
        left = {key: [one for one in rows if one in there.get(key, ())] for key, rows in self._chosen.items()}
        gone, self._chosen = left != self._chosen, left
        return gone

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
            "script": self._script.lines(),
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
            return {"id": notice.id, "text": notice.text, "state": notice.state, "go": None}
        job = self._lab.jobs.get(notice.job)
        state = job.state if job is not None else ""
        text = f"{notice.text}: {job_state(state)}"
        if state == jobs.IN_PROGRESS and self._lab.clock.player is None:
            text = _("{text}. Time stands still: press Play, or Next event.").format(text=text)
        state = _STATES.get(state, blocks.WARN)
        return {"id": notice.id, "text": text, "state": state, "go": ["jobs", notice.job]}

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
        try:
            acts[what](value)
        finally:  # what is refused may have changed the screen as well
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
        preset = dict(command.preset)
        if plan := str(preset.get("_draft") or ""):
            root = _Holder(self._lab, self._drafts, plan)
            preset["_variable"] = self._script.variable(plan)
        self._dialog = dialogs.open_dialog(self._lab, control, preset, root, command.title)
        self._opened = command

    def _field(self, value: Any) -> None:
        if self._dialog is not None:
            self._dialog.enter(str(value["name"]), value.get("value"))

    def _press(self, value: Any) -> None:
        dialog, command = self._dialog, self._opened
        if dialog is None or command is None or value.get("page", dialog.place) != dialog.place:
            return  # the second click of two is not about the next page
        for name, entered in dict(value.get("values") or {}).items():
            dialog.hold(str(name), entered)
        dialog.error = None
        try:
            if command.control == "wait" and (why := played_elsewhere(self._lab)):  # since the dialog was opened
                raise LabError(900986, title=command.title, why=why)
            outcome = dialog.press(str(value["button"]))
        except LabError as error:
            dialog.error = error
            return
        dialog.error = outcome.refusal
        if outcome.done:
            self._dialog = None
        if outcome.lines:
            self._happened(dialog.title, command, outcome)

    def _happened(self, title: str, command: Command, outcome: dialogs.Outcome) -> None:
        """A command was done: notices of its jobs, its lines for the script, what it gave back."""
        plan = str(command.preset.get("_draft") or "")
        if plan:
            last = command.control in _ENDS
            self._script.add_of_draft(plan, self._drafts[plan].draft, outcome.lines, last=last)
        else:
            self._script.add(outcome.lines)
        begun = [one for one in outcome.given if isinstance(one, Job)]
        for job in begun:
            self._tell(pages.job_title(self._lab, job), job.id)
        if not begun:
            self._tell(_("{title}: done").format(title=title))
        shown = [results.shown(self._lab, one, f"result-{place}") for place, one in enumerate(outcome.given)]
        self._result = list(itertools.chain.from_iterable(shown))

    def _tell(self, text: str, job: str = "") -> None:
        self._notices = [*self._notices, Notice(next(self._numbers), text, job=job)][-_MOST_NOTICES:]

    def _cancel(self, _value: Any) -> None:
        dialog, self._dialog = self._dialog, None  # it is closed, also when what it has changed cannot be put right
        if dialog is not None:
            dialog.cancel()

    def _close(self, _value: Any) -> None:
        self._result = []

    def _dismiss(self, value: Any) -> None:
        self._notices = [one for one in self._notices if one.id != value]

    def _language(self, value: Any) -> None:
        texts.set_language(str(value))
        self.spoken()

    def figure(self) -> Any:
        """None: the charts of the view are its picture."""
        return None


class _Holder:
    """What a control's path begins at when it is not the lab: a plan that is being changed."""

    def __init__(self, lab: Lab, drafts: dict[str, plandrafts.Held], name: str) -> None:
        self._lab, self._drafts, self._name = lab, drafts, name

    @property
    def draft(self) -> PlanDraft:
        """The draft as it is now: another one when the plan is another."""
        return plandrafts.of(self._lab, self._drafts, self._name).draft
