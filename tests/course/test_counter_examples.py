"""What looks like a step that was done and is none: the check says no, and says what it saw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labkit.course import catalogue, checks
from labkit.lab import Lab

CLOUD, SWITCH = "OnPremise Cloud", "VirtualSwitch - FrontEnd"


def _tested_other(lab: Lab) -> None:
    lab.vault.test_failover("MYBSD01", wait=True)


def _completed_other(lab: Lab) -> None:
    lab.vault.test_failover("MYBSD01", wait=True)
    lab.vault.complete_test("MYBSD01", wait=True)


def _committed_other(lab: Lab) -> None:
    lab.vault.planned_failover("MYBSD01", wait=True)
    lab.vault.commit("MYBSD01", wait=True)


def _back_in_the_other_way(lab: Lab) -> None:
    lab.vault.failback("MYWSV02", synchronise="during", wait=True)
    lab.vault.commit("MYWSV02", wait=True)


def _stopped_managing(lab: Lab) -> None:
    for vm in ("MYWSV01", "MYWSV02"):
        lab.vault.stop_managing(vm, wait=True)


def _not_stopped_but_disabled(lab: Lab) -> None:
    for vm in list(lab.vault.items):
        lab.vault.disable_protection(vm, wait=True)


def _cloud(**more: Any) -> Callable[[Lab], object]:
    return lambda lab: lab.site.vmm.create_cloud(
        **{"name": CLOUD, "networks": [SWITCH], "profiles": ["Hyper-V"]} | more
    )


def _a_sql_server_that_vmm_refuses(lab: Lab) -> None:
    lab.site.add_feature("SC01")
    lab.site.install("SC01", "SQL Server 2014")


def _three_steps_of_vmm(lab: Lab, work: Callable[[Lab], object]) -> None:
    for step in catalogue.lesson("vmm").steps[:6]:
        assert step.solution is not None
        step.solution(lab)
    work(lab)


def _variables_only(lab: Lab) -> None:
    lab.wait = lambda _thing: "Succeeded"  # type: ignore[method-assign, assignment]


# lesson, step, what is done instead of it
TABLE: list[tuple[str, str, Callable[[Lab], object]]] = [
    ("hyper-v-replica", "replicate-host", lambda lab: lab.hyperv.enable("MYBSD01", frequency="30s")),
    ("hyper-v-replica", "interval-of-2012", _variables_only),
    ("two-solutions", "pair-clouds", lambda lab: lab.vault.configure_protection("Primary Cloud", wait=True)),
    ("charges", "one-licence", lambda lab: lab.run("1h")),
    ("requirements", "new-generation-1", lambda lab: lab.site.create_vm("NEW01", "CentOS 7.0", host="HV01")),
    ("evaluation-site", "host-account", lambda lab: lab.site.add_account("labadmin")),
    ("evaluation-site", "first-hour", lambda lab: lab.run("59min")),
    ("subscription", "sign-up", lambda lab: lab.azure.create_account("admin@contoso.com")),
    ("vmm", "sql-server", lambda lab: lab.site.add_feature("SC01")),
    ("vmm", "sql-server", _a_sql_server_that_vmm_refuses),
    ("vmm", "adk", lambda lab: lab.site.install("SC01", "Windows ADK", ["Deployment Tools"])),
    ("vmm", "make-cloud", lambda lab: _three_steps_of_vmm(lab, _cloud(profiles=[]))),
    ("vmm", "make-cloud", lambda lab: _three_steps_of_vmm(lab, _cloud(networks=[]))),
    ("vmm", "make-cloud", lambda lab: _three_steps_of_vmm(lab, _cloud(name="My Cloud"))),
    ("vms-to-protect", "set-system", lambda lab: lab.site.vmm.set_system("MYBSD01", "Windows Server 2012")),
    ("vms-to-protect", "mark-disk", lambda lab: lab.site.vmm.mark_system_disks("MYWSV01", "data")),
    ("azure-services", "create-vault", lambda lab: lab.azure.create_vault("MySiteRecovery", "Japan East")),
    ("azure-services", "create-vault", lambda lab: lab.azure.create_vault("MySiteRecovery", "East Asia", "backup")),
    ("azure-services", "create-storage", lambda lab: lab.azure.create_storage("mysiterecovery", "East Asia", "LRS")),
    ("azure-services", "create-storage", lambda lab: lab.azure.create_storage("mysiterecovery", "Japan West")),
    ("azure-services", "create-network", lambda lab: lab.azure.quick_network("AzureNetwork", "East Asia")),
    ("components", "install-agent", lambda lab: lab.site.install_provider(lab.vault.generate_key(lab.path.parent))),
    ("configure-protection", "configure-cloud", lambda lab: lab.vault.configure_protection()),
    ("configure-protection", "configure-cloud", lambda lab: lab.vault.configure_protection(retention=0, wait=True)),
    ("enable-protection", "protect-vm", lambda lab: lab.vault.enable_protection("MYWSV02", wait=True)),
    ("enable-protection", "protect-from-vmm", lambda lab: lab.vault.enable_protection("MYWSV01", wait=True)),
    ("replication-health", "an-hour-of-cycles", lambda lab: lab.run("20min")),
    ("failover", "domain-controller", lambda lab: lab.azure.create_machine("DC03", network="AzureNetwork")),
    ("failover", "set-objectives", lambda lab: lab.vault.set_objectives("MYBSD01", rto="1h", rpo="1h", mtd="2h")),
    ("recovery-plans", "create-plan", lambda lab: lab.vault.create_plan("Contoso", ["MYWSV01", "MYWSV02"])),
    ("recovery-plans", "two-groups", lambda lab: lab.vault.create_plan("Contoso", ["MYWSV01", "MYBSD01"])),
    ("test-failover", "start-test", _tested_other),
    ("test-failover", "complete-test", _completed_other),
    ("test-failover", "test-plan", _completed_other),
    ("planned-failover", "planned-failover-done", _committed_other),
    ("planned-failover", "commit-planned", _committed_other),
    ("unplanned-failover", "disaster", lambda lab: lab.faults.lose_line()),
    ("unplanned-failover", "unplanned-failover-done", lambda lab: lab.vault.planned_failover("MYWSV01", wait=True)),
    ("failback", "failback-before", _back_in_the_other_way),
    ("disable-protection", "disable-vms", _stopped_managing),
    ("disable-protection", "stop-managing", _not_stopped_but_disabled),
    ("release-cloud", "release-cloud-done", lambda lab: lab.vault.change_protection(frequency="15min", wait=True)),
    ("unregister-server", "unregister", lambda lab: lab.site.uninstall_agent("HV01")),
    ("delete-services", "delete-network", lambda lab: lab.azure.delete_machine("DC02")),
    ("faq-setup", "encryption-later", lambda lab: lab.site.make_certificate(lab.path.parent, password="x")),
    ("faq-cost", "buy-licences", lambda lab: lab.azure.buy_licences(1)),
    ("faq-details", "move-for-good", _committed_other),
]


@pytest.mark.parametrize(("lesson", "step", "instead"), TABLE, ids=[f"{row[1]}-{n}" for n, row in enumerate(TABLE)])
def test_another_thing_was_done(
    lesson: str, step: str, instead: Callable[[Lab], object], stage: Callable[[str], Lab]
) -> None:
    """Another VM, another setting, or half of it: the check fails, and what it expected is not what it saw."""
    with stage(lesson) as lab:
        instead(lab)
        seen = checks.look(lab, catalogue.step(step)[1])
        assert not seen[-1].ok
        assert seen[-1].expected != seen[-1].seen
        assert all((seen[-1].expected, seen[-1].seen, seen[-1].where))


def test_every_lesson_has_a_counter_example() -> None:
    """The table misses no lesson."""
    assert {row[0] for row in TABLE} == {lesson.slug for lesson in catalogue.all_lessons()}


@pytest.mark.rule("1.1-7")
def test_answers(stage: Callable[[str], Lab]) -> None:
    """A question is answered in the lab's journal: case, spaces and order do not count, a wrong answer does; the last
    one decides. Which of the two recovery services a need calls for is such a question.
    """
    with stage("hyper-v-replica") as lab:
        step = catalogue.step("which-service")[1]
        for given, ok in (("Site Recovery", False), (" azure  BACKUP ", True), ("replica", False), ("Backup", True)):
            checks.mark(lab, checks.ANSWER, step, answer=checks.plain(given))
            assert checks.holds(lab, step) is ok
    assert checks.right(["MYBSD01", "mywsv01"], ["MYWSV01", "MYBSD01"])
    assert checks.right("hv01", ["HV01"])
    assert checks.right(100.4, 100)
    assert not checks.right(["A"], ["A", "B"])
    assert not checks.right(102, 100)
    assert not checks.right("None", None)
