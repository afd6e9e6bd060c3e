"""Errors that teach: a code, what happened, the likely cause, what to do, and what is allowed now.

Codes of the real service are used where facts.md knows one; the lab's own start at 900001. The texts of each code
are data (``data/errors/*.yml``, English and Japanese through gettext); a raise gives only the code and the details that
fill the placeholders.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable
from typing import Any

from labkit.engine import resources
from labkit.engine.texts import gettext as _

EXIT_FAILED, EXIT_BAD_INPUT, EXIT_BUSY = 2, 3, 4


@functools.cache
def catalogue() -> dict[int, dict[str, Any]]:
    """All known codes: ``code -> {message, cause, action, exit?}``, texts in English."""
    merged: dict[int, dict[str, Any]] = {}
    for path in sorted(resources.data("errors").glob("*.yml")):
        merged.update({int(code): entry for code, entry in resources.yaml("errors", path.name).items()})
    return merged


# The section of data/states.yml with the titles of what a program names, by the name it goes under.
_SECTIONS = {
    "operation": "operations",
    "scenario": "jobs",
    "kind": "kinds",
    "role": "roles",
    "plan_operation": "plan_operations",
    "quota": "quotas",
    "severity": "severities",
    "level": "levels",
    "subscription_plan": "subscription_plans",
    "vault_kind": "vault_kinds",
    "vpn": "vpns",
    "basis": "bases",
    "leftover": "leftovers",
}
# Those whose code stands beside the title: somebody may want to type it.
_CODED = ("operation", "scenario", "state", "task", "quota")


@functools.cache
def _titles(key: str) -> dict[str, str]:
    """English words for the values of a detail that programs name: operations, states, jobs, kinds and others."""
    words = resources.yaml("states.yml")
    if key == "state":
        return {**{name: row["description"] for name, row in words["states"].items()}, **words["job_states"]}
    if key == "task":
        return {row["task"]: row["title"] for rows in resources.yaml("timings.yml").values() for row in rows}
    section = _SECTIONS.get(key)
    return {name: row["title"] for name, row in words[section].items()} if section else {}


def word(key: str, value: Any) -> str:
    """What a person calls a value, by what it is: a name of ``_SECTIONS``, "state" or "task"; others as they are."""
    found = _titles(key).get(value) if isinstance(value, str) else None
    return str(value) if found is None else _(found)


def in_words(key: str, value: Any) -> Any:
    """A detail as a person reads it, its code beside it: ``"Planned failover (PlannedFailover)"``; others as they are.

    ``key`` is the detail's name: operation, scenario, state, task or quota; of others the title alone is shown.
    """
    if not isinstance(value, str) or value not in _titles(key):
        return value
    shown = word(key, value)
    return shown if key not in _CODED or shown == value else f"{shown} ({value})"


def listed(names: Iterable[str]) -> str:
    """Names in a row, with the separator of the language; nothing for none."""
    # Translators: between the names of a list
    pair = _("{first}, {second}")
    first, *others = (*names,) or ("",)
    return functools.reduce(lambda before, name: pair.format(first=before, second=name), others, first)


class LabError(Exception):
    """What labkit refuses or fails with.

    ``code`` is the number in ``data/errors/``; ``details`` fill its texts; ``allowed`` names what may be done
    instead. ``str()`` is the whole text in the language of the session, several lines.
    """

    def __init__(self, code: int, *, allowed: tuple[str, ...] = (), **details: Any) -> None:
        super().__init__(code)
        self.code = code
        self.allowed = allowed
        self.details = details

    def _text(self, part: str) -> str:
        template = str(catalogue()[self.code].get(part) or "")
        shown = {key: in_words(key, value) for key, value in self.details.items()}
        return _(template).format_map(_Details(shown)) if template else ""

    @property
    def message(self) -> str:
        """What happened, one sentence."""
        return self._text("message")

    @property
    def cause(self) -> str:
        """The likely cause; may be empty."""
        return self._text("cause")

    @property
    def action(self) -> str:
        """What to do."""
        return self._text("action")

    @property
    def provider(self) -> dict[str, Any] | None:
        """The error of the provider that this one of the service wraps: code, message, cause, action; None for none."""
        row = catalogue()[self.code].get("provider")
        if row is None:
            return None
        shown = _Details({key: in_words(key, value) for key, value in self.details.items()})
        texts = {part: _(row[part]).format_map(shown) for part in ("message", "cause", "action")}
        return {"code": int(row["code"]), **texts}

    @property
    def guide(self) -> str:
        """The guide's section on it ("2.7"), "" where it has none."""
        return str(catalogue()[self.code].get("guide", ""))

    @property
    def exit_status(self) -> int:
        """Exit status of a command that ends with this error: 2 failed, 3 bad input, 4 busy."""
        return int(catalogue()[self.code].get("exit", EXIT_BAD_INPUT))

    def as_dict(self) -> dict[str, Any]:
        """JSON form: code, message, cause, action, allowed; ``provider`` and ``guide`` where there is one."""
        return {
            "code": self.code,
            "message": self.message,
            "cause": self.cause,
            "action": self.action,
            "allowed": list(self.allowed),
            **({"provider": self.provider} if self.provider else {}),
            **({"guide": self.guide} if self.guide else {}),
        }

    def __str__(self) -> str:
        lines = [_("Error {code}: {message}").format(code=self.code, message=self.message)]
        if self.provider:
            lines.append(_("Error {code} of the provider: {message}").format_map(self.provider))
        if self.cause:
            lines.append(_("Likely cause: {cause}").format(cause=self.cause))
        if self.action:
            lines.append(_("What to do: {action}").format(action=self.action))
        if self.guide:
            numbered = self.guide[0].isdigit()  # else "FAQ"
            text = _("In the guide: section {section}") if numbered else _("In the guide: {section}")
            lines.append(text.format(section=self.guide))
        if self.allowed:
            operations = listed(in_words("operation", name) for name in self.allowed)
            lines.append(_("Allowed now: {operations}").format(operations=operations))
        return "\n".join(lines)

    def _render_traceback_(self) -> list[str]:
        """Clean lines instead of a traceback, for IPython (a learner's mistake is not a crash)."""
        lines = str(self).splitlines()
        if "ipykernel" not in sys.modules:
            return lines
        return [f"\x1b[1;31m{lines[0]}\x1b[0m", *lines[1:]]


class _Details(dict[str, Any]):
    """A missing detail shows as its own placeholder instead of hiding the error behind a KeyError."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"
