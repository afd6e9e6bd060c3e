"""What a review of the portal found, so that it does not come back: what a line says is what happened, nothing hangs,
nothing that was changed is lost, and no password goes back to the page."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import labkit
from labkit import Lab, LabError
from labkit.portal import controls
from labkit.portal.script import MOST_LINES, Script
from tests.portal.clicks import Person

CLOUD, VM, OTHER = "OnPremise Cloud", "MYWSV01", "MYBSD01"


def untouched(person: Person) -> dict[str, Any]:
    """What a page sends of a dialog in which nothing was touched (static/dialog.js)."""
    found = {}
    for field in person.seen["dialog"]["fields"]:
        value, keys = field["value"], field.get("keys")
        if field["kind"] == "many":
            value = [keys[place] for place in value or ()]
        elif field["kind"] == "choice":
            value = "" if value is None else keys[value]
        elif field["kind"] == "flag":
            value = bool(value)
        if field["kind"] != "secret":
            found[field["name"]] = "" if value is None else value
    return found


def press(person: Person, button: str = "ok", **more: Any) -> Person:
    """A button, with all values of the page, as it sends them."""
    return person._do("press", {"button": button, "values": {**untouched(person), **more}})


def arguments(lab: Lab) -> dict[str, Any]:
    """Of the latest command of the journal."""
    return dict(json.loads(lab.journal[-1]["arguments"]))


# --- what the line says is what happens -------------------------------------------------------------------------------


def test_an_untouched_dialog_changes_nothing(lab: Lab) -> None:
    """A flag that may be left alone is no box, which would say no: OK at once sends what the line says, and No says
    so."""
    person = Person(lab).go("site", "hyperv").choose("vms", VM).click("site.set_remote")
    assert person.field("enabled")["choices"] == ["As it is", "Yes", "No"]
    shown = person.seen["dialog"]["lines"]
    press(person)
    assert person.seen["script"] == shown == [f'lab.site.set_remote("{VM}")']
    assert arguments(lab).get("enabled") is None
    person.does("site.set_remote", enabled="No")
    assert person.seen["script"][-1] == f'lab.site.set_remote("{VM}", enabled=False)'
    assert arguments(lab)["enabled"] is False


def test_what_is_sent_with_ok_is_in_the_line(lab: Lab) -> None:
    """What was typed last comes with OK itself: it is what runs, and what the script says."""
    person = Person(lab).go("azure", "networks").click("azure.quick_network").type(name="before")
    press(person, name="last")
    assert arguments(lab)["name"] == "last"
    assert '"last"' in person.seen["script"][-1]


def test_of_several_machines_those_done_are_told(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later one is refused: the earlier ones have their lines and notices, the dialog has refusal and the rest."""
    lab.wait(lab.vault.disable_protection(VM))
    person = Person(lab).go("items", CLOUD, "vms").click("vault.enable_protection")
    names = person.field("vm")["choices"]
    first, second = names[:2]
    real = type(lab.vault).enable_protection

    def meanwhile(door: Any, vm: str, **more: Any) -> Any:
        begun = real(door, vm, **more)
        lab.site.vmm.assign(second, None)  # as another person might, just then
        return begun

    monkeypatch.setattr(type(lab.vault), "enable_protection", meanwhile)
    press(person, vm=person.field("vm")["keys"][:2])
    assert person.error is not None
    assert lab.journal[-1]["outcome"] == "refused"
    assert person.seen["script"] == [f'lab.vault.enable_protection("{first}")']
    assert [notice["go"] for notice in person.seen["notices"]] == [["jobs", list(lab.jobs)[-1]]]
    assert first not in person.field("vm")["choices"]
    monkeypatch.undo()
    lab.site.vmm.assign(second, CLOUD)
    person.screen.state()
    assert person.screen._dialog is not None
    assert person.screen._dialog.lines() == [f'lab.vault.enable_protection("{second}")']
    person.press("ok")
    assert person.seen["dialog"] is None
    assert len(person.seen["notices"]) == 2


def ready(lab: Lab) -> None:
    """What VMM's setup needs."""
    lab.site.add_feature("SC01")
    for product in ("SQL Server 2012 SP1", "ADK"):
        lab.site.install("SC01", product)


def test_a_cleared_default_of_a_wizard_is_in_its_line(tmp_path: Path) -> None:
    """A name that VMM's setup fills in is cleared: that is nothing and not the default, refused by the wizard's page
    and by its line alike."""
    with labkit.create(tmp_path / "a.lab") as lab:
        ready(lab)
        person = Person(lab).go("site").choose("servers", "SC01").click("site.install_vmm")
        while "name" not in [field["name"] for field in person.seen["dialog"]["fields"]]:
            press(person, "next")
            assert person.error is None, person.error
        press(person, "next", name="")
        assert person.error is not None
        (line,) = person.seen["dialog"]["lines"]
        assert 'name=""' in line
        with pytest.raises(LabError) as refused:
            exec(line, {"lab": lab})
        assert (person.error["code"], person.error["message"]) == (refused.value.code, refused.value.message)


# --- nothing hangs ----------------------------------------------------------------------------------------------------


def test_a_wizard_that_cannot_be_closed_stops_nothing(tmp_path: Path) -> None:
    """The server of the provider's wizard is off, so that VMM's service cannot be started: the refusal is told once,
    the dialog is gone, and other commands work. The wizard itself can be closed when the server is there again."""
    with labkit.create(tmp_path / "a.lab", stage="prepared") as lab:
        lab.site.uninstall_provider()
        person = Person(lab).go("site").choose("servers", "SC01").click("site.install_provider").press("next")
        window = person.screen._dialog._wizard  # type: ignore[union-attr]
        lab.site.stop_server("SC01")
        with pytest.raises(LabError):
            person.screen.do("cancel", None)
        told = person.screen.news()
        assert told is not None
        assert told["dialog"] is None
        person.go("site").choose("servers", "HV01").does("site.stop_server")
        lab.site.start_server("SC01")
        window.cancel()
        assert lab.site.vmm.running
        with pytest.raises(LabError):
            window.cancel()


def test_to_wait_is_refused_when_another_process_began_to_play(lab: Lab) -> None:
    """The dialog was opened before: OK is refused with the reason, and does not wait for the other process."""
    person = Person(lab).go("items", CLOUD, "vms").choose("vms", VM).does("vault.unplanned_failover")
    person.go("jobs", list(lab.jobs)[-1]).click("wait")
    program = """if True:
        import labkit, sys, time
        with labkit.open(sys.argv[1])._session.playing():
            print(1, flush=True)
            time.sleep(4)
    """
    with subprocess.Popen([sys.executable, "-c", program, str(lab.path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "1\n"
        person.press("ok")
        assert other.poll() is None
        other.kill()
    assert person.error is not None
    assert person.error["code"] == 900986
    assert "Another process" in person.error["text"]
    person.press("ok")
    assert person.seen["dialog"] is None


# --- plans that are being changed -------------------------------------------------------------------------------------


@pytest.fixture
def plans(lab: Lab) -> Person:
    """A person at a lab with the plans A and B, of the same two VMs."""
    for name in ("A", "B"):
        lab.vault.create_plan(name, [VM, OTHER])
    return Person(lab)


def test_two_plans_changed_in_turn_replay(plans: Person) -> None:
    """A, B, A, save A, A, save A, save B: the lines make the same plans of the ones there were."""
    lab = plans.lab
    plans.go("plans", "A").does("draft.add_group")
    plans.go("plans", "B").does("draft.add_group").choose("groups", f"1:vm:{OTHER}").click("draft.move")
    assert plans.seen["dialog"]["lines"] == [f'draft_2.move("{OTHER}", "")']
    plans.press("ok", group="2")
    plans.go("plans", "A").choose("groups", f"1:vm:{VM}").does("draft.move", group="2").does("draft.save")
    plans.choose("groups", f"1:vm:{OTHER}").does("draft.add_manual", name="Look", text="Look").does("draft.save")
    plans.go("plans", "B").does("draft.save")
    wanted = {name: plan.groups for name, plan in lab.vault.plans.items()}
    assert [group["vms"] for group in wanted["A"]] == [[OTHER], [VM]]
    assert wanted["A"][0]["after"][0]["name"] == "Look"
    assert [group["vms"] for group in wanted["B"]] == [[VM], [OTHER]]
    for name in ("A", "B"):
        lab.vault.delete_plan(name)
        lab.vault.create_plan(name, [VM, OTHER])
    exec("\n".join(plans.seen["script"]), {"lab": lab})
    assert {name: plan.groups for name, plan in lab.vault.plans.items()} == wanted


def test_a_draft_does_not_outlive_its_plan(plans: Person) -> None:
    """Deleted and made anew with other VMs: the editor shows the new plan and says that changes were dropped."""
    lab = plans.lab
    plans.go("plans", "A").does("draft.add_group")
    lab.vault.delete_plan("A")
    lab.vault.create_plan("A", [OTHER])
    plans.go("plans", "A")
    assert [row["id"] for row in plans.block("groups")["rows"]] == [f"1:vm:{OTHER}"]
    assert "made anew" in plans.block("unsaved")["text"]
    assert plans.command("draft.save")["why"]
    lab.vault.delete_plan("A")
    plans.go("plans")
    lab.vault.create_plan("A", [VM])
    assert [row["id"] for row in plans.go("plans", "A").block("groups")["rows"]] == [f"1:vm:{VM}"]


def test_a_draft_whose_plan_was_saved_elsewhere_says_so(plans: Person) -> None:
    """A cell saves the plan meanwhile: the changes stay with a warning; to discard them shows what was saved; the lines
    do the same."""
    lab = plans.lab
    plans.go("plans", "A").does("draft.add_group")
    assert "elsewhere" not in plans.block("unsaved")["text"]
    lab.vault.plans["A"].draft().remove(OTHER).save()
    plans.go("plans", "A")
    assert "saved elsewhere after version 1" in plans.block("unsaved")["text"]
    assert f"1:vm:{OTHER}" in [row["id"] for row in plans.block("groups")["rows"]]
    plans.does("draft.discard")
    assert [row["id"] for row in plans.block("groups")["rows"]] == [f"1:vm:{VM}"]
    assert "unsaved" not in plans.seen["blocks"]["changed"]
    assert plans.command("draft.discard")["why"]
    plans.choose("groups", f"1:vm:{VM}").does("draft.add_manual", name="Look", text="Look").does("draft.save")
    wanted = lab.vault.plans["A"].groups
    assert [group["vms"] for group in wanted] == [[VM]]
    lab.vault.plans["A"].draft().remove_action(1, "Look").save()
    exec("\n".join(plans.seen["script"]), {"lab": lab})
    assert lab.vault.plans["A"].groups == wanted


def test_what_is_not_in_the_table_any_more_is_not_chosen(plans: Person) -> None:
    """A row that was chosen and went: its commands are greyed again, and not about what is gone."""
    plans.go("plans", "A").choose("groups", f"1:vm:{OTHER}").does("draft.remove")
    assert plans.command("draft.move")["why"]
    assert plans.screen._chosen == {"groups": []}
    plans.go("plans").choose("plans", "B")
    plans.lab.vault.delete_plan("B")
    plans.seen = plans.screen.state()
    plans.lab.vault.create_plan("B", [VM])
    plans.seen = plans.screen.state()
    assert plans.command("vault.export_plan")["why"]


# --- the script at the foot -------------------------------------------------------------------------------------------


def test_the_script_has_the_import_it_needs(lab: Lab, tmp_path: Path) -> None:
    """Lines that ask for a password begin with the import of what asks; others are without."""
    person = Person(lab).go("azure", "networks").does("azure.quick_network", name="one")
    before = person.seen["script"]
    assert len(before) == 1
    person.go("site").choose("servers", "SC01").does(
        "site.make_certificate", password="secret", path=str(tmp_path / "new.pfx")
    )
    lines = person.seen["script"]
    assert lines[:2] == ["from getpass import getpass", *before]
    assert "password=getpass()" in lines[2]


def test_the_script_is_cut_at_a_blocks_beginning() -> None:
    """The oldest blocks go whole; of a draft all its lines, and none while it is not saved; it does not grow."""
    script, done, going_on = Script(), object(), object()
    script.add_of_draft("Old", done, ["draft.add_group()"])
    script.add_of_draft("New", going_on, ["draft_2.add_group()"])
    script.add(["lab.verify()"])
    script.add_of_draft("Old", done, ["draft.save()"], last=True)
    for number in range(1000):
        script.add([f"lab.a({number})", f"lab.b({number})", f"lab.c({number})"])
    lines = script.lines()
    assert MOST_LINES - 3 < len(lines) <= MOST_LINES
    assert len(script._blocks) < MOST_LINES
    assert lines[:2] == ['draft_2 = lab.vault.plans["New"].draft()', "draft_2.add_group()"]
    assert lines[2].startswith("lab.a(")
    assert lines[-1] == "lab.c(999)"
    script.add_of_draft("New", going_on, ["draft_2.save()"], last=True)
    script.add([f"lab.d({number})" for number in range(MOST_LINES)])
    assert not [line for line in script.lines() if line.startswith("draft")]


# --- what a page is told ----------------------------------------------------------------------------------------------


def test_a_password_does_not_come_back(lab: Lab, tmp_path: Path) -> None:
    """A page is told only whether a password was typed; OK without typing it anew (after a reload) uses it."""
    person = Person(lab).go("site").choose("servers", "SC01").click("site.make_certificate")
    assert person.field("password")["value"] is False
    person.type(password="correct horse", path=str(tmp_path / "new.pfx"))
    assert person.field("password")["value"] is True
    assert "correct horse" not in json.dumps([person.seen, person.screen.news()])
    press(person)
    assert person.seen["dialog"] is None, person.error
    assert (tmp_path / "new.pfx").exists()
    assert "correct horse" not in json.dumps(person.seen)


def test_a_dialog_says_what_it_is_about(lab: Lab) -> None:
    """The server or host that was chosen stands beside the title, and nothing where nothing was chosen."""
    person = Person(lab).go("site").choose("servers", "HV01").click("site.stop_server")
    assert person.seen["dialog"]["subject"] == "HV01"
    assert person.go("azure", "storage").click("azure.create_storage").seen["dialog"]["subject"] == ""


def test_a_notice_that_is_closed_twice_takes_no_other_with_it(lab: Lab) -> None:
    """A double click on its cross is about the one notice."""
    person = Person(lab).go("azure", "networks")
    for name in ("one", "two", "three"):
        person.does("azure.quick_network", name=name)
    ids = [notice["id"] for notice in person.seen["notices"]]
    person._do("dismiss", ids[0])._do("dismiss", ids[0])
    assert [notice["id"] for notice in person.seen["notices"]] == ids[1:]


def test_no_list_of_controls_is_longer_than_can_be_read() -> None:
    """Functions of the controls have 40 lines at most."""
    tree = ast.parse(inspect.getsource(controls))
    long = [
        (one.name, one.end_lineno - one.lineno + 1)  # type: ignore[operator]
        for one in ast.walk(tree)
        if isinstance(one, ast.FunctionDef) and one.end_lineno - one.lineno >= 40  # type: ignore[operator]
    ]
    assert long == []
