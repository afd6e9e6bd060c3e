"""An open dialog: what it asks, what was entered, the line of Python, and what its buttons do.

It lives in Python, so that a page that is loaded anew shows it as it was. A refusal stays in the dialog, with cause and
what to do; nothing is lost of what was typed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.portal import choices as offered
from labkit.portal import forms, titles
from labkit.portal.forms import Choices, Control, Field, Values

if TYPE_CHECKING:
    from labkit.lab import Lab
    from labkit.lab.wizards import FieldView, Wizard


class Outcome(NamedTuple):
    """What a button did: whether the dialog is done, what the calls gave, and the Python of just those calls.

    ``refusal``: of a later one of several calls, when earlier ones are done.
    """

    done: bool
    given: list[Any]
    lines: list[str]
    refusal: LabError | None = None


class Dialog(Protocol):
    """What the screen needs of a dialog."""

    title: str
    error: LabError | None

    @property
    def place(self) -> int:
        """The number of the page that is open."""

    def data(self) -> dict[str, Any]:
        """As the page gets it."""

    def enter(self, name: str, entered: Any) -> None:
        """A field was changed."""

    def hold(self, name: str, entered: Any) -> None:
        """What the page has in a field when a button is pressed, changed or not."""

    def press(self, button: str) -> Outcome:
        """A button other than Cancel."""

    def lines(self) -> list[str]:
        """The Python that does the same."""

    def cancel(self) -> None:
        """Nothing more happens."""


class _Told:
    """What the keys of a dialog's choices mean, of all that its page was ever told."""

    def __init__(self) -> None:
        self._meaning: dict[str, dict[str, Any]] = {}
        self._present: dict[str, list[Any]] = {}

    def data(self, fields: list[Field]) -> list[dict[str, Any]]:
        """The fields as the page gets them."""
        for field in fields:
            self._meaning.setdefault(field.name, {}).update(field.meaning())
            if field.untouched:
                self._present.setdefault(field.name, []).append(field.value)
        return [field.data() for field in fields]

    def as_it_was(self, name: str, value: Any) -> bool:
        """Whether a page was told this as what is set now: it may be another by the time it sends it back."""
        return value in self._present.get(name, [])

    def read(self, field: Field, entered: Any) -> Any:
        """What the page sent as a value."""
        return field.read(entered, self._meaning.get(field.name))


def _error_data(error: LabError | None) -> dict[str, Any] | None:
    return None if error is None else {**error.as_dict(), "text": str(error)}


class Form:
    """A dialog of one page: a control's fields and an OK tick."""

    place = 0

    def __init__(self, lab: Lab, control: Control, preset: Values, root: Any, title: str = "") -> None:
        self._lab, self._control, self._root = lab, control, root
        self._vmm = str(preset.get("_vmm") or "")
        self._variable = str(preset.get("_variable") or "draft")
        self._tick = str(preset.get("_tick") or _(control.tick))
        self._entered: Values = {}
        self._preset = dict(preset)
        self.title = title or _(control.title)
        self.error: LabError | None = None
        self._ticked = False
        self._told = _Told()

    def fields(self) -> list[Field]:
        """What is asked now: not what the page has said already."""
        values = {**self._preset, **self._entered}
        found = forms.fields(self._control, self._lab, self._root, values, offered.COMMON)
        asked = self._preset.get("_open", ())  # begins with what the page says, and can be changed
        fixed = {name for name in self._preset if not name.startswith("_") and name not in (*self._entered, *asked)}
        return [one for one in found if one.name not in fixed or self._control.each == one.name]

    def _given(self) -> Values:
        known = {name: value for name, value in self._preset.items() if not name.startswith("_")}
        return forms.arguments(self.fields(), known)

    def lines(self) -> list[str]:
        """A call, or one for each that was chosen."""
        return [self._line(*call) for call in forms.calls(self._control, self._root, self._given())]

    def _line(self, placed: list[Any], named: Values) -> str:
        return forms.line(self._control, placed, named, vmm=self._vmm, draft=self._variable)

    def data(self) -> dict[str, Any]:
        """As the page gets it."""
        asked = self._told.data(self.fields())
        if self._tick:
            asked.append(Field("_tick", self._tick, "flag", self._ticked, required=True).data())
        open_ = self._preset.get("_open", ())  # these have a field
        subject = [
            str(value) for name, value in self._preset.items() if value and name in _SUBJECTS and name not in open_
        ]
        return {
            "title": self.title,
            "subject": ", ".join(subject),
            "text": _(self._control.text),
            "pages": [],
            "page": 0,
            "fields": asked,
            "lines": forms.script(self.lines()),
            "error": _error_data(self.error),
            "buttons": ["ok", "cancel"],
        }

    def enter(self, name: str, entered: Any) -> None:
        """A field was changed."""
        if name == "_tick":
            self._ticked = bool(entered)
            return
        field = next((one for one in self.fields() if one.name == name), None)
        if field is not None:
            self._entered[name] = self._told.read(field, entered)

    def hold(self, name: str, entered: Any) -> None:
        """What the page has at OK: a field that was left alone stays what is set, whoever has changed that since."""
        field = next((one for one in self.fields() if one.name == name), None)
        left = field is not None and self._told.as_it_was(name, self._told.read(field, entered))
        if name in self._entered or not left:
            self.enter(name, entered)

    def press(self, button: str) -> Outcome:
        """OK: the call, or one for each that was chosen, until one is refused."""
        if button != "ok":
            raise LabError(900801, found=button)
        if self._tick and not self._ticked:
            raise LabError(900983, tick=self._tick)
        method = self._control.method(self._root, self._vmm)
        given = self._given()
        made = forms.calls(self._control, self._root, given)
        if not made:
            raise LabError(900984, field=titles.of(self._control.each))
        done: list[Any] = []
        lines: list[str] = []
        for placed, named in made:
            try:
                done.append(method(*placed, **named))
            except LabError as error:
                if not done:
                    raise
                # What is done is told, and not offered again; the rest stays chosen.
                self._entered[self._control.each] = list(given[self._control.each])[len(done) :]
                return Outcome(False, done, lines, error)
            lines.append(self._line(placed, named))
        return Outcome(True, done, lines)

    def cancel(self) -> None:
        """Nothing has happened."""


# What a dialog is about, if the page has said it.
_SUBJECTS = ("vm", "name", "cloud", "machine", "server", "host")

# How the pages' fields are named as arguments of the one call, and which argument is the server they run on.
_AS_CALL: dict[str, tuple[str, dict[str, str]]] = {
    "vmm-setup": ("server", {}),
    "provider": ("server", {}),
    "registration": ("server", {}),
    "agent": ("host", {}),
    "add-host": ("", {"computers": "names", "selected": "", "place": ""}),
    "create-cloud": ("", {}),
    "recovery-plan": ("", {"source": "server", "target": ""}),
}
_CALLS = {"add-host": "site.vmm.add_hosts"}
_TITLES = {
    "trusted-domain": mark("Trusted Active Directory domain"),
    "untrusted-domain": mark("Untrusted Active Directory domain"),
    "workgroup": mark("Perimeter network (workgroup)"),
}


def _unmanaged(lab: Lab, values: Values) -> list[forms.Choice]:
    managed = lab.site.vmm.on(str(values.get("_vmm"))).hosts if values.get("_vmm") else lab.site.vmm.hosts
    return offered.plain(name for name, role in lab.site.servers.items() if role == "host" and name not in managed)


_PAGE_CHOICES: dict[tuple[str, str], Choices] = {
    ("add-host", "credentials"): offered.accounts,
    ("add-host", "selected"): lambda lab, values: offered.plain(values.get("computers") or ()),
    ("add-host", "group"): offered.host_groups,
    ("create-cloud", "groups"): offered.host_groups,
    ("create-cloud", "networks"): offered.logical_networks,
    ("create-cloud", "profiles"): offered.COMMON["profiles"],
    ("registration", "key"): offered.kept_files(".VaultCredentials"),
    ("provider", "key"): offered.kept_files(".VaultCredentials"),
    ("recovery-plan", "source"): offered.vmm_servers,
    ("recovery-plan", "vms"): lambda lab, values: offered.plain(
        lab.vault.plan_vms(values.get("source"), values.get("target") or "azure")
    ),
}
_DRAWN = {"flag": "flag", "port": "number", "list": "list", "path": "path", "secret": "secret"}


class Pages:
    """A dialog of several pages: one of the lab's wizards."""

    def __init__(self, lab: Lab, control: Control, preset: Values, wizard: Wizard) -> None:
        self._lab, self._control, self._wizard = lab, control, wizard
        self._preset = dict(preset)
        self._first: Values = {}  # what each field had when its page was first seen
        self._entered: Values = {}
        self.title = wizard.title
        self.error: LabError | None = None
        self._told = _Told()

    def fields(self) -> list[Field]:
        """The fields of the page, with what was entered."""
        return [self._field(view) for view in self._wizard.fields]

    def _field(self, view: FieldView) -> Field:
        self._first.setdefault(view.name, view.value)
        value = self._entered.get(view.name, view.value)
        known = _PAGE_CHOICES.get((self._control.wizard, view.name))
        values = {**self._first, **self._entered, **self._preset}
        if known is not None:
            choices: list[forms.Choice] | None = list(known(self._lab, values))
        else:
            choices = [(one, _(_TITLES.get(one, one))) for one in view.choices] or None
        kind = _DRAWN.get(view.kind, "text")
        if choices is not None and kind != "path":
            kind = "many" if kind == "list" else "choice"
        required = view.value is None
        if kind == "choice" and choices and value not in [one for one, _title in choices]:
            choices = [(value, "" if value is None else str(value)), *choices]
        return Field(view.name, view.title, kind, value, required, choices)

    @property
    def place(self) -> int:
        """The number of the page that is open; behind the last one when all are through."""
        return self._wizard.pages.index(self._wizard.page) if self._wizard.page else len(self._wizard.pages)

    def lines(self) -> list[str]:
        """The one call that has all pages."""
        subject, names = _AS_CALL[self._control.wizard]
        given: Values = {}
        if subject and (subject == "host" or self._preset.get(subject)):
            given[subject] = self._wizard.subject
        for name, value in self._entered.items():
            called = names.get(name, name)
            if called and value != self._first.get(name):
                given[called] = "" if value is None else value  # as Next hands it in
        control = _as_call(self._control)
        placed, named = forms.split(control, self._lab, given, exact=True)
        vmm = str(self._preset.get("_vmm") or "")
        return [forms.line(control, placed, named, vmm=vmm)]

    def data(self) -> dict[str, Any]:
        """As the page gets it."""
        page, place = self._wizard.page, self.place
        return {
            "title": self.title,
            "subject": self._wizard.subject,
            "text": self._wizard.note if page else _("All pages are filled in."),
            "pages": self._wizard.pages,
            "page": place,
            "fields": self._told.data(self.fields()),
            "lines": forms.script(self.lines()),
            "error": _error_data(self.error),
            "buttons": [*(["back"] if place else []), "next" if page else "finish", "cancel"],
        }

    def enter(self, name: str, entered: Any) -> None:
        """A field was changed."""
        field = next((one for one in self.fields() if one.name == name), None)
        if field is not None:
            self._entered[name] = self._told.read(field, entered)

    def hold(self, name: str, entered: Any) -> None:
        """What the page has when a button is pressed."""
        self.enter(name, entered)

    def press(self, button: str) -> Outcome:
        """Next, Back, Finish."""
        if button == "back":
            self._wizard.back()
        elif button == "next":
            values = {one.name: one.value for one in self.fields() if one.name in self._entered}
            self._wizard.next(**{name: "" if value is None else value for name, value in values.items()})
        elif button == "finish":
            lines, result = self.lines(), self._wizard.finish()
            return Outcome(True, result if isinstance(result, list) else [result], lines)
        else:
            raise LabError(900801, found=button)
        return Outcome(False, [], [])

    def cancel(self) -> None:
        """Close it; what it has changed on the way is put right by the wizard itself."""
        self._wizard.cancel()


def _as_call(control: Control) -> Control:
    return Control(_CALLS.get(control.wizard, control.command), control.title)


def open_dialog(lab: Lab, control: Control, preset: Values, root: Any, title: str = "") -> Dialog:
    """The dialog of a control: its wizard's pages, or its form."""
    if not control.wizard:
        return Form(lab, control, preset, root, title)
    if control.wizard == "recovery-plan":
        return Pages(lab, control, preset, lab.vault.plan_wizard())
    subject, _names = _AS_CALL[control.wizard]
    server = preset.get(subject) if subject else preset.get("_vmm")
    return Pages(lab, control, preset, lab.site.wizard(control.wizard, server))
