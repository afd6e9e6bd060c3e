"""A control's form: fields from the command's signature, what was entered as arguments, and the line of Python.

A control names a command of the lab by its path; nothing else is known of it here. Fields have the kinds that a page
can draw: text, number, flag, choice, many, list (one a line), path, secret; pairs and disks are lists whose lines have
parts.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labkit.engine.texts import gettext as _
from labkit.portal import titles

if TYPE_CHECKING:
    from labkit.lab import Lab

Values = dict[str, Any]
Choice = tuple[Any, str]
Choices = Callable[["Lab", Values], Sequence[Choice]]
Default = Callable[["Lab", Values], Any]
NOT_ASKED = ("wait", "take_over")
MISSING: Any = inspect.Parameter.empty
_SECRETS = ("password", "product_key")


def _pairs(lines: list[str]) -> dict[str, str] | None:
    """``name=value`` a line."""
    parts = [line.partition("=") for line in lines]
    return {name.strip(): value.strip() for name, _equals, value in parts} or None


def _disks(lines: list[str]) -> list[dict[str, str]]:
    """``name size`` a line; what more there is goes to the size, which the lab refuses in words."""
    return [{"name": name, "size": size.strip()} for name, _space, size in (line.partition(" ") for line in lines)]


_LISTS: dict[str, Callable[[list[str]], Any]] = {"list": list, "pairs": _pairs, "disks": _disks}


@dataclasses.dataclass(frozen=True)
class Field:
    """A field as a page draws it. ``value`` None: empty; ``choices``: value and title each, None where any is right.

    ``present``: what is set now, of a field that begins with it.
    """

    name: str
    title: str
    kind: str
    value: Any = None
    required: bool = False
    choices: Sequence[Choice] | None = None
    hint: str = ""
    present: Any = None

    @property
    def untouched(self) -> bool:
        """Whether it has what is set now."""
        if self.kind == "many" and self.present is not None:
            return sorted(map(repr, self.value or ())) == sorted(map(repr, self.present))
        return self.present is not None and bool(self.value == self.present)

    def keys(self) -> list[str]:
        """What each choice is called on the line: by its value, since a list may be another when a click arrives."""
        return [_key(value) for value, _title in self.choices or ()]

    def data(self) -> dict[str, Any]:
        """As the page gets it; what is chosen is told by its place."""
        found: dict[str, Any] = {
            "name": self.name,
            "title": self.title,
            "kind": self.kind,
            "required": self.required,
            "hint": self.hint,
        }
        if self.kind == "secret":  # never sent back: the page keeps what was typed there
            return {**found, "value": bool(self.value)}
        if self.choices is None:
            drawn = "list" if self.kind in _LISTS else self.kind
            return {**found, "kind": drawn, "value": self._lines() if drawn == "list" else self.value}
        values = [value for value, _title in self.choices]
        if self.kind == "many":
            chosen: Any = [values.index(value) for value in self.value or () if value in values]
        elif self.kind == "path":
            return {**found, "value": self.value, "choices": [str(value) for value in values]}
        else:
            chosen = values.index(self.value) if self.value in values else None
        return {**found, "value": chosen, "choices": [title for _value, title in self.choices], "keys": self.keys()}

    def _lines(self) -> str:
        """The lines of a list."""
        if isinstance(self.value, Mapping):
            return "\n".join(f"{name}={value}" for name, value in self.value.items())
        rows = self.value or ()
        return "\n".join(f"{row['name']} {row['size']}" if isinstance(row, Mapping) else str(row) for row in rows)

    def read(self, entered: Any, told: Mapping[str, Any] | None = None) -> Any:
        """What the page sent as a value; a number that is none stays a text, which the lab refuses in words.

        A choice is sent by its key (or place); ``told``: what keys meant that a page was told of before.
        """
        if self.choices is not None and self.kind != "path":
            known = {**(told or {}), **self.meaning()}
            if self.kind == "many":
                return [known[one] for one in map(self._as_key, entered or ()) if one in known]
            return known.get(self._as_key(entered)) if entered not in (None, "") else None
        if self.kind == "flag":
            return bool(entered)
        if self.kind in _LISTS:
            lines = [line.strip() for line in str(entered or "").splitlines() if line.strip()]
            return _LISTS[self.kind](lines)
        text = "" if entered is None else str(entered)
        if self.kind == "number":
            try:
                return int(text)
            except ValueError:
                return text or None
        return text or None

    def meaning(self) -> dict[str, Any]:
        """Values of the choices by their keys."""
        return dict(zip(self.keys(), [value for value, _title in self.choices or ()], strict=True))

    def _as_key(self, entered: Any) -> str:
        keys = self.keys()
        place = -1 if str(entered).startswith(_KEY) else int(entered)
        return keys[place] if 0 <= place < len(keys) else str(entered)


_KEY = "="


def _key(value: Any) -> str:
    return f"{_KEY}{value!r}"


@dataclasses.dataclass(frozen=True)
class Control:
    """A command that can be clicked.

    ``command``: its path below ``lab`` ("vault.commit"), or below an object the page holds ("draft.move").
    ``title``, ``text``: English, marked for translation. By argument, over what holds for every argument of that name:
    ``choices``, ``titles``, ``defaults``; ``present``: what is set now, of an argument that changes it and is not
    given while it is left so. ``more``: fields of a command that takes any keyword. ``hidden``: arguments that are
    not asked; ``required``: those that a person has to give although a call need not; ``only``: those that are
    asked where this holds; ``free``: those for which any text will do. ``each``: an argument of which several can
    be chosen, with a call for each. ``wizard``: the name of the wizard whose pages ask instead. ``tick``: a text
    that has to be ticked.
    """

    command: str
    title: str
    text: str = ""
    choices: Mapping[str, Choices] = dataclasses.field(default_factory=dict)
    titles: Mapping[str, str] = dataclasses.field(default_factory=dict)
    defaults: Mapping[str, Default] = dataclasses.field(default_factory=dict)
    present: Mapping[str, Default] = dataclasses.field(default_factory=dict)
    more: Callable[[Lab, Values], Sequence[Field]] | None = None
    hidden: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    only: Mapping[str, Callable[[Lab, Values], bool]] = dataclasses.field(default_factory=dict)
    free: tuple[str, ...] = ()
    each: str = ""
    wizard: str = ""
    tick: str = ""

    def method(self, root: Any, vmm: str = "") -> Callable[..., Any]:
        """The command itself, found below ``root``; ``vmm``: the console of another VMM server."""
        found = root
        for name in self.command.split("."):
            found = getattr(found, name)
            if name == "vmm" and vmm:
                found = found.on(vmm)
        return found  # type: ignore[no-any-return]

    def parameters(self, root: Any) -> list[inspect.Parameter]:
        """What is asked, in order."""
        return [one for one in _parameters(self.method(root)) if one.name not in (*NOT_ASKED, *self.hidden)]


def _parameters(method: Callable[..., Any]) -> list[inspect.Parameter]:
    return _of_function(getattr(method, "__func__", method), bound=hasattr(method, "__self__"))


@functools.cache
def _of_function(function: Callable[..., Any], *, bound: bool) -> list[inspect.Parameter]:
    return list(inspect.signature(function).parameters.values())[1 if bound else 0 :]


def _kind(name: str, annotation: str) -> str:
    kinds = annotation.split(" | ")
    if name in _SECRETS:
        return "secret"
    if "bool" in kinds:
        return "choice" if "None" in kinds else "flag"
    if any(kind.startswith("dict") for kind in kinds):
        return "pairs"
    if any(kind.startswith(("Sequence", "Iterable", "tuple")) for kind in kinds):
        return "list"
    if "Path" in kinds:
        return "path"
    if "int" in kinds and "str" not in kinds:
        return "number"
    return "text"


def _as_it_is(_lab: Lab, _values: Values) -> Sequence[Choice]:
    return [(None, _("As it is")), (True, _("Yes")), (False, _("No"))]


def fields(control: Control, lab: Lab, root: Any, values: Values, common: Mapping[str, Choices]) -> list[Field]:
    """The fields of a control for what has been entered so far; ``common``: choices by the argument's name."""
    found = []
    for one in control.parameters(root):
        if one.name in control.only and not control.only[one.name](lab, values):
            continue
        if one.kind is inspect.Parameter.VAR_KEYWORD:
            found += list(control.more(lab, values)) if control.more else []
            continue
        several = one.kind is inspect.Parameter.VAR_POSITIONAL or one.name == control.each
        offered = control.choices.get(one.name, common.get(one.name))
        kind = "list" if several else _kind(one.name, str(one.annotation))
        if kind == "choice":  # a flag that can be left alone: a box would say no
            offered = offered or _as_it_is
        any_will_do = offered is None or kind == "flag" or one.name in control.free
        choices = None if any_will_do or offered is None else list(offered(lab, values))
        if choices is not None and kind != "path":
            kind = "many" if kind == "list" else "choice"
        found.append(_field(control, one, kind, choices, lab, values))
    return found


def _field(
    control: Control, one: inspect.Parameter, kind: str, choices: list[Choice] | None, lab: Lab, values: Values
) -> Field:
    bare = one.default is MISSING and one.kind is not inspect.Parameter.VAR_POSITIONAL
    needed = bare or one.name in control.required
    present = control.present[one.name](lab, values) if one.name in control.present else None
    if one.name in values:
        value = values[one.name]
    elif one.name in control.defaults:
        value = control.defaults[one.name](lab, values)
    elif present is not None:
        value = present
    else:
        value = None if one.default is MISSING else one.default
    if kind == "choice" and choices is not None:
        offered = [known for known, _title in choices]
        if value is None and not needed and None not in offered:
            choices = [(None, _("As it is") if one.name in control.present else _("(default)")), *choices]
        elif value not in offered and value is not None:
            choices = [(value, str(value)), *choices]
        elif value is None and needed and offered:
            value = offered[0]
    if kind in ("list", "many"):
        value, present = _listed(value, choices), _listed(present, choices)
    hint = titles.hint(one.name)
    title = _(control.titles[one.name]) if one.name in control.titles else titles.of(one.name)
    return Field(one.name, title, kind, value, needed, choices, hint, present)


def _listed(value: Any, choices: Sequence[Choice] | None) -> Any:
    """A list's values; of choices only those on offer: others may be left from what was chosen above."""
    if value is None:
        return None
    several = [value] if isinstance(value, str) else list(value)
    return several if choices is None else [one for one in several if one in [known for known, _title in choices]]


def arguments(asked: Sequence[Field], preset: Values) -> Values:
    """What the command is called with: what the page holds, and what its fields have."""
    found = dict(preset)
    for field in asked:
        if field.untouched:
            found[field.name] = None
            continue
        if field.present and field.kind == "many" and not field.value:
            found[field.name] = ()  # emptied, which is a change: [] is what nothing was chosen in
            continue
        empty = field.value is None and (field.required or field.present is not None)
        nothing = field.choices is not None and None in [value for value, _title in field.choices]
        # What has to be given and is not, or was emptied: an empty text, which the lab refuses in words.
        found[field.name] = "" if empty and not nothing else field.value
    return found


def _changed(one: inspect.Parameter, value: Any) -> bool:
    """Whether an argument has to be named: not when it is the default, or empty and has one."""
    if one.default is MISSING:
        return True
    if value in (None, []) and one.default in (None, "", ()):
        return False
    same = list(one.default) if isinstance(one.default, tuple) else one.default
    return bool(value != same)


def split(control: Control, root: Any, given: Values, *, exact: bool = False) -> tuple[list[Any], Values]:
    """Arguments by place and by name, as the command takes them; defaults are left out, unless all are ``exact``."""
    known = _parameters(control.method(root))
    placed: list[Any] = []
    named: Values = {}
    gap = False
    names = {one.name for one in known}
    for one in known:
        if one.kind is inspect.Parameter.VAR_POSITIONAL:
            placed += list(given.get(one.name) or ())
            continue
        if one.kind is inspect.Parameter.VAR_KEYWORD:
            rest = {name: value for name, value in given.items() if name not in names}
            named |= {name: value for name, value in rest.items() if exact or value not in (None, "", [])}
            continue
        if one.name not in given or not (exact or _changed(one, given[one.name])):
            gap = gap or one.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
            continue
        if one.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD and one.default is MISSING and not gap:
            placed.append(given[one.name])
        else:
            named[one.name] = given[one.name]
    return placed, named


def calls(control: Control, root: Any, given: Values) -> list[tuple[list[Any], Values]]:
    """The calls that a click makes: one, or one for each that was chosen."""
    if not control.each:
        return [split(control, root, given)]
    chosen = given.get(control.each) or []
    return [split(control, root, {**given, control.each: one}) for one in chosen]


def line(control: Control, placed: Sequence[Any], named: Values, *, vmm: str = "", draft: str = "draft") -> str:
    """The Python that makes the same call; ``draft``: what the draft of the plan is called."""
    shown = [_shown(value) for value in placed]
    shown += [f"{name}={'getpass()' if name in _SECRETS else _shown(value)}" for name, value in named.items()]
    path = control.command.replace("site.vmm.", f"site.vmm.on({_shown(vmm)}).", 1) if vmm else control.command
    whole = path.replace("draft.", f"{draft}.", 1) if path.startswith("draft.") else f"lab.{path}"
    return f"{whole}({', '.join(shown)})"


def draft_line(plan: str, draft: str = "draft") -> str:
    """The line that the lines of a plan's editor begin with."""
    return f"{draft} = lab.vault.plans[{_shown(plan)}].draft()"


def script(lines: Sequence[str]) -> list[str]:
    """Lines that run as they stand: with the import that they need."""
    return [*(["from getpass import getpass"] if any("getpass()" in one for one in lines) else []), *lines]


def _shown(value: Any) -> str:
    if hasattr(value, "id") and type(value).__name__ == "Job":
        return f"lab.jobs[{_shown(value.id)}]"
    if isinstance(value, str):
        text = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{text}"' if text.isprintable() else repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_shown(one) for one in value)}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_shown(name)}: {_shown(one)}" for name, one in value.items()) + "}"
    return repr(value) if not hasattr(value, "__fspath__") else _shown(str(value))
