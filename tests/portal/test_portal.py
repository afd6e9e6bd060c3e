"""The portal without a page: what is clicked happens, is said in Python, is refused in words; what is told adds up."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

import labkit
from labkit import Lab, portal
from labkit.engine import texts, units
from labkit.portal import heart
from labkit.portal.screen import Screen
from tests.portal.clicks import Person
from tests.portal.conftest import turns
from tests.portal.labs import CONTOSO
from tests.recovery.test_encryption import encrypted_lab

HELLO = {"kind": "hello"}


def script_of(person: Person) -> list[str]:
    """The lines of Python that the portal shows at its foot."""
    return list(person.seen["script"])


def set_up(person: Person) -> None:
    """STEP 2 of the guide, from bare servers to the cloud in the vault, by clicking only."""
    person.go("site")
    for server in ("SC01",):
        person.choose("servers", server)
        person.does("site.add_feature", feature=".NET Framework 3.5")
        person.does(
            "site.install", product="SQL Server 2012 SP1", parts=["Database Engine Services", "Management Tools"]
        )
        person.does(
            "site.install", product="Windows ADK for Windows 8.1 Update", parts=["Deployment Tools", "Windows PE"]
        )
    person.click("site.install_vmm")
    while person.seen["dialog"]["buttons"][-2] == "next":
        if any(field["name"] == "accept_licence" for field in person.seen["dialog"]["fields"]):
            person.type(accept_licence=True)
        before = person.seen["dialog"]["page"]
        person.press("next")
        assert person.error is None, person.error
        assert person.seen["dialog"]["page"] == before + 1
    person.press("finish")
    person.go("site", "vmm").click("site.vmm.add_host")
    person.press("next").press("next", credentials="DEMO\\Administrator").press("next", computers="HV01")
    while person.seen["dialog"]["buttons"][-2] == "next":
        person.press("next")
        assert person.error is None, person.error
    person.press("finish")
    wait(person)


def cloud_and_azure(person: Person, folder: Path) -> None:
    """Cloud, subscription, vault, storage, network, key, provider and agent."""
    person.go("site", "vmm").click("site.vmm.create_cloud").press("next", name="OnPremise Cloud").press("next")
    person.press("next", networks=["VirtualSwitch - FrontEnd"])
    while person.seen["dialog"]["fields"] == []:
        person.press("next")
    person.press("next", profiles=["Hyper-V"]).press("next").press("finish")
    for vm in ("MYWSV01", "MYBSD01"):
        person.choose("vms", vm).does("site.vmm.assign", cloud="OnPremise Cloud")
        system = "Windows Server 2012 R2" if vm == "MYWSV01" else "Other Linux (64-bit)"
        person.does("site.vmm.set_system", system=system).does("site.vmm.mark_system_disks", disks=["os"])
    person.go("azure")
    person.does("azure.sign_up", account="admin@contoso.example", phone="090-0000-0000", card="0000-0000-0000-0000")
    person.does("azure.sign_in")
    person.go("azure", "vaults").does("azure.create_vault", name="MyVault", region="East Asia")
    person.go("azure", "storage").does("azure.create_storage", name="mystore1", region="East Asia")
    person.go("azure", "networks").does("azure.quick_network", name="AzureNetwork", region="East Asia")
    person.go("quick", "azure").does("vault.generate_key", where=str(folder / "key.VaultCredentials"))
    person.go("site").choose("servers", "SC01").click("site.install_provider")
    person.press("next").press("next").press("next", key=str(folder / "key.VaultCredentials")).press("next").press(
        "finish"
    )
    person.go("jobs", list(person.lab.jobs)[-1]).does("wait")
    person.go("site").choose("servers", "HV01").click("site.install_agent").press("next").press("next").press(
        "next"
    ).press("finish")


@pytest.mark.rule("2.5-3")
def test_step_two_by_clicking_and_its_script(tmp_path: Path) -> None:
    """Bare servers to "Protected - OK" by clicks alone; the lines shown on the way do the very same in another lab.

    On the way each step of Quick Start is ticked when it is done, and not before.
    """
    folder = tmp_path / "one"
    folder.mkdir()
    with labkit.create(folder / "a.lab") as lab:
        person = Person(lab)
        assert [step["done"] for step in person.block("steps-before")["rows"]] == [False] * 4
        set_up(person)
        person.go("quick")
        assert [step["done"] for step in person.block("steps-before")["rows"]] == [False, True, False, False]
        assert person.block("steps-azure")["rows"][0]["title"] == "Prepare VMM servers"
        cloud_and_azure(person, folder)
        person.go("items").choose("clouds", "OnPremise Cloud").does("vault.configure_protection", frequency="5 minutes")
        person.go("quick")
        assert "steps-before" not in person.seen["blocks"]["changed"]
        done = [step["done"] for step in person.block("steps-azure")["rows"]]
        assert done == [True, True, True, False, True, False, False, False]
        person.go("jobs", list(lab.jobs)[-1]).does("wait")
        person.go("resources", "networks").does(
            "vault.map_network", source="VirtualSwitch - FrontEnd", target="AzureNetwork"
        )
        person.go("jobs", list(lab.jobs)[-1]).does("wait")
        person.go("items", "OnPremise Cloud", "vms").does("vault.enable_protection", vm=["MYWSV01", "MYBSD01"])
        person.go("jobs").does("run", duration="6h")
        rows = person.go("items", "OnPremise Cloud", "vms").block("vms")["rows"]
        assert [row["cells"][2] for row in rows] == ["Protected - OK"] * 2
        person.go("plans").click("vault.create_plan").press("next", name="Plan").press("next", vms=["MYWSV01"])
        person.press("finish")
        assert all(step["done"] for step in person.go("quick").block("steps-azure")["rows"])
        lines, digest = script_of(person), lab.events_digest
    other = tmp_path / "two"
    other.mkdir()
    with labkit.create(other / "a.lab") as again:
        for line in lines:
            exec(line.replace(str(folder), str(other)), {"lab": again})
        assert again.events_digest == digest


def wait(person: Person) -> None:
    """Let time pass, at the last job's page, until it ends or waits."""
    person.go("jobs", list(person.lab.jobs)[-1]).does("wait")


VMS = ("items", "OnPremise Cloud", "vms")


@pytest.mark.rule("3.1-5")
def test_the_bar_greys_what_is_not_allowed(lab: Lab) -> None:
    """In every state of a life the bar's commands that are not greyed are the item's allowed operations.

    The greyed ones say why in the lab's words; unplanned failover is greyed while Azure is active, as the guide shows.
    """
    operations = {
        "vault.test_failover": "TestFailover", "vault.planned_failover": "PlannedFailover",
        "vault.unplanned_failover": "UnplannedFailover", "vault.commit": "Commit", "vault.failback": "Failback",
        "vault.complete_test": "TestFailoverCleanup", "vault.change_recovery_point": "ChangePit",
        "vault.complete_failover": "CompleteFailover", "vault.reverse_replication": "ReverseReplicate",
        "vault.disable_protection": "DisableProtection",
    }  # fmt: skip
    person, states = Person(lab), []

    def compare() -> None:
        person.go(*VMS).choose("vms", "MYWSV01")
        item = lab.vault.items["MYWSV01"]
        states.append(item.description)
        for control, operation in operations.items():
            command = person.command(control)
            assert (command["why"] == "") == (operation in item.allowed_operations), (item.state, operation)
            if command["why"]:
                assert item.refusal(operation).message in command["why"]  # type: ignore[union-attr]

    compare()
    person.does("vault.unplanned_failover")
    compare()
    wait(person)
    compare()
    person.does("vault.commit")
    wait(person)
    compare()
    assert person.command("vault.unplanned_failover")["why"]
    assert "Failback" in person.command("vault.unplanned_failover")["why"]
    person.does("vault.failback", synchronise="Synchronize data before failover (minimize downtime)")
    wait(person)
    compare()
    person.does("vault.complete_failover", note="now")
    wait(person)
    compare()
    person.does("vault.commit")
    wait(person)
    compare()
    assert len(set(states)) == 6


def test_a_greyed_command_is_refused_also_when_it_is_sent(lab: Lab) -> None:
    """A page that lags behind sends a click on what is greyed by now: refused with the reason, nothing happens."""
    person = Person(lab).go(*VMS).choose("vms", "MYWSV01")
    before = lab.events_digest
    with pytest.raises(labkit.LabError) as refused:
        person.screen.do("command", person.command("vault.commit")["key"])
    assert refused.value.code == 900986
    assert lab.events_digest == before


def test_a_refusal_stays_in_the_dialog(lab: Lab) -> None:
    """What the lab refuses is shown in the dialog with code, cause and what to do; what was typed stays; then the cure
    works."""
    person = Person(lab).go("azure", "storage").click("azure.create_storage").type(name="Not Allowed!")
    before = lab.events_digest
    person.press("ok")
    assert person.error is not None
    assert person.error["code"] == 900810
    assert person.error["action"] in person.error["text"]
    assert person.field("name")["value"] == "Not Allowed!"
    assert lab.events_digest == before
    assert lab.journal[-1]["outcome"] == "refused"
    person.press("ok", name="allowed1")
    assert person.seen["dialog"] is None
    assert "allowed1" in lab.azure.storage


def test_an_empty_field_is_refused_in_words(lab: Lab) -> None:
    """OK in an empty dialog is refused by the lab, not by an error of Python; the same for letters in a number."""
    for page, control, typed in (
        (("azure", "storage"), "azure.create_storage", {}),
        (("azure", "networks"), "azure.create_network", {}),
        (("azure", "vaults"), "azure.create_vault", {}),
        (("site", "servers"), "site.add_account", {}),
        (("azure",), "azure.buy_licences", {"count": "many"}),
        (("azure",), "azure.buy_licences", {"count": ""}),
    ):
        person = Person(lab).go(*page).click(control).press("ok", **typed)
        assert person.error is not None, control
        assert person.error["code"] > 0


@pytest.mark.rule("3.3-5")
def test_complete_test_wants_its_tick(lab: Lab) -> None:
    """The box "clean up the test environment" has to be ticked; without it the test VM stays."""
    person = Person(lab).go(*VMS).choose("vms", "MYWSV01").does("vault.test_failover", network="None")
    wait(person)
    person.go(*VMS).choose("vms", "MYWSV01").click("vault.complete_test").press("ok", note="fine")
    assert person.error is not None
    assert person.error["code"] == 900983
    assert "MYWSV01-test" in lab.azure.machines
    person.press("ok", _tick=True)
    wait(person)
    assert "MYWSV01-test" not in lab.azure.machines


def test_a_point_that_is_picked_is_what_the_dialog_begins_with(lab: Lab) -> None:
    """The recovery point chosen on the VM's page stands in the dialogs that take one, and can be looked into first."""
    lab.run("1h")
    points = lab.vault.items["MYWSV01"].recovery_points
    person = Person(lab).go(*VMS, "MYWSV01").choose("points", str(points[-3].id)).click("vault.look_into")
    assert str(points[-3].id) in person.seen["dialog"]["lines"][-1]
    person.press("ok")
    told = dict(person.seen["result"][0]["rows"])
    shown = lab.vault.look_into("MYWSV01", points[-3].id)
    assert told["Orders that would be lost"] == f"{shown.lost_orders:,}"
    assert shown.lost_orders > 60  # type: ignore[operator]


def test_a_plan_is_changed_in_the_editor(lab: Lab) -> None:
    """Groups and a manual action added in the editor count when they are saved, as its lines of Python do."""
    plan = lab.vault.create_plan("Two", ["MYWSV01", "MYBSD01"])
    person = Person(lab).go("plans", "Two")
    person.does("draft.add_group").choose("groups", "1:vm:MYBSD01").does("draft.move", group="2")
    person.choose("groups", "2:vm:MYBSD01").does(
        "draft.add_manual", name="Look", text="Look at it", kinds=["Planned failover"]
    )
    assert plan.groups[0]["vms"] == ["MYWSV01", "MYBSD01"]
    assert person.block("unsaved")
    person.does("draft.save")
    assert [group["vms"] for group in plan.groups] == [["MYWSV01"], ["MYBSD01"]]
    assert plan.groups[1]["after"][0]["kinds"] == ["planned"]
    assert "unsaved" not in person.seen["blocks"]["changed"]
    saved, lines = plan.groups, script_of(person)
    lab.vault.delete_plan("Two")
    lab.vault.create_plan("Two", ["MYWSV01", "MYBSD01"])
    exec("\n".join(lines), {"lab": lab})
    assert lab.vault.plans["Two"].groups == saved


def test_a_wizard_that_is_cancelled_leaves_nothing_open(tmp_path: Path) -> None:
    """The provider's wizard stops VMM's service on its first page; Cancel starts it again."""
    with labkit.create(tmp_path / "a.lab", stage="prepared") as lab:
        person = Person(lab).go("site").choose("servers", "SC01")
        lab.site.uninstall_provider() if "provider" in str(lab.site.server("SC01").software).lower() else None
        person.click("site.install_provider").press("next")
        assert not lab.site.vmm.running
        person._do("cancel")
        assert lab.site.vmm.running
        assert person.seen["dialog"] is None


def taken(told: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """What a page has after a message: as static/portal.js puts it together."""
    blocks = {} if told.get("all") else dict(known.get("blocks", {}))
    found = {} if told.get("all") else dict(known)
    found |= {name: value for name, value in told.items() if name not in ("all", "blocks")}
    if "blocks" in told:
        blocks |= told["blocks"]["changed"]
        found["blocks"] = {key: blocks[key] for key in told["blocks"]["order"]}
    return found


def test_what_is_told_adds_up(lab: Lab, page: Any) -> None:
    """A page that was told the whole once and then the news has what a page has that asks for the whole at the end."""

    async def story() -> None:
        view = portal.open(lab, "dashboard")
        wire, known = view.comm, {}
        wire.page(HELLO)
        await turns()
        for message in (
            {"kind": "do", "part": "portal", "what": "go", "value": list(VMS)},
            {"kind": "do", "part": "portal", "what": "choose", "value": {"key": "vms", "rows": ["MYWSV01"]}},
            {"kind": "do", "part": "clock", "what": "skip", "value": None},
            {"kind": "do", "part": "portal", "what": "go", "value": ["dashboard"]},
        ):
            wire.page(message)
            await turns()
        lab.run("1h")
        await turns(1.3)
        for message in wire.sent:
            assert message["kind"] != "error", message
            told = message.get("parts", {}).get("portal")
            known = taken(told, known) if told else known
        fresh = taken(view.screen.state(), {})  # type: ignore[attr-defined]
        assert {name: value for name, value in known.items() if name != "nav"} == {
            name: value for name, value in fresh.items() if name != "nav"
        }
        assert known["blocks"]["figures"]["cards"][1]["value"]["state"] == "good"

    asyncio.run(story())


def test_two_languages(lab: Lab) -> None:
    """The page's language is switched by its own control; what is told is in it, the line of Python is the same."""
    person = Person(lab).go(*VMS).choose("vms", "MYWSV01").click("vault.test_failover")
    lines = person.seen["dialog"]["lines"]
    try:
        person._do("language", "ja")
        assert person.seen["head"]["language"] == "ja"
        assert [entry["title"] for entry in person.seen["nav"]][2] == "保護された項目"
        assert person.seen["dialog"]["lines"] == lines
        assert person.command("vault.test_failover")["title"] == "テスト フェールオーバー"
        row = person.block("vms")["rows"][0]["cells"]
        assert row[2] == "保護済み - OK"
    finally:
        texts.set_language(None)


@pytest.mark.rule("2.5-8", "1.2-2")
def test_the_pages_of_a_vault(lab: Lab) -> None:
    """Quick Start, Dashboard, Protected Items, Recovery Plans, Resources with Servers and Networks, Jobs; a notice of
    a job opens it; the clouds' list has the guide's columns."""
    person = Person(lab)
    titles = [entry["title"] for entry in person.seen["nav"]]
    assert titles[:6] == ["Quick Start", "Dashboard", "Protected Items", "Recovery Plans", "Resources", "Jobs"]
    person.go("resources")
    assert [tab["title"] for tab in person.seen["head"]["tabs"]] == ["Servers", "Networks"]
    clouds = person.go("items").block("clouds")
    assert clouds["columns"] == [
        "Name",
        "Role",
        "Status",
        "VMM server",
        "Virtual Machines",
        "Target server",
        "Target cloud",
    ]
    cells = [cell if isinstance(cell, str) else cell["text"] for cell in clouds["rows"][0]["cells"]]
    assert cells == [
        "OnPremise Cloud",
        "Protected cloud",
        "Configured",
        "SC01.demo.contoso.com",
        "3",
        "Microsoft Azure",
        "",
    ]
    person.go(*VMS).choose("vms", "MYBSD01").does("vault.planned_failover")
    (notice,) = person.seen["notices"]
    assert "MYBSD01 (Planned failover): In progress" in notice["text"]
    assert "press Play" in notice["text"]
    person.go(*notice["go"])
    assert person.seen["head"]["title"] == "MYBSD01 (Planned failover)"
    lab.run("1h")
    assert "Completed" in person.go("jobs").seen["notices"][0]["text"]


def test_names_of_any_kind(tmp_path: Path) -> None:
    """A plan's name of 63 letters, and one in Japanese: told as they are; their pages open, their lines run."""
    with labkit.create(tmp_path / "a.lab", stage="protected") as lab:
        for name in ("x" * 63, "復旧計画 1.a_b"):
            lab.vault.create_plan(name, ["MYWSV01"])
            person = Person(lab).go("plans", name)
            assert person.seen["head"]["title"] == name
            person.click("vault.delete_plan")
            (line,) = person.seen["dialog"]["lines"]
            person.press("ok")
            assert name not in lab.vault.plans
            lab.vault.create_plan(name, ["MYWSV01"])
            exec(line, {"lab": lab})
            assert name not in lab.vault.plans


def test_a_page_that_is_gone(lab: Lab) -> None:
    """The page of something that was deleted meanwhile says so, and the ways from it lead on."""
    lab.vault.create_plan("Plan", ["MYWSV01"])
    person = Person(lab).go("plans", "Plan")
    lab.vault.delete_plan("Plan")
    person.go("plans", "Plan")
    assert "Plan" in person.block("error")["text"]
    assert person.seen["nav"][0]["go"] == ["quick"]
    assert Screen(heart.of(lab), ("nowhere",)).state()["blocks"]["changed"]["error"]["text"].startswith("Error 900985")


def test_an_rpo_is_a_duration_on_every_page(tmp_path: Path) -> None:
    """Of a replica without a vault as of a protected item: hours, minutes and seconds, and not a bare number."""
    (tmp_path / "two.yml").write_text(CONTOSO.read_text("utf-8") + "replica_site: {hosts: [HV11]}\n", "utf-8")
    with labkit.create(tmp_path / "two.lab", site=tmp_path / "two.yml") as two:
        two.hyperv.enable("MYWSV01")
        two.hyperv.wait("MYWSV01")
        two.run("1h")
        two.faults.lose_line("replica-site")
        two.run("90min")
        (row,) = Person(two).go("site", "hyperv").block("replicas")["rows"]
        seconds = two.hyperv.replicas["MYWSV01"].rpo
        assert seconds is not None
        assert row["cells"][-1] == units.show_duration(int(seconds) * 1000)
        assert re.fullmatch(r"1 h \d+ min( \d+ s)?", row["cells"][-1])


def test_no_password_is_kept(tmp_path: Path) -> None:
    """A password that was typed is in no line of Python, and in no word of the journal."""
    lab = encrypted_lab(tmp_path)
    person = Person(lab).go(*VMS).choose("vms", "SHOP").click("vault.planned_failover").type(password="pa55word")
    assert person.seen["dialog"]["lines"][0] == "from getpass import getpass"
    assert not re.search("pa55word", str(person.seen["dialog"]["lines"]))
    person.press("ok")
    assert "pa55word" not in str(person.seen["script"]) + str(lab.journal)


def test_where_no_widget_can_be_it_is_a_picture(lab: Lab, tmp_path: Path) -> None:
    """Untrusted, under papermill or in nbconvert the portal is a PNG of its chart and a fixed text, on any page.

    A lab in which nothing is protected yet has a picture, too.
    """
    import base64

    with labkit.create(tmp_path / "bare.lab") as bare:
        for one in (lab, bare):
            bundle, _metadata = portal.open(one, "jobs")._repr_mimebundle_()
            assert bundle["text/plain"] == f"<portal {one.path.name}>"
            assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")


def test_the_first_part_of_a_page_is_open(lab: Lab) -> None:
    """A page with parts opens at its first one, and says so."""
    person = Person(lab).go("azure")
    assert [tab["title"] for tab in person.seen["head"]["tabs"] if tab["here"]] == ["Subscription"]
    person.go("azure", "bill")
    assert [tab["title"] for tab in person.seen["head"]["tabs"] if tab["here"]] == ["Bill"]


def test_a_lab_that_another_process_plays(lab: Lab) -> None:
    """While another process lets time pass, commands work; to wait is greyed, since this kernel would stand still."""
    import subprocess
    import sys

    person = Person(lab).go(*VMS).choose("vms", "MYWSV01").does("vault.unplanned_failover")
    program = """if True:
        import labkit, sys, time
        with labkit.open(sys.argv[1])._session.playing():
            print(1, flush=True)
            time.sleep(60)
    """
    with subprocess.Popen([sys.executable, "-c", program, str(lab.path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "1\n"
        assert "Another process" in person.go("jobs", list(lab.jobs)[-1]).command("wait")["why"]
        person.go("dashboard").does("vault.declare_disaster", note="the data centre is under water")
        other.kill()
    assert not person.go("jobs", list(lab.jobs)[-1]).command("wait")["why"]


def test_beside_the_notebook_there_is_one_portal(lab: Lab) -> None:
    """Opened beside the notebook again, it closes the tab before; the cell has a line, and a picture for papermill."""

    async def story() -> None:
        first = portal.open(lab, side=True)
        tab = heart.of(lab).aside
        assert tab.title == "a.lab"
        second = portal.open(lab, "jobs", side=True)
        assert tab.comm is None
        assert heart.of(lab).aside.comm is not None
        widget, own = "application/vnd.jupyter.widget-view+json", portal.open(lab)
        for view in (first, second):
            bundle, _metadata = view._repr_mimebundle_()
            assert bundle[widget]["model_id"] != view.model_id
            assert bundle["text/plain"] == "<portal a.lab>"
            assert bundle["image/png"]
        assert own._repr_mimebundle_()[0][widget]["model_id"] == own.model_id

    asyncio.run(story())
