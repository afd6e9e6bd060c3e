"""The catalogue of drills, and their parameters: strict, typed, with units (``data/drills/*.yml``).

A value comes as the text people write ("20Mbps", "5min") and stays a text: what it means is looked up with
:meth:`Parameter.read`, so that the report shows what was asked for.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import msgspec

from labkit.engine import resources, units
from labkit.engine.errors import LabError, listed
from labkit.engine.names import meant
from labkit.engine.texts import gettext as _

_COMMON = "_common.yml"
_TRUTH = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}


class Parameter(msgspec.Struct, frozen=True):
    """One parameter. ``default`` None: as in the site file; ``least``, ``most``: limits of a quantity, as texts."""

    name: str
    kind: str
    help: str
    default: str | bool | None = None
    choices: tuple[str, ...] = ()
    least: str | None = None
    most: str | None = None

    @property
    def allowed(self) -> str:
        """What may be given, in words, in the language of the session."""
        if self.kind == "truth":
            return _("yes or no")
        if self.kind in ("choice", "word"):
            return listed(self.choices)
        what = {
            "bandwidth": _('a bandwidth such as "20Mbps"'),
            "duration": _('a duration such as "30s", "5min", "6h" or "2d"'),
            "hours": _('a number of hours such as "24" or "24h"'),
        }[self.kind]
        limits = [_("at least {value}").format(value=self.least)] if self.least else []
        limits += [_("at most {value}").format(value=self.most)] if self.most else []
        return listed([what, *limits])

    def read(self, value: object) -> int | bool | str | None:
        """The meaning of a value: ms, bit/s, hours, a truth or a word; None stays None. 900602 for others."""
        if value is None:
            return None
        try:
            return self._read(value)
        except (LabError, LookupError, ValueError, TypeError, OverflowError):
            raise LabError(900602, name=self.name, found=value, values=self.allowed) from None

    def _read(self, value: object) -> int | bool | str:
        if self.kind == "truth":
            return value if isinstance(value, bool) else _TRUTH[str(value).strip().lower()]
        if self.kind == "word":
            return self.choices[self.choices.index(str(value).strip())]
        return self._quantity(value)

    def _quantity(self, value: object) -> int:
        unit = units.bandwidth if self.kind == "bandwidth" else units.duration
        if self.kind == "hours" and str(value).isdecimal():
            value = f"{value}h"  # the portal's field is a number of hours
        if isinstance(value, bool) or not isinstance(value, str):
            raise TypeError(value)
        found = unit(value)
        if self.choices and found not in [unit(choice) for choice in self.choices]:
            raise ValueError(value)
        if (self.least and found < unit(self.least)) or (self.most and found > unit(self.most)):
            raise ValueError(value)
        if self.kind == "hours":
            hours, rest = divmod(found, units.HOUR)
            if rest:
                raise ValueError(value)
            return hours
        return found

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "name": self.name,
            "kind": self.kind,
            "default": self.default,
            "help": _(self.help),
            "allowed": self.allowed,
        }


class Step(msgspec.Struct, frozen=True):
    """One step of a drill's plan; ``planned``: what its time is made of (kinds of jobs, parameters, durations)."""

    name: str
    title: str
    planned: tuple[str, ...] = ()


class Drill(msgspec.Struct, frozen=True):
    """A drill: what it is for, its parameters in order, its steps. ``clean``: nothing may be left over at its end."""

    name: str
    title: str
    description: str
    scenario: str
    parameters: tuple[Parameter, ...]
    steps: tuple[Step, ...]
    clean: bool = False

    def parameter(self, name: str) -> Parameter:
        """The parameter of that name; 900601 with the names there are."""
        known = [parameter.name for parameter in self.parameters]
        if name not in known:
            raise LabError(900601, drill=self.name, found=name, choices=listed(known), meant=meant(name, known))
        return self.parameters[known.index(name)]

    def check(self, given: Mapping[str, object]) -> dict[str, str | bool | None]:
        """All parameters with their values, given or default, as people write them; 900601 and 900602."""
        for name in given:
            self.parameter(name)
        found: dict[str, str | bool | None] = {}
        for parameter in self.parameters:
            value = given.get(parameter.name, parameter.default)
            meaning = parameter.read(value)
            found[parameter.name] = (
                meaning if isinstance(meaning, bool) else None if value is None else str(value).strip()
            )
        return found

    def as_dict(self) -> dict[str, Any]:
        """JSON form, texts in the language of the session."""
        return {
            "name": self.name,
            "title": _(self.title),
            "description": _(self.description),
            "scenario": _(self.scenario),
            "parameters": [parameter.as_dict() for parameter in self.parameters],
            "steps": [{"name": step.name, "title": _(step.title)} for step in self.steps],
        }

    def lines(self) -> list[str]:
        """What ``labkit drill describe`` prints."""
        found = [f"{self.name}: {_(self.title)}", "", _(self.description), "", _("Steps:")]
        found += [f"  {number}. {_(step.title)}" for number, step in enumerate(self.steps, 1)]
        found += ["", _("Parameters (-p NAME=VALUE):")]
        for parameter in self.parameters:
            default = _("as in the site file") if parameter.default is None else parameter.default
            if isinstance(default, bool):
                default = "yes" if default else "no"  # as it is given
            found.append(f"  {parameter.name} = {default}")
            found.append(f"      {_(parameter.help)}")
            found.append("      " + _("Allowed: {values}").format(values=parameter.allowed))
        return found


def names() -> list[str]:
    """Names of the drills that ship with labkit."""
    return sorted(path.stem for path in resources.data("drills").glob("*.yml") if not path.name.startswith("_"))


def catalogue() -> list[Drill]:
    """All drills, by name."""
    return [describe(name) for name in names()]


def describe(name: str) -> Drill:
    """The drill of that name; 900600 with the names there are."""
    if name not in names():
        raise LabError(900600, found=name, choices=listed(names()), meant=meant(name, names()))
    return _read(name)


@functools.cache
def _read(name: str) -> Drill:
    written = resources.yaml("drills", f"{name}.yml")
    parameters = {**resources.yaml("drills", _COMMON)["parameters"], **written["parameters"]}
    rows = [{"name": key, **row} for key, row in parameters.items()]
    return msgspec.convert({**written, "name": name, "parameters": rows}, Drill)
