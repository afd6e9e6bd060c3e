"""Recovery plans before they run: what is made, changed, refused, exported (rules 3.2-1, 3.2-4, 3.2-5)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import labkit
from labkit.lab import Lab
from tests.recovery.labs import error_of, facts, new_lab
from tests.recovery.planlabs import ACCOUNT, DB, MEMBERS, TIERS, WEB1, check, manual, runbook, script, tiers_lab


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with tiers_lab(tmp_path_factory.mktemp("tiers")) as lab:
        return lab.path


@pytest.fixture
def tiers(_made: Path, tmp_path: Path) -> Iterator[Lab]:
    """The shop in three tiers with its plan."""
    with labkit.open(_made, read_only=True) as lab:
        lab.copy(tmp_path / "tiers.lab")
    with labkit.open(tmp_path / "tiers.lab") as lab:
        yield lab


@pytest.mark.rule("3.2-1")
def test_as_made_all_vms_are_in_one_group(tiers: Lab) -> None:
    """Name, source, target and VMs are all there is to give; the source is the VMM server of the VMs' clouds."""
    plan = tiers.vault.create_plan("Web", ["WEB2", "WEB1"])
    assert plan.groups == [{"vms": ["WEB2", "WEB1"]}]
    assert (plan.server, plan.target, plan.version) == ("SC01", "azure", 1)
    assert plan.changed
    assert sorted(tiers.vault.plans) == ["Shop", "Web"]
    assert facts(tiers, "plan.created", "Web")[0]["vms"] == "WEB2, WEB1"


@pytest.mark.rule("3.2-1")
def test_the_wizard_has_two_pages(tiers: Lab) -> None:
    """Name, source, target; then VMs of that pair. Each page refuses what is wrong on it."""
    wizard = tiers.vault.plan_wizard()
    assert wizard.title == "Create Recovery Plan"
    assert len(wizard.pages) == 2
    assert {field.name: field.value for field in wizard.fields} == {"name": None, "source": "SC01", "target": "azure"}
    assert error_of(lambda: wizard.next(name="Shop")).code == 900809
    assert error_of(lambda: wizard.next(name="Web", source="SC09")).code == 900010
    assert error_of(lambda: wizard.next(name="Web", target="moon")).code == 900633
    wizard.next(name="Web")
    assert tiers.vault.plan_vms() == sorted(MEMBERS)
    assert error_of(lambda: wizard.next(vms=[])).code == 900904
    assert error_of(lambda: wizard.next(vms=["NOBODY"])).code == 900010
    wizard.next(vms=["WEB1", "WEB2"])
    assert list(tiers.vault.plans) == ["Shop"]
    assert wizard.finish().groups == [{"vms": ["WEB1", "WEB2"]}]


@pytest.mark.rule("3.2-5")
@pytest.mark.parametrize(
    ("groups", "code"),
    [
        ([["DB"], ["NOBODY"]], 900010),
        ([["DB", "APP"], ["DB"]], 900901),
        ([["DB", "DB"]], 900901),
        ([["DB"], []], 900903),
        ([], 900904),
        ([{"before": [manual()]}], 900904),
        ([["DB"], *({"before": [manual()]} for _ in range(8))], 900905),
        ([{"vms": ["DB"], "after": [manual(text=" ")]}], 900907),
        ([{"vms": ["DB"], "after": [manual(action="guess")]}], 900907),
        ([{"vms": ["DB"], "after": [manual(kinds=["sideways"])]}], 900907),
        ([{"vms": ["DB"], "after": [check("APP")]}], 900907),
        ([{"vms": ["DB"], "after": [check("DB", limit="0s")]}], 900907),
        ([{"vms": ["DB"], "after": [{"name": "x"}]}], 900910),
        ([{"vms": ["DB"], "when": "now"}], 900910),
        ([{"vms": "DB"}], 900910),
        (["DB"], 900910),
        ([{"vms": ["DB"], "after": [check("DB", limit="soon")]}], 900101),
    ],
)
def test_a_plan_that_is_no_good_is_refused_whole(tiers: Lab, groups: list[Any], code: int) -> None:
    """Whatever is wrong, nothing of it is kept."""
    before = tiers.vault.plans["Shop"].groups
    assert error_of(lambda: tiers.vault.save_plan("Shop", groups)).code == code
    plan = tiers.vault.plans["Shop"]
    assert (plan.groups, plan.version) == (before, 2)


@pytest.mark.rule("3.2-5")
def test_a_vm_that_is_not_protected_is_refused(tmp_path: Path) -> None:
    """It exists, and is not protected; and an eighth group beside the first is the last."""
    with new_lab(tmp_path, DB, WEB1, stage="configured") as lab:
        lab.vault.enable_protection("WEB1", wait=True)
        assert error_of(lambda: lab.vault.create_plan("Shop", ["WEB1", "DB"])).code == 900502
        assert error_of(lambda: lab.vault.create_plan("Shop", [])).code == 900904
        assert error_of(lambda: lab.vault.create_plan("Shop", ["WEB1"], server="SC02")).code == 900902
        assert error_of(lambda: lab.vault.create_plan("-", ["WEB1"])).code == 900900
        lab.vault.create_plan("Shop", ["WEB1"])
        assert error_of(lambda: lab.vault.create_plan("Shop", ["WEB1"])).code == 900809
        lab.vault.save_plan("Shop", [["WEB1"], *({"before": [manual()]} for _ in range(7))])
        assert len(lab.vault.plans["Shop"].groups) == 8


@pytest.mark.rule("3.2-5")
def test_customising_is_saved_as_one_change(tiers: Lab) -> None:
    """VMs moved, a group and actions added in a draft: nothing counts before it is saved."""
    vault = tiers.vault
    vault.create_plan("Web", ["DB", "WEB1", "WEB2"])
    draft = vault.plans["Web"].draft().add_group().move("WEB1", 2).move("WEB2", 2)
    draft.add_manual(2, "ask", "Is the database up?", place="before", kinds=("planned",)).add_check(1, "up", "DB")
    assert vault.plans["Web"].version == 1
    plan = draft.save()
    assert plan.version == 2
    assert [group["vms"] for group in plan.groups] == [["DB"], ["WEB1", "WEB2"]]
    assert plan.groups[1]["before"][0]["kinds"] == ["planned"]
    assert plan.draft().save().version == 2  # nothing has changed
    plan.draft().remove_action(1, "up").remove("WEB2").save()
    assert plan.groups == [{"vms": ["DB"]}, {"vms": ["WEB1"], "before": plan.groups[1]["before"]}]
    assert plan.draft().remove_group(2).save().vms == ["DB"]
    for work in (
        lambda: plan.draft().move("DB", 3),
        lambda: plan.draft().remove("WEB1"),
        lambda: plan.draft().remove_action(1, "up"),
    ):
        assert error_of(work).code == 900010


@pytest.mark.rule("3.2-4")
def test_a_script_needs_an_account_that_holds_its_runbook(tiers: Lab) -> None:
    """Without an automation account it cannot be added, nor without the runbook; and none goes back to the site."""
    groups = [{"vms": list(MEMBERS), "after": [script()]}]
    assert error_of(lambda: tiers.vault.save_plan("Shop", groups)).code == 900906
    tiers.azure.create_automation_account(ACCOUNT)
    assert error_of(lambda: tiers.vault.save_plan("Shop", groups)).code == 900010
    runbook(tiers, "print('switched')")
    tiers.vault.save_plan("Shop", groups)
    back = [{"vms": list(MEMBERS), "after": [script(kinds=["failback"])]}]
    assert error_of(lambda: tiers.vault.save_plan("Shop", back)).code == 900907
    assert tiers.vault.plans["Shop"].readiness() == []
    tiers.azure.delete_automation_account(ACCOUNT)
    assert [found.code for found in tiers.vault.plans["Shop"].readiness()] == [900906]
    assert tiers.vault.plans["Shop"].readiness("failback")[0].code == 900909


@pytest.mark.parametrize(("name", "text"), [("a.txt", "x"), ("a.py", "def"), ("a.ipynb", "[]"), ("a.ipynb", "{")])
def test_what_is_no_runbook_is_refused(tiers: Lab, name: str, text: str) -> None:
    """A runbook is Python that compiles or a notebook."""
    tiers.azure.create_automation_account(ACCOUNT)
    file = tiers.path.parent / name
    file.write_text(text)
    assert error_of(lambda: tiers.azure.import_runbook(ACCOUNT, file)).code == 900919
    assert error_of(lambda: tiers.azure.import_runbook(ACCOUNT, file.with_name("none.py"))).code == 900919
    file.with_name("marked.py").write_text("print('well')", "utf-8-sig")
    assert tiers.azure.import_runbook(ACCOUNT, file.with_name("marked.py")).endswith("marked")
    assert error_of(lambda: tiers.azure.create_automation_account("a")).code == 900918


@pytest.mark.rule("3.2-5")
@pytest.mark.parametrize("suffix", ["yml", "json"])
def test_export_and_import_give_the_same_plan(tiers: Lab, suffix: str) -> None:
    """A plan with every kind of action, through a file and back."""
    runbook(tiers, "print()")
    groups = [
        {"vms": ["DB"], "after": [check("DB", limit="90s"), script(takes="2min", timeout=5)]},
        {"vms": ["WEB1"], "before": [manual(name="名前", kinds=["test", "planned"])]},
    ]
    tiers.vault.save_plan("Shop", groups)
    file = tiers.vault.export_plan("Shop", tiers.path.parent / f"plan.{suffix}")
    kept = file.read_bytes()
    assert error_of(lambda: tiers.vault.export_plan("Shop", file)).code == 900302
    assert tiers.vault.export_plan("Shop", file, overwrite=True).read_bytes() == kept
    read = json.loads(file.read_text("utf-8")) if suffix == "json" else yaml.safe_load(file.read_text("utf-8"))
    assert read["groups"][0]["after"][0]["limit"] == "90s"
    assert error_of(lambda: tiers.vault.import_plan(file)).code == 900809
    again = tiers.vault.import_plan(file, "Again")
    assert again.groups == tiers.vault.plans["Shop"].groups
    tiers.vault.delete_plan("Shop")
    assert list(tiers.vault.plans) == ["Again"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a",
        "plan: [",
        "plan: x\nserver: SC01\n",
        "plan: x\nserver: SC01\ngroups: [1]\n",
        "\x00",
        "plan: x\nserver: SC01\ngroups: {}\n",
    ],
)
def test_a_bad_file_is_refused_in_words(tiers: Lab, text: str) -> None:
    """Each says which file it is and what is wrong in it."""
    file = tiers.path.parent / "bad.yml"
    file.write_text(text)
    error = error_of(lambda: tiers.vault.import_plan(file))
    assert error.code == 900910
    assert "bad.yml" in error.message
    assert error_of(lambda: tiers.vault.import_plan(file.with_name("none.yml"))).code == 900910
    assert error_of(lambda: tiers.vault.export_plan("Shop", file.parent / "none" / "a.yml")).code == 900910


def test_readiness_tells_what_would_fail(tiers: Lab) -> None:
    """Site gone, quota of cores too small, a VM that is not protected any more: each by its code."""
    plan = tiers.vault.plans["Shop"]
    assert plan.readiness("planned") == []
    tiers.vault.set_target("DB", size="A7")
    tiers.vault.set_target("APP", size="A7")
    tiers.vault.set_target("WEB1", size="A4")
    assert [(found.about, found.code) for found in plan.readiness("test")] == [("Shop", 900814)]
    tiers.faults.lose_site()
    assert {found.code for found in plan.readiness("planned")} == {900814, 900521}
    assert {found.code for found in plan.readiness("unplanned")} == {900814}
    tiers.faults.restore_site()
    tiers.vault.disable_protection("DB", wait=True)
    assert ("DB", 900502) in [(found.about, found.code) for found in plan.readiness("test")]
    assert error_of(lambda: plan.readiness("sideways")).code == 900545
    assert error_of(lambda: tiers.vault.test_failover_plan("Shop")).code == 900502


def test_a_changed_plan_is_told_from_a_tested_one(tiers: Lab) -> None:
    """Tested, it is not changed; saved with a change, it is."""
    plan = tiers.vault.plans["Shop"]
    job = tiers.vault.test_failover_plan("Shop", wait=True)
    tiers.wait(job.complete())
    assert not plan.changed
    assert facts(tiers, "plan.tested", "Shop")[0]["version"] == 2
    tiers.vault.save_plan("Shop", [*TIERS[:2], ["WEB1"], ["WEB2"]])
    assert plan.changed
