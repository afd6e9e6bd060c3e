"""What looks like a step that was done and is none: the check says no, and says what it saw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labkit.course import answers, catalogue, checks
from labkit.lab import Lab

CLOUD, SWITCH = "OnPremise Cloud", "VirtualSwitch - FrontEnd"


def _tested_other(lab: Lab) -> None:
    lab.vault.test_failover("MYBSD01", wait=True)


def _on_a_network(lab: Lab) -> None:
    lab.vault.test_failover("MYWSV01", network="AzureNetwork", wait=True)
    lab.run("5min")


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


def _broken(lab: Lab, slug: str) -> None:
    step = catalogue.step(slug)[1]
    assert step.trouble is not None
    step.trouble(lab)
    checks.mark(lab, checks.TROUBLE, step)


def _another_proxy(lab: Lab) -> None:
    lab.site.install_agent("HV01")
    _broken(lab, "agent-proxy")
    lab.site.agent_proxy("HV01", "proxy.demo.contoso.com", 3128)


def _another_proxy_by_and_by(lab: Lab) -> None:
    _broken(lab, "host-behind-proxy")
    lab.site.agent_proxy("HV01", "proxy.contoso.com", 8080)
    lab.run("15min")


def _no_proxy_needed_any_more(lab: Lab) -> None:
    _broken(lab, "host-behind-proxy")
    lab.site.need_proxy("HV01", needed=False)
    lab.run("30min")


def _a_controller_once(lab: Lab) -> None:
    lab.azure.create_machine("DC02", network="AzureNetwork")
    lab.azure.delete_machine("DC02")
    lab.azure.create_machine("DC02", network="AzureNetwork", role=None)
    lab.run("10min")


def _host_just_started(lab: Lab) -> None:
    _broken(lab, "host-off")
    lab.site.start_server("HV01")


def _declared_after(span: str) -> Callable[[Lab], None]:
    def work(lab: Lab) -> None:
        lab.faults.lose_site()
        lab.run(span)
        lab.vault.declare_disaster("-")

    return work


def _declared_before(lab: Lab) -> None:
    lab.vault.declare_disaster("-")
    lab.run("1h")
    lab.faults.lose_site()
    lab.run("10min")


def _power_this_moment(lab: Lab) -> None:
    for slug in ("disaster", "unplanned-failover-done", "commit-unplanned"):
        solution = catalogue.step(slug)[1].solution
        assert solution is not None
        solution(lab)
    lab.faults.restore_site()


def _compared_no_end(lab: Lab) -> None:
    _power_this_moment(lab)
    lab.run("15min")
    lab.vault.resynchronise("MYBSD01", wait=True)


def _plan_with(*actions: tuple[int, str]) -> Callable[[Lab], None]:
    def work(lab: Lab) -> None:
        draft = lab.vault.create_plan("Contoso", ["MYWSV01"]).draft().add_group("MYBSD01")
        lab.azure.create_automation_account("automation")
        (lab.path.parent / "tell.py").write_text("print(1)", "utf-8")
        lab.azure.import_runbook("automation", lab.path.parent / "tell.py")
        for group, kind in actions:
            if kind == "manual":
                draft.add_manual(group, "Tell", "Tell.")
            else:
                draft.add_script(group, "Tell", "automation", "tell")
        draft.save()

    return work


def _released_past_vmm(lab: Lab) -> None:
    _broken(lab, "release-cloud-done")
    lab.vault.stop_managing("MYWSV01", wait=True)
    lab.vault.release_cloud(CLOUD, wait=True)


def _encrypted_but_not_yet_copied(lab: Lab) -> None:
    lab.site.install_provider()
    lab.site.make_certificate(lab.path.with_suffix(".pfx"), password="x")
    lab.vault.configure_protection(CLOUD, encrypt=True, wait=True)
    lab.vault.enable_protection("MYWSV02", wait=True)


# lesson, step, what is done instead of it
TABLE: list[tuple[str, str, Callable[[Lab], object]]] = [
    ("hyper-v-replica", "replicate-host", lambda lab: lab.hyperv.enable("MYBSD01", frequency="30s")),
    ("hyper-v-replica", "interval-of-2012", _variables_only),
    ("two-solutions", "pair-clouds", lambda lab: lab.vault.configure_protection("Primary Cloud", wait=True)),
    ("charges", "one-licence", lambda lab: lab.run("1h")),
    ("requirements", "new-generation-1", lambda lab: lab.site.create_vm("NEW01", "CentOS 7.0", host="HV01")),
    ("evaluation-site", "host-account", lambda lab: lab.site.add_account("labadmin")),
    ("evaluation-site", "host-off", _host_just_started),
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
    ("components", "agent-proxy", _another_proxy),
    ("configure-protection", "configure-cloud", lambda lab: lab.vault.configure_protection()),
    ("configure-protection", "configure-cloud", lambda lab: lab.vault.configure_protection(retention=0, wait=True)),
    ("enable-protection", "protect-vm", lambda lab: lab.vault.enable_protection("MYWSV02", wait=True)),
    ("enable-protection", "protect-from-vmm", lambda lab: lab.vault.enable_protection("MYWSV01", wait=True)),
    ("replication-health", "an-hour-of-cycles", lambda lab: lab.run("20min")),
    ("failover", "domain-controller", lambda lab: lab.azure.create_machine("DC03", network="AzureNetwork")),
    ("failover", "domain-controller", lambda lab: lab.azure.create_machine("DC02", network="AzureNetwork", role=None)),
    ("failover", "domain-controller", _a_controller_once),
    ("failover", "set-objectives", lambda lab: lab.vault.set_objectives("MYWSV01", rto="30min")),
    ("failover", "set-objectives", lambda lab: lab.vault.set_objectives("MYBSD01", rto="1h", rpo="1h", mtd="2h")),
    ("recovery-plans", "create-plan", lambda lab: lab.vault.create_plan("Contoso", ["MYWSV01", "MYWSV02"])),
    ("recovery-plans", "two-groups", lambda lab: lab.vault.create_plan("Contoso", ["MYWSV01", "MYBSD01"])),
    ("recovery-plans", "manual-action", _plan_with((2, "manual"))),
    ("recovery-plans", "runbook", _plan_with((1, "script"))),
    ("test-failover", "start-test", _tested_other),
    ("test-failover", "start-test", _on_a_network),
    ("test-failover", "complete-test", _completed_other),
    ("test-failover", "test-plan", _completed_other),
    ("planned-failover", "planned-failover-done", _committed_other),
    ("planned-failover", "commit-planned", _committed_other),
    ("unplanned-failover", "disaster", lambda lab: lab.faults.lose_line()),
    ("unplanned-failover", "disaster", _declared_after("599s")),
    ("unplanned-failover", "disaster", _declared_before),
    ("unplanned-failover", "power-back", _power_this_moment),
    ("unplanned-failover", "resynchronise", _compared_no_end),
    ("unplanned-failover", "unplanned-failover-done", lambda lab: lab.vault.planned_failover("MYWSV01", wait=True)),
    ("failback", "failback-before", _back_in_the_other_way),
    ("disable-protection", "disable-vms", _stopped_managing),
    ("disable-protection", "stop-managing", _not_stopped_but_disabled),
    ("release-cloud", "release-cloud-done", lambda lab: lab.vault.change_protection(frequency="15min", wait=True)),
    ("release-cloud", "release-cloud-done", _released_past_vmm),
    ("unregister-server", "unregister", lambda lab: lab.site.uninstall_agent("HV01")),
    ("delete-services", "delete-network", lambda lab: lab.azure.delete_machine("DC02")),
    ("faq-setup", "encryption-later", lambda lab: lab.site.make_certificate(lab.path.parent, password="x")),
    ("faq-setup", "host-behind-proxy", _another_proxy_by_and_by),
    ("faq-setup", "host-behind-proxy", _no_proxy_needed_any_more),
    ("faq-setup", "encryption-later", _encrypted_but_not_yet_copied),
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
            checks.mark(lab, checks.ANSWER, step, answer=answers.plain(given))
            assert checks.holds(lab, step) is ok
    assert answers.right(["MYBSD01", "mywsv01"], ["MYWSV01", "MYBSD01"])
    assert answers.right("hv01", ["HV01"])
    assert answers.right(100.4, 100)
    assert answers.right("13", 13)
    assert answers.right(" 1,204 ", 1204)
    assert not answers.right("14", 13)
    assert not answers.right("x", 13)
    assert not answers.right(["A"], ["A", "B"])
    assert not answers.right(102, 100)
    assert not answers.right("None", None)


def test_a_vm_taken_out_past_vmm_does_not_stop_the_teardown(stage: Callable[[str], Lab]) -> None:
    """What stop_managing has left in 4.2 is cleaned by its solution, and the disks it left are found by that of 4.4."""
    with stage("release-cloud") as lab:
        _released_past_vmm(lab)
        lessons = [catalogue.lesson(name) for name in ("release-cloud", "unregister-server", "delete-services")]
        for step in [step for lesson in lessons for step in lesson.steps if not step.optional]:
            assert step.solution is not None
            if not checks.holds(lab, step):
                step.solution(lab)
            assert checks.holds(lab, step), [seen for seen in checks.look(lab, step) if not seen.ok]
        assert lab.leftovers() == []
