"""3.2: a recovery plan with groups, a manual action and a runbook."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.course import looks
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import CONTOSO
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab

PLAN = "Contoso"


def _begins(lab: Lab) -> Iterator[Seen]:
    yield looks.protected(lab, "MYWSV01", "MYBSD01", "MYWSV02")
    yield looks.equal(_("recovery plans"), list(lab.vault.plans), [], looks.PLANS)
    yield looks.in_azure(lab, "DC02")


def _plan(lab: Lab) -> Iterator[Seen]:
    found = lab.vault.plans
    yield looks.look(PLAN in found, _("there is the recovery plan {name}").format(name=PLAN), list(found), looks.PLANS)
    yield looks.equal(_("VMs of the plan"), set(found[PLAN].vms), {"MYWSV01", "MYBSD01"}, looks.PLANS)


def _create(lab: Lab) -> None:
    lab.vault.create_plan("Contoso", ["MYWSV01", "MYBSD01"])


def _groups(lab: Lab) -> Iterator[Seen]:
    yield from _plan(lab)
    groups = [group["vms"] for group in lab.vault.plans[PLAN].groups]
    text = " > ".join(", ".join(vms) or "-" for vms in groups)
    expected = _("groups: {groups}").format(groups="MYWSV01 > MYBSD01")
    yield looks.look([vms for vms in groups if vms] == [["MYWSV01"], ["MYBSD01"]], expected, text, looks.PLANS)


def _two_groups(lab: Lab) -> None:
    lab.vault.plans["Contoso"].draft().remove("MYBSD01").add_group("MYBSD01").save()


def _action_after(lab: Lab, kind: str, number: int, expected: str) -> Seen:
    """That an action of a kind stands right after a group; seen are all of its kind, with where they stand."""
    words = {"before": _("before group {number}: {name}"), "after": _("after group {number}: {name}")}
    found, ok = [], False
    for at, group in enumerate(lab.vault.plans[PLAN].groups, 1):
        for place, text in words.items():
            names = [action["name"] for action in group.get(place, []) if action["action"] == kind]
            found += [text.format(number=at, name=name) for name in names]
            ok |= bool(names) and (place, at) in (("after", number), ("before", number + 1))
    return looks.look(ok, expected, found, looks.PLANS)


def _manual(lab: Lab) -> Iterator[Seen]:
    yield from _plan(lab)
    yield _action_after(lab, "manual", 1, _("a manual action after group 1"))


def _add_manual(lab: Lab) -> None:
    draft = lab.vault.plans["Contoso"].draft()
    draft.add_manual(1, "Tell the shops", "Call the shops: orders go to Azure from now on.").save()


def _runbook(lab: Lab) -> Iterator[Seen]:
    yield from _plan(lab)
    place = (mark("Azure > Automation"), "lab.azure.automation_accounts")
    accounts = lab.azure.automation_accounts
    yield looks.look(any(accounts.values()), _("an automation account holds a runbook"), list(accounts), place)
    yield _action_after(lab, "script", 2, _("a script after group 2"))


def _add_runbook(lab: Lab) -> None:
    file = lab.path.parent / "tell.py"
    file.write_text("import pathlib, sys\nprint(pathlib.Path(sys.argv[1]).read_text('utf-8'))\n", encoding="utf-8")
    lab.azure.create_automation_account("contoso-automation")
    lab.azure.import_runbook("contoso-automation", file)
    lab.vault.plans["Contoso"].draft().add_script(2, "Write it down", "contoso-automation", "tell").save()


def _swap(lab: Lab) -> None:
    groups = lab.vault.plans["Contoso"].groups
    first, second = groups[0]["vms"], groups[1]["vms"]
    groups[0]["vms"], groups[1]["vms"] = second, first
    lab.vault.save_plan("Contoso", groups)


def _right_order(lab: Lab) -> None:
    lab.vault.plans["Contoso"].draft().move("MYWSV01", 1).move("MYBSD01", 2).save()


LESSON = Lesson(
    slug="recovery-plans",
    number="3.2",
    title=mark("Recovery plans"),
    heading="復旧計画の作成",
    track=CONTOSO,
    after="failover",
    rules=("3.2-1", "3.2-2", "3.2-3", "3.2-4", "3.2-5"),
    begins=_begins,
    minutes=12,
    steps=(
        Step(
            slug="create-plan",
            title=mark("Make the recovery plan Contoso with MYWSV01 and MYBSD01"),
            hint=mark(
                "Recovery Plans > Create; lab.vault.create_plan(name, VMs), or page by page lab.vault.plan_wizard()."
            ),
            check=_plan,
            solution=_create,
        ),
        Step(
            slug="two-groups",
            title=mark("Start MYWSV01 first, MYBSD01 after it"),
            hint=mark(
                "Groups start in their order. lab.vault.plans[NAME].draft() is a copy to change; nothing counts"
                " before save()."
            ),
            check=_groups,
            solution=_two_groups,
        ),
        Step(
            slug="manual-action",
            title=mark("Add a manual action after the first group"),
            hint=mark("draft().add_manual(group, name, text).save(): the plan waits there for somebody's word."),
            check=_manual,
            solution=_add_manual,
        ),
        Step(
            slug="runbook",
            title=mark("Add a runbook after the second group"),
            hint=mark(
                "It needs an automation account that holds the runbook: lab.azure.create_automation_account,"
                " lab.azure.import_runbook with a Python file; then draft().add_script(...).save()."
            ),
            check=_runbook,
            solution=_add_runbook,
        ),
        Step(
            slug="wrong-order",
            title=mark("The plan starts in the wrong order: find it, and mend it"),
            hint=mark("Look at lab.vault.plans[NAME].groups; draft().move(VM, group) puts a VM into another group."),
            check=_groups,
            solution=_right_order,
            trouble=_swap,
            optional=True,
        ),
    ),
)
