"""A shop in three tiers, protected, with a recovery plan: DB, then APP, then the two web servers."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from labkit.lab import Lab
from tests.recovery.labs import facts, new_lab

DB = (
    "{name: DB, os: Windows Server 2012 R2, churn: 20KB/s, orders: 6/min,"
    " disks: [{name: os, size: 24MB, used: 8MB}, {name: data, size: 20MB}]}"
)
APP = (
    "{name: APP, os: Windows Server 2012 R2, churn: 5KB/s, invoices: yes,"
    " disks: [{name: os, size: 24MB, used: 4MB}, {name: data, size: 20MB}]}"
)
WEB1 = "{name: WEB1, os: FreeBSD 10.0, churn: 5KB/s, disks: [{name: os, size: 24MB, used: 4MB}]}"
WEB2 = "{name: WEB2, os: FreeBSD 10.0, churn: 5KB/s, disks: [{name: os, size: 24MB, used: 4MB}]}"
MEMBERS = ("DB", "APP", "WEB1", "WEB2")
TIERS = [["DB"], ["APP"], ["WEB1", "WEB2"]]
ACCOUNT = "runbooks"


def tiers_lab(folder: Path, *vms: str, groups: list[Any] | None = None) -> Lab:
    """The shop, half an hour after it was protected, with the plan "Shop"."""
    lab = new_lab(folder, *(vms or (DB, APP, WEB1, WEB2)))
    lab.run("30min")
    names = [vm.split(":")[1].split(",")[0].strip() for vm in vms] or list(MEMBERS)
    lab.vault.create_plan("Shop", names)
    lab.vault.save_plan("Shop", groups or TIERS)
    return lab


def runbook(lab: Lab, text: str, name: str = "switch", suffix: str = ".py") -> str:
    """A runbook in the lab's automation account, made when it is not there."""
    if ACCOUNT not in lab.azure.automation_accounts:
        lab.azure.create_automation_account(ACCOUNT)
    file = lab.path.parent / f"{name}{suffix}"
    file.write_text(text, encoding="utf-8")
    return lab.azure.import_runbook(ACCOUNT, file)


def script(name: str = "switch", **more: Any) -> dict[str, Any]:
    """A script action."""
    return {"name": name, "action": "script", "account": ACCOUNT, "runbook": name, **more}


def manual(name: str = "ask", **more: Any) -> dict[str, Any]:
    """A manual action."""
    return {"name": name, "action": "manual", "text": "Switch the name server.", **more}


def check(vm: str, **more: Any) -> dict[str, Any]:
    """A check action."""
    return {"name": f"{vm} answers", "action": "check", "vm": vm, **more}


def order(lab: Lab, kind: str, side: str) -> list[tuple[str, int]]:
    """VMs of a side and instants of a kind of fact, in order."""
    return [
        (fact["entity"].partition("/")[2], fact["at"]) for fact in facts(lab, kind) if fact["entity"].startswith(side)
    ]


def any_groups(chance: random.Random) -> list[Any]:
    """Up to four groups of the shop's VMs in any order, with manual actions and checks before and after some."""
    members, count = list(MEMBERS), chance.randint(1, 4)
    chance.shuffle(members)
    found: list[Any] = [{"vms": [], "before": [], "after": []} for _ in range(count)]
    for number, vm in enumerate(members):
        found[chance.randrange(count) if number >= count else number]["vms"].append(vm)
    for group in found:
        for place in ("before", "after"):
            if chance.random() < 0.3:
                group[place].append(manual() if chance.random() < 0.5 else check(members[0], limit="3min"))
    return found
