"""How each refusal of clouds in pairs, and of making a VM, comes about: the lab, and the call that is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import labkit
from labkit.lab import Lab
from tests.recovery.labs import SHOP, new_lab
from tests.recovery.test_cloud_to_cloud import OURS, THEIRS, two_clouds

Make = Callable[[Path], tuple[Lab, Callable[[], object]]]
Step = Callable[[Lab], object]


def _in_pair(work: Step, *before: Step) -> Make:
    def make(folder: Path) -> tuple[Lab, Callable[[], object]]:
        lab = two_clouds(folder, SHOP)
        for server in ("SC01", "SC02"):
            lab.vault.register_server(server, wait=True)
        for step in before:
            step(lab)
        return lab, lambda: work(lab)

    return make


def _line_lost(lab: Lab) -> None:
    lab.faults.lose_line("replica-site")


def _configured(lab: Lab, **settings: object) -> None:
    lab.vault.configure_protection(target=THEIRS, wait=True, **settings)


def _protected(lab: Lab) -> None:
    _configured(lab)
    lab.vault.enable_protection("SHOP", wait=True)
    lab.wait(lab.vault.items["SHOP"])


def _left(lab: Lab) -> None:
    _configured(lab, delete_replica=False)
    lab.vault.enable_protection("SHOP", wait=True)
    lab.wait(lab.vault.items["SHOP"])
    lab.vault.disable_protection("SHOP", wait=True)


def _cut_off(lab: Lab) -> None:
    lab.vault.unplanned_failover("SHOP", wait=True)
    lab.faults.lose_line("replica-site")


def _off(lab: Lab) -> None:
    for host in ("HV11", "HV12"):
        lab.site.stop_server(host)


def _prepared(work: Step, stage: str = "prepared") -> Make:
    def make(folder: Path) -> tuple[Lab, Callable[[], object]]:
        lab = new_lab(folder, SHOP, stage=stage)
        return lab, lambda: work(lab)

    return make


def _enable(lab: Lab) -> object:
    return lab.vault.enable_protection("SHOP", wait=True)


def _without_network(folder: Path) -> tuple[Lab, Callable[[], object]]:
    lab = labkit.create(folder / "a.lab", stage="registered")
    lab.site.vmm.change_cloud(OURS, networks=[])
    return lab, lab.vault.map_network


def _lost_site(lab: Lab) -> object:
    lab.faults.lose_site()
    return lab.site.add_feature("SC01")


def _gone(work: Step) -> Make:
    def make(folder: Path) -> tuple[Lab, Callable[[], object]]:
        lab = new_lab(folder, SHOP)
        lab.vault.planned_failover("SHOP", wait=True)
        lab.vault.commit("SHOP", wait=True)
        lab.faults.lose_vm("SHOP")
        return lab, lambda: work(lab)

    return make


PROVOKED_PAIRS: dict[int, Make] = {
    20011: _in_pair(lambda lab: lab.vault.reverse_replication("SHOP", wait=True), _protected, _cut_off),
    31218: _in_pair(lambda lab: lab.vault.configure_protection(target=THEIRS, initial="export")),
    40000: _in_pair(_enable, _configured, lambda lab: lab.faults.lose_line("replica-site")),
    40004: _in_pair(_enable, _configured, _off),
    900680: _prepared(lambda lab: lab.site.create_vm("WEB", "Windows 95", host="HV01")),
    900681: _prepared(lambda lab: lab.site.create_vm("WEB", "Ubuntu", host="DC01")),
    900682: _prepared(lambda lab: lab.site.create_vm("shop", "Ubuntu", host="HV01")),
    900683: _prepared(_lost_site, stage="start"),
    900684: _in_pair(lambda lab: lab.site.create_vm("WEB", "Ubuntu", host="HV11")),
    900685: _in_pair(lambda lab: lab.vault.configure_protection(THEIRS, target=OURS)),
    900854: _without_network,
    900890: _in_pair(lambda lab: lab.vault.configure_protection(target=THEIRS, retention=1)),
    900891: _in_pair(lambda lab: lab.vault.configure_protection(target=OURS)),
    900892: _in_pair(lambda lab: lab.vault.configure_protection(THEIRS), _configured),
    900893: _in_pair(lambda lab: lab.hyperv.remove("SHOP"), _protected),
    900894: _in_pair(
        _enable,
        _left,
    ),
    900896: _prepared(lambda lab: lab.vault.set_objectives("SHOP", rto="2h", mtd="1h")),
    900949: _in_pair(
        lambda lab: lab.vault.planned_failover("SHOP", wait=True),
        _protected,
        lambda lab: lab.faults.lose_line("replica-site"),
    ),
    900948: _in_pair(lambda lab: lab.vault.set_target("SHOP", size="M"), _protected),
    900898: _prepared(lambda lab: lab.faults.lose_vm("SHOP"), stage="protected"),
    900899: _gone(lambda lab: lab.vault.failback("SHOP")),
    900995: _gone(lambda lab: lab.site.start("SHOP")),
    900996: _prepared(lambda lab: lab.vault.cancel(lab.vault.test_failover("SHOP")), stage="protected"),
    900997: _prepared(lambda lab: lab.wait(lab.vault.cancel(lab.vault.planned_failover("SHOP"))), stage="protected"),
    900897: _in_pair(lambda lab: lab.vault.planned_failover("SHOP", point=1), _protected),
    900895: _in_pair(lambda lab: lab.vault.configure_protection(points=1)),
}
