"""What dialogs ask, what they begin with, and what they offer: what is set now, and nothing that would be refused."""

from __future__ import annotations

from pathlib import Path

import pytest

import labkit
from labkit import Lab
from tests.portal.clicks import Person
from tests.portal.labs import CONTOSO
from tests.recovery.labs import SHOP
from tests.recovery.test_cloud_to_cloud import OURS, THEIRS, two_clouds
from tests.recovery.test_encryption import encrypted_lab, pfx

CLOUD, VM, OTHER = "OnPremise Cloud", "MYWSV01", "MYBSD01"


def shown(person: Person, name: str) -> object:
    """What a field of the open dialog shows: the title of what is chosen, or what is typed."""
    field = person.field(name)
    value = field["value"]
    return field["choices"][value] if field["kind"] == "choice" and value is not None else value


def test_the_lost_line_is_the_one_to_bring_back(tmp_path: Path) -> None:
    """Of two lines that between the sites is lost: it alone is offered, and OK brings it back; then none is."""
    (tmp_path / "two.yml").write_text(CONTOSO.read_text("utf-8") + "replica_site: {hosts: [HV11]}\n", "utf-8")
    with labkit.create(tmp_path / "two.lab", site=tmp_path / "two.yml") as lab:
        lab.faults.lose_line("replica-site")
        person = Person(lab).go("lab", "faults").click("faults.restore_line")
        assert person.field("to")["choices"] == ["Inter-site line"]
        person.press()
        assert person.seen["script"] == ['lab.faults.restore_line(to="replica-site")']
        assert lab.status()["lines"]["replica-site"]["connected"]
        assert person.command("faults.restore_line")["why"] == "No line is lost."


def test_what_is_set_now_is_where_a_change_begins(lab: Lab) -> None:
    """Settings of a protected cloud: all are shown; OK gives only what was changed, and untouched nothing."""
    person = Person(lab).go("items", CLOUD, "settings").click("vault.change_protection")
    now = lab.vault.settings(CLOUD)
    assert (shown(person, "frequency"), shown(person, "retention")) == ("5 minutes", str(now["retention"]))
    assert (shown(person, "app_consistent"), shown(person, "initial_start")) == ("None", now["initial_start"])
    assert person.seen["dialog"]["lines"] == [f'lab.vault.change_protection(cloud="{CLOUD}")']
    person.press(frequency="15 minutes")
    assert person.seen["script"][-1] == f'lab.vault.change_protection(cloud="{CLOUD}", frequency="15min")'
    lab.run("10min")
    assert lab.vault.settings(CLOUD) == {**now, "frequency": "15min"}


def test_the_target_in_azure_is_shown_and_kept(lab: Lab) -> None:
    """Size, name and adapter as they are; only the name is changed, and the size stays unchosen."""
    now = lab.vault.target(VM)
    person = Person(lab).go("items", CLOUD, "vms", VM).click("vault.set_target")
    assert [shown(person, name) for name in ("size", "azure_name", "adapter")] == [now.size, now.name, now.adapter]
    person.press(azure_name="Web")
    assert person.seen["script"][-1] == f'lab.vault.set_target("{VM}", azure_name="Web")'
    assert lab.vault.target(VM) == now._replace(name="Web")


def test_targets_begin_with_those_that_hold(lab: Lab) -> None:
    """Those of the site first, then a VM's own; one that is emptied is the site's again."""
    person = Person(lab).go("items", CLOUD, "vms", VM).click("vault.set_objectives")
    assert [shown(person, name) for name in ("rto", "rpo", "mtd")] == ["1h", "15min", None]
    person.press(rto="30min", mtd="4h").click("vault.set_objectives")
    assert [shown(person, name) for name in ("rto", "rpo", "mtd")] == ["30min", "15min", "4h"]
    person.press(rto="").click("vault.set_objectives")
    assert [shown(person, name) for name in ("rto", "rpo", "mtd")] == ["1h", "15min", "4h"]
    lab.vault.create_plan("Plan", [VM])
    lab.vault.set_plan_objectives("Plan", rto="2h")
    assert shown(person._do("cancel").go("plans", "Plan").click("vault.set_plan_objectives"), "rto") == "2h"


def test_properties_of_a_cloud_keep_what_is_ticked(lab: Lab) -> None:
    """Host groups, networks and profiles are ticked as they are; OK at once changes nothing, all unticked is none."""
    now = lab.site.vmm.clouds[CLOUD]
    person = Person(lab).go("site", "vmm").choose("clouds", CLOUD).click("site.vmm.change_cloud")
    field = person.field("networks")
    assert [field["choices"][place] for place in field["value"]] == now.networks
    person.press()
    assert person.seen["script"] == [f'lab.site.vmm.change_cloud("{CLOUD}")']
    assert lab.site.vmm.clouds[CLOUD] == now
    person.click("site.vmm.change_cloud").press(networks=[])
    assert person.seen["script"][-1] == f'lab.site.vmm.change_cloud("{CLOUD}", networks=[])'
    assert lab.site.vmm.clouds[CLOUD] == now._replace(networks=[])


def test_what_cannot_be_read_is_as_it_is(tmp_path: Path) -> None:
    """A cloud whose VMs go to a second site has no retention: the field says that leaving it changes nothing."""
    with two_clouds(tmp_path, SHOP) as lab:
        for server in ("SC01", "SC02"):
            lab.vault.register_server(server, wait=True)
        lab.vault.configure_protection(target=THEIRS, frequency="30s", wait=True)
        person = Person(lab).go("items", OURS, "settings").click("vault.change_protection")
        assert (shown(person, "frequency"), shown(person, "retention")) == ("30 seconds", "As it is")
        assert person.seen["dialog"]["lines"] == [f'lab.vault.change_protection(cloud="{OURS}")']


def asked(person: Person) -> set[str]:
    """The fields of the open dialog."""
    return {field["name"] for field in person.seen["dialog"]["fields"]}


KEY = {"certificate", "password"}


def test_a_key_is_asked_for_where_there_is_something_to_open(lab: Lab, tmp_path: Path) -> None:
    """Of an encrypted cloud's VM or plan, or of a plan's job to restart; of another cloud's not."""
    with encrypted_lab(tmp_path) as sealed:
        for there, vm, wanted in ((lab, VM, set()), (sealed, "SHOP", KEY)):
            there.vault.create_plan("Plan", [vm])
            person = Person(there).go("items", CLOUD, "vms", vm)
            for command in ("test_failover", "planned_failover", "unplanned_failover", "look_into"):
                assert asked(person.click(f"vault.{command}")) & KEY == wanted, command
                person._do("cancel")
            person.go("plans", "Plan")
            for command in ("test_failover_plan", "planned_failover_plan", "unplanned_failover_plan"):
                assert asked(person.click(f"vault.{command}")) & KEY == wanted, command
                person._do("cancel")
        job = sealed.vault.planned_failover_plan("Plan", **pfx(tmp_path))
        sealed.vault.cancel(job)
        assert asked(Person(sealed).go("jobs", job.id).click("vault.restart")) & KEY == KEY


def test_the_licence_checklist_has_heads_in_words(lab: Lab) -> None:
    """A table of products, each with what applies to it and what has to be asked; no name of an attribute."""
    person = Person(lab).go("azure", "subscription").does("azure.licence_checklist", products="Windows Server\nOracle")
    (table,) = person.seen["result"]
    assert table["columns"] == ["Product", "Basis", "Terms", "Questions"]
    assert [row["cells"][:2] for row in table["rows"]] == [["Windows Server", "included"], ["Oracle", "to be checked"]]


def test_only_disks_that_were_left_are_offered_for_deletion(lab: Lab) -> None:
    """Of a VM that the vault stopped managing; those of a protected one are not, and without any it is greyed."""
    account = next(iter(lab.azure.storage_accounts))
    person = Person(lab).go("azure", "storage").choose("storage", account)
    assert "left" in person.command("azure.delete_disks")["why"]
    lab.site.vmm.stop_service()
    lab.vault.stop_managing(VM, wait=True)
    person.go("azure", "storage").choose("storage", account).click("azure.delete_disks")
    assert person.field("vm")["choices"] == [VM]
    person.press()
    assert person.seen["script"] == [f'lab.azure.delete_disks("{account}", "{VM}")']
    assert person.command("azure.delete_disks")["why"]


@pytest.mark.rule("4.3-1")
def test_a_server_is_removed_for_a_reason(tmp_path: Path) -> None:
    """One of the list, of which the first is chosen already as in the guide's dialog; the line names it."""
    with labkit.create(tmp_path / "a.lab", stage="registered") as lab:
        reasons = lab.vault.unregister_reasons
        person = Person(lab).go("resources").choose("servers", "SC01").click("vault.unregister_server")
        assert person.field("reason")["required"]
        assert person.field("reason")["choices"] == [one.title for one in reasons]
        assert shown(person, "reason") == reasons[0].title
        person.press(reason=reasons[-1].title)
        assert person.seen["script"] == [f'lab.vault.unregister_server(server="SC01", reason="{reasons[-1].name}")']


def test_a_dialog_stays_when_what_it_is_about_goes(lab: Lab) -> None:
    """The protection is removed elsewhere, the VMM service stops: there is nothing set now to show, OK is refused."""
    person = Person(lab).go("items", CLOUD, "vms").choose("vms", VM).click("vault.set_target").type(size="L")
    lab.wait(lab.vault.disable_protection(VM))
    person.seen = person.screen.state()
    assert shown(person, "azure_name") is None
    person.press()
    assert person.error is not None
    assert person.error["code"] == 900502
    person._do("cancel").go("site", "vmm").choose("clouds", CLOUD).click("site.vmm.change_cloud")
    lab.site.vmm.stop_service()
    person.seen = person.screen.state()
    person.press()
    assert person.error is not None
    assert person.error["code"] == 900642


def held(person: Person, **values: object) -> Person:
    """OK as a page presses it: with what every field has, some of them typed just now."""
    fields = {field["name"]: field for field in person.seen["dialog"]["fields"]}
    sent = {name: field["value"] for name, field in fields.items()} | values
    return person._do("press", {"button": "ok", "values": sent})


def test_what_another_has_changed_meanwhile_stays(lab: Lab) -> None:
    """A dialog is open with the target's size M, its OK is refused for the name, and elsewhere the size becomes L: the
    next OK gives the name alone. The same without a refusal, from a page that has not been drawn anew.
    """
    before = lab.vault.target(VM).size
    person = Person(lab).go("items", CLOUD, "vms", VM).click("vault.set_target")
    held(person, azure_name="not a name!")
    assert person.error is not None
    assert person.error["code"] == 70044
    lab.vault.set_target(VM, size="L")
    assert before != lab.vault.target(VM).size
    held(person, azure_name="Web")
    assert person.seen["script"] == [f'lab.vault.set_target("{VM}", azure_name="Web")']
    person.click("vault.set_target")
    lab.vault.set_target(VM, size="XL")
    held(person, azure_name="Web2")
    assert person.seen["script"][-1] == f'lab.vault.set_target("{VM}", azure_name="Web2")'
    assert (lab.vault.target(VM).size, lab.vault.target(VM).name) == ("XL", "Web2")


def test_what_was_there_before_can_be_chosen_again(lab: Lab) -> None:
    """Who changes a field and changes it back to what another has replaced meanwhile gets what is chosen."""
    before = lab.vault.target(VM).size
    person = Person(lab).go("items", CLOUD, "vms", VM).click("vault.set_target")
    lab.vault.set_target(VM, size="XL")
    person.type(size="L").type(size=before)
    held(person)
    assert lab.vault.target(VM).size == before


def test_an_emptied_text_is_not_passed_over(lab: Lab) -> None:
    """The name in Azure, emptied, is refused in the lab's words, and the name is what it was."""
    name = lab.vault.target(VM).name
    person = Person(lab).go("items", CLOUD, "vms", VM).click("vault.set_target").press(azure_name="")
    assert person.error is not None
    assert person.error["code"] == 70044
    assert lab.vault.target(VM).name == name
