"""Azure Automation (preview): accounts that hold the runbooks of recovery plans (rule 3.2-4).

A runbook is a Python file or a notebook, kept in the lab as it was when it was imported.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from labkit.azure import services, subscription
from labkit.engine.errors import LabError
from labkit.engine.names import unknown
from labkit.engine.world import Entity, World, entity

PYTHON, NOTEBOOK = ".py", ".ipynb"
_MOST = 1 << 20  # bytes of a runbook


@entity("automation account")
class AutomationAccount(Entity):
    """An account; ``id`` is its name."""

    region: str


@entity("runbook")
class Runbook(Entity):
    """A runbook: ``id`` is ACCOUNT/NAME, ``suffix`` ".py" or ".ipynb"."""

    account: str
    name: str
    suffix: str
    text: str


def runbook_id(account: str, name: str) -> str:
    """The id of an account's runbook."""
    return f"{account}/{name}"


def create_account(world: World, name: str, region: str) -> AutomationAccount:
    """Make an account; 900918 for the name, 900010 for the region, 900809 for a name that is taken."""
    subscription.require(world)
    if not re.fullmatch(r"[A-Za-z](?:[A-Za-z0-9-]{4,48}[A-Za-z0-9])", str(name)):
        raise LabError(900918, found=name)
    services.region(region)
    services.free(world, AutomationAccount, "automation account", name)
    world.fact("automation.created", name, region=region)
    return world.add(AutomationAccount(name, region))


def account(world: World, name: str) -> AutomationAccount:
    """The account; 900010 when there is none."""
    found = world.find(AutomationAccount, name)
    if found is None:
        raise unknown("automation account", name, [one.id for one in world.all(AutomationAccount)])
    return found


def runbook(world: World, holder: str, name: str) -> Runbook:
    """A runbook of an account; 900010 when there is none."""
    account(world, holder)
    found = world.find(Runbook, runbook_id(holder, name))
    if found is None:
        raise unknown("runbook", name, [book.name for book in world.all(Runbook) if book.account == holder])
    return found


def delete_account(world: World, name: str) -> None:
    """Delete an account with its runbooks; plans that name them are not ready any more."""
    subscription.require(world)
    found = account(world, name)
    for book in world.all(Runbook):
        if book.account == name:
            world.remove(book)
    world.remove(found)
    world.fact("automation.deleted", name)


def read(path: Path) -> tuple[str, str]:
    """Suffix and text of a file that can be a runbook; 900919 otherwise."""
    suffix = path.suffix.lower()
    if suffix not in (PYTHON, NOTEBOOK):
        raise LabError(900919, path=path, found=suffix or "-")
    try:
        if path.stat().st_size > _MOST:
            raise LabError(900919, path=path, found=path.stat().st_size)
        text = path.read_text("utf-8-sig")  # editors on Windows put a mark first
        if suffix == NOTEBOOK and not isinstance(json.loads(text).get("cells"), list):
            raise LabError(900919, path=path, found="-")
        if suffix == PYTHON:
            compile(text, path.name, "exec")
    except (OSError, ValueError, SyntaxError, AttributeError, RecursionError) as error:
        raise LabError(900919, path=path, found=getattr(error, "strerror", None) or str(error)) from None
    return suffix, text


def import_runbook(world: World, name: str, holder: str, suffix: str, text: str) -> Runbook:
    """Put a runbook into an account, or a new version in the place of an earlier one."""
    subscription.require(world)
    account(world, holder)
    key = runbook_id(holder, name)
    earlier = world.find(Runbook, key)
    if earlier is not None:
        world.remove(earlier)
    world.fact("runbook.imported", key, type=suffix.removeprefix("."))
    return world.add(Runbook(key, holder, name, suffix, text))
