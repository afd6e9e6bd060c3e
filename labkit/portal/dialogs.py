"""An open dialog: what it asks, what was entered, the line of Python, and what its buttons do.

It lives in Python, so that a page that is loaded anew shows it as it was. A refusal stays in the dialog, with cause and
what to do; nothing is lost of what was typed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.portal import choices as offered
from labkit.portal import forms, titles
from labkit.portal.forms import Choices, Control, Field, Values

if TYPE_CHECKING:
    from labkit.lab import Lab
    from labkit.lab.wizards import FieldView, Wizard


class Dialog(Protocol):
    """What the screen needs of a dialog."""

    title: str
    error: LabError | None

    def data(self) -> dict[str, Any]:
        """As the page gets it."""

    def enter(self, name: str, entered: Any) -> None:
        """A field was changed."""

    def press(self, button: str) -> tuple[bool, list[Any]]:
        """A button other than Cancel: whether the dialog is done, and what the calls gave."""

    def lines(self) -> list[str]:
        """The Python that does the same."""

    def cancel(self) -> None:
        """Nothing more happens."""


def _error_data(error: LabError | None) -> dict[str, Any] | None:
    return None if error is None else {**error.as_dict(), "text": str(error)}


class Form:
    """A dialog of one page: a control's fields and an OK tick."""

    def __init__(self, lab: Lab, control: Control, preset: Values, root: Any, title: str = "") -> None:
        self._lab, self._control, self._root = lab, control, root
        self._vmm = str(preset.get("_vmm") or "")
        self._entered: Values = {}
        self._preset = dict(preset)
        self.title = title or _(control.title)
        self.error: LabError | None = None
        self._ticked = False

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
        made = forms.calls(self._control, self._root, self._given())
        return [forms.line(self._control, *call, vmm=self._vmm) for call in made]

    def data(self) -> dict[str, Any]:
        """As the page gets it."""
        tick = self._control.tick
        asked = [one.data() for one in self.fields()]
        if tick:
            asked.append(Field("_tick", _(tick), "flag", self._ticked, required=True).data())
        subject = [str(value) for name, value in self._preset.items() if name in ("vm", "name", "cloud", "machine")]
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
            self._entered[name] = field.read(entered)

    def press(self, button: str) -> tuple[bool, list[Any]]:
        """OK: the call, or one for each that was chosen, until one is refused."""
        if button != "ok":
            raise LabError(900801, found=button)
        if self._control.tick and not self._ticked:
            raise LabError(900983, tick=_(self._control.tick))
        method = self._control.method(self._root, self._vmm)
        made = forms.calls(self._control, self._root, self._given())
        if not made:
            raise LabError(900984, field=titles.of(self._control.each))
        done = []
        for placed, named in made:
            done.append(method(*placed, **named))
            if self._control.each:  # what is done is not offered again if a later one is refused
                self._entered[self._control.each] = [
                    one for one in self._given()[self._control.each] if one not in placed and one not in named.values()
                ]
        return True, done

    def cancel(self) -> None:
        """Nothing has happened."""


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

    def lines(self) -> list[str]:
        """The one call that has all pages."""
        subject, names = _AS_CALL[self._control.wizard]
        given: Values = {}
        if subject and (subject == "host" or self._preset.get(subject)):
            given[subject] = self._wizard.subject
        for name, value in self._entered.items():
            called = names.get(name, name)
            if called and value != self._first.get(name):
                given[called] = value
        control = _as_call(self._control)
        placed, named = forms.split(control, self._lab, given)
        vmm = str(self._preset.get("_vmm") or "")
        return [forms.line(control, placed, named, vmm=vmm)]

    def data(self) -> dict[str, Any]:
        """As the page gets it."""
        titles, page = self._wizard.pages, self._wizard.page
        place = titles.index(page) if page else len(titles)
        return {
            "title": self.title,
            "subject": self._wizard.subject,
            "text": self._wizard.note if page else _("All pages are filled in."),
            "pages": titles,
            "page": place,
            "fields": [one.data() for one in self.fields()],
            "lines": forms.script(self.lines()),
            "error": _error_data(self.error),
            "buttons": [*(["back"] if place else []), "next" if page else "finish", "cancel"],
        }

    def enter(self, name: str, entered: Any) -> None:
        """A field was changed."""
        field = next((one for one in self.fields() if one.name == name), None)
        if field is not None:
            self._entered[name] = field.read(entered)

    def press(self, button: str) -> tuple[bool, list[Any]]:
        """Next, Back, Finish."""
        if button == "back":
            self._wizard.back()
        elif button == "next":
            values = {one.name: one.value for one in self.fields() if one.name in self._entered}
            self._wizard.next(**{name: "" if value is None else value for name, value in values.items()})
        elif button == "finish":
            result = self._wizard.finish()
            return True, result if isinstance(result, list) else [result]
        else:
            raise LabError(900801, found=button)
        return False, []

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
