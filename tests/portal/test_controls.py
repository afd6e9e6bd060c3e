"""Everything can be clicked: each command of the lab has a control, which can be reached, asks what it needs, and says
the Python that does the same."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator

import pytest

from labkit import Lab, LabError
from labkit.engine.errors import catalogue
from labkit.portal import titles
from labkit.portal.blocks import Command
from labkit.portal.controls import CONTROLS
from labkit.portal.dialogs import Form, Pages, open_dialog
from labkit.portal.screen import _Holder
from labkit.portal.uncontrolled import WITHOUT
from tests.portal.clicks import visits
from tests.portal.labs import all_kinds

DOORS = ("", "site", "site.vmm", "azure", "vault", "hyperv", "faults", "jobs")
# Of the lab itself and of its jobs: what is no operation of the guide or of a trainer.
PLUMBING = {
    "close", "command", "fact_lines", "news", "on_alert", "on_refusal", "read", "run_until", "show_instant",
    "start_job", "status", "target", "warnings", "export_disk", "jobs.get", "jobs.items", "jobs.keys", "jobs.values",
}  # fmt: skip


# What none of these labs allows: it comes later in a life, of which test_portal.py and the browser's flows walk one.
LATER = {
    "azure.delete_disks", "draft.discard", "draft.remove_action", "draft.save",
    "faults.restore_line", "vault.cancel",
    "vault.cancel_resynchronise", "vault.change_recovery_point", "vault.commit", "vault.commit_plan",
    "vault.complete_failover", "vault.failback", "vault.failback_plan", "vault.release_plan", "vault.restart",
    "vault.resynchronise", "vault.reverse_replication", "vault.reverse_replication_plan", "vault.skip",
}  # fmt: skip


def commands(lab: Lab) -> Iterator[tuple[str, object]]:
    """Every public method of the doors by its path."""
    for door in DOORS:
        owner = lab
        for name in filter(None, door.split(".")):
            owner = getattr(owner, name)
        for name, method in inspect.getmembers(owner, inspect.ismethod):
            path = f"{door}.{name}" if door else name
            if not name.startswith("_") and path not in PLUMBING:
                yield path, method


@pytest.fixture(scope="module")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Lab]]:
    """Labs in which everything there is can be met."""
    found = all_kinds(tmp_path_factory.mktemp("labs"))
    yield found
    for lab in found.values():
        lab.close()


def test_every_command_has_a_control_and_a_doc(lab: Lab) -> None:
    """No command of the doors is without a control (or a written reason), a docstring, or words of its errors."""
    for path, method in commands(lab):
        doc = inspect.getdoc(method) or ""
        assert path in CONTROLS or path in WITHOUT, f"{path} cannot be clicked, and nothing says why"
        assert len(doc) > 15, f"{path} has no docstring"
        unknown = [code for code in re.findall(r"\b9\d{5}\b", doc) if int(code) not in catalogue()]
        assert not unknown, f"{path} names {unknown}, which the catalogue does not have"
    known = {path for path, _method in commands(lab)}
    dead = [name for name in (*CONTROLS, *WITHOUT) if name not in known and not name.startswith("draft.")]
    assert not dead, f"no such command: {dead}"


def crawl(lab: Lab) -> tuple[set[str], list[Command]]:
    """The controls that are met on all pages, and all places they have."""
    placed: list[Command] = []
    for person in visits(lab):
        assert not [b for b in person.seen["blocks"]["changed"].values() if b["key"] == "error"], person.seen["head"]
        placed += person.screen._page.commands
    return {one.control for one in placed}, placed


def test_every_control_can_be_reached(labs: dict[str, Lab]) -> None:
    """From the first page, by clicking alone, one comes to a place of every control; no page shows an error."""
    met: set[str] = set()
    for lab in labs.values():
        met |= crawl(lab)[0]
    assert set(CONTROLS) - met == set()


def test_every_dialog_asks_and_says_its_line(labs: dict[str, Lab]) -> None:
    """Every control's dialog opens: its fields have titles, all arguments are asked or known, its line is Python."""
    opened = set()
    for lab in labs.values():
        _met, placed = crawl(lab)
        for command in placed:
            control = CONTROLS[command.control]
            if command.why or command.control in opened:
                continue
            root = _Holder(lab, {}, "Plan") if command.control.startswith("draft.") else lab
            if lab is labs["bare"] and command.control == "vault.create_plan":
                with pytest.raises(LabError):  # a wizard that has nothing to begin with: the view says so
                    open_dialog(lab, control, dict(command.preset), root)
                continue
            dialog = open_dialog(lab, control, dict(command.preset), root)
            data = dialog.data()
            for line in data["lines"]:
                ast.parse(line)
            assert all(field["title"] for field in data["fields"])
            if isinstance(dialog, Form):
                asked = {field["name"] for field in data["fields"]} | set(command.preset)
                missing = [
                    one.name
                    for one in control.parameters(root)
                    if one.name not in (*asked, *control.only) and one.kind != one.VAR_KEYWORD
                ]
                assert not missing, f"{command.control} does not ask {missing}"
                bare = [
                    name
                    for name in asked
                    if not name.startswith("_") and not titles.known(name) and name not in command.preset
                ]
                assert not bare, f"{command.control}: no title for {bare}"
            else:
                assert isinstance(dialog, Pages)
                assert data["pages"]
                dialog.cancel()
            opened.add(command.control)
    assert set(CONTROLS) - opened == LATER


def test_titles_and_texts_are_translated_where_they_are_shown(lab: Lab) -> None:
    """In Japanese no title of a control or field is its English."""
    from labkit.engine import texts

    texts.set_language("ja")
    try:
        same = [one.title for one in CONTROLS.values() if texts.gettext(one.title) == one.title]
    finally:
        texts.set_language(None)
    assert same == ["Azure Site Recovery Configurator", "Set-SCVirtualMachine -ClearDRProtection"]
