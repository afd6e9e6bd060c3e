"""A plan as JSON or YAML, and back: an export read again is the same plan (rule 3.2-5)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import yaml

from labkit.engine import units
from labkit.engine.errors import LabError
from labkit.recovery.plans import TO_AZURE, Action, Group, RecoveryPlan

_DURATIONS = ("takes", "limit")
_MOST = 1 << 20  # bytes of a file that can be a plan


class PlanText(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The file: the plan's name, its source (a VMM server), its target, and its groups."""

    plan: str
    server: str
    groups: list[dict[str, Any]]
    target: str = TO_AZURE


def group_to_data(group: Group) -> dict[str, Any]:
    """A group as the file has it: durations as text ("2min")."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(group))  # lists, as a file has them
    for place in ("before", "after"):
        for action in found.get(place, []):
            action.update({key: units.write_duration(action[key]) for key in _DURATIONS if key in action})
    return found


def groups_of(given: list[Any], source: str = "-") -> list[Group]:
    """Groups from what a call or a file gives: each a list of VMs or a mapping; 900910 for anything else."""
    return [_group(one, f"groups[{number}]", source) for number, one in enumerate(given)]


def _group(given: Any, place: str, source: str) -> Group:
    if isinstance(given, Group):
        given = msgspec.to_builtins(given)
    if isinstance(given, list | tuple):
        given = {"vms": list(given)}
    if not isinstance(given, dict):
        raise LabError(900910, path=source, found=f"{place}: {type(given).__name__}")
    made = {key: _actions(value) if key in ("before", "after") else value for key, value in given.items()}
    group: Group = _convert(made, Group, f"{place}.", source)
    return group


def _actions(given: Any) -> Any:
    if not isinstance(given, list | tuple):
        return given
    return [_action(one) for one in given]


def _action(given: Any) -> Any:
    if isinstance(given, Action):
        return msgspec.to_builtins(given)
    if not isinstance(given, dict):
        return given
    return {
        key: units.duration(value) if key in _DURATIONS and isinstance(value, str) else value
        for key, value in given.items()
    }


def _convert(given: Any, kind: Any, place: str, source: str) -> Any:
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise LabError(900910, path=source, found=str(error).replace("$.", place)) from None


def write(plan: RecoveryPlan, path: Path, *, overwrite: bool = False) -> Path:
    """Write a plan: YAML, or JSON for a name that ends in ".json".

    900302 when the file exists and is not to be replaced, 900910 when it cannot be written.
    """
    shown = PlanText(plan.id, plan.server, [group_to_data(group) for group in plan.groups], plan.target)
    data = {"plan": shown.plan, "server": shown.server, "target": shown.target, "groups": shown.groups}
    if path.suffix.lower() == ".json":
        text = json.dumps(data, ensure_ascii=False, indent=1) + "\n"
    else:
        text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False)
    try:
        with path.open("w" if overwrite else "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise LabError(900302, path=path) from None
    except OSError as error:
        raise LabError(900910, path=path, found=error.strerror) from None
    return path


def read(path: Path) -> RecoveryPlan:
    """The plan of a file; 900910 with what is wrong in it."""
    try:
        if path.stat().st_size > _MOST:
            raise LabError(900910, path=path, found=path.stat().st_size)
        text = path.read_text("utf-8")
        given = json.loads(text) if path.suffix.lower() == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        found = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise LabError(900910, path=path, found=found) from None
    found = _convert(given, PlanText, "", str(path))
    return RecoveryPlan(found.plan, found.server, found.target, groups_of(found.groups, str(path)))
