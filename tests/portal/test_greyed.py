"""A command that would be refused is greyed with that refusal, which the engine gives and which says what helps."""

from __future__ import annotations

from pathlib import Path

from labkit import Lab
from tests.portal.clicks import Person
from tests.recovery.labs import SHOP, error_of
from tests.recovery.planlabs import manual
from tests.recovery.test_cloud_to_cloud import OURS, THEIRS, two_clouds

CLOUD, VM, OTHER = "OnPremise Cloud", "MYWSV01", "MYBSD01"


def test_the_vm_of_an_open_test_goes_with_the_test(lab: Lab) -> None:
    """It is listed, and its Delete names test and job; done as the refusal says, it is gone."""
    job = lab.vault.test_failover(VM, wait=True)
    refused = error_of(lambda: lab.azure.delete_machine(f"{VM}-test"))
    assert (refused.code, refused.details["job"]) == (900946, job.id)
    person = Person(lab).go("azure", "machines")
    assert "Choose a row" in person.command("azure.delete_machine")["why"]
    person.choose("machines", f"{VM}-test")
    assert person.command("azure.delete_machine")["why"] == refused.message
    assert person.go("azure", "machines", f"{VM}-test").command("azure.delete_machine")["why"] == refused.message
    lab.wait(lab.jobs[refused.details["job"]].complete())
    assert f"{VM}-test" not in lab.azure.machines
    assert error_of(lambda: lab.azure.delete_machine(f"{VM}-test")).code == 900010


def test_of_a_plans_test_the_plans_job_is_named(lab: Lab) -> None:
    """The word for all its VMs is given to the plan's job."""
    lab.vault.create_plan("Plan", [VM, OTHER])
    job = lab.vault.test_failover_plan("Plan", wait=True)
    assert error_of(lambda: lab.azure.delete_machine(f"{OTHER}-test")).details["job"] == job.id
    lab.wait(job.complete())
    assert lab.azure.machines == {}


def _why(person: Person, commands: tuple[str, ...]) -> list[str]:
    return [person.command(f"vault.{command}")["why"] for command in commands]


ON_A_PLANS_JOB = ("restart", "skip", "release_plan")


def test_a_job_of_no_plan_is_not_restarted_or_skipped(lab: Lab) -> None:
    """Also one that has failed, or that waits: greyed with what the lab would say; to cancel is as far as it can be."""
    test = lab.vault.test_failover(VM, wait=True)
    person = Person(lab).go("jobs", test.id)
    words = error_of(test.restart).message
    assert "no recovery plan" in words
    assert _why(person, ON_A_PLANS_JOB) == [words] * 3
    assert error_of(lambda: lab.vault.cancel(test)).message in _why(person, ("cancel",))[0]
    lab.wait(test.complete())
    assert "has ended" in _why(person.go("jobs", test.id), ("cancel",))[0]
    job = lab.vault.planned_failover(OTHER)
    assert _why(person.go("jobs", job.id), ("cancel",)) == [""]
    lab.vault.cancel(job)
    assert _why(person.go("jobs").choose("jobs", job.id), ON_A_PLANS_JOB) == [error_of(job.skip).message] * 3


def test_of_a_plans_job_what_its_state_allows_is_offered(lab: Lab) -> None:
    """An action that waits is skipped and nothing else; a run that failed is restarted, unless the plan ran since."""
    lab.vault.create_plan("Plan", [VM, OTHER])
    lab.vault.save_plan("Plan", [{"vms": [VM, OTHER], "before": [manual()]}])
    job = lab.vault.test_failover_plan("Plan", wait=True)
    restart, skip, release = _why(Person(lab).go("jobs", job.id), ON_A_PLANS_JOB)
    assert (restart, skip) == (error_of(job.restart).message, "")
    assert release == restart
    lab.vault.skip(job)
    lab.wait(lab.wait(job).complete())
    failed = lab.vault.planned_failover_plan("Plan")
    lab.vault.cancel(failed)
    restart, skip, release = _why(Person(lab).go("jobs", failed.id), ON_A_PLANS_JOB)
    assert (restart, release) == ("", "")
    lab.vault.unplanned_failover_plan("Plan")
    assert error_of(failed.restart).message in _why(Person(lab).go("jobs", failed.id), ("restart",))[0]


def test_what_azure_alone_has_is_greyed_for_a_second_site(tmp_path: Path) -> None:
    """A VM protected to another cloud has no target size: the command says so on its page and in the list."""
    with two_clouds(tmp_path, SHOP) as lab:
        for server in ("SC01", "SC02"):
            lab.vault.register_server(server, wait=True)
        lab.vault.configure_protection(target=THEIRS, wait=True)
        lab.vault.enable_protection("SHOP", wait=True)
        words = error_of(lambda: lab.vault.set_target("SHOP", size="M")).message
        person = Person(lab).go("items", OURS, "vms", "SHOP")
        assert person.command("vault.set_target")["why"] == words
        person.go("items", OURS, "vms").choose("vms", "SHOP")
        assert person.command("vault.set_target")["why"] == words
        assert not person.command("vault.set_objectives")["why"]


def test_the_target_is_not_changed_in_a_failover(lab: Lab) -> None:
    """Greyed with the lab's refusal while a test uses it, and offered again when that is complete."""
    test = lab.vault.test_failover(VM, wait=True)
    person = Person(lab).go("items", CLOUD, "vms", VM)
    assert person.command("vault.set_target")["why"] == error_of(lambda: lab.vault.set_target(VM, size="L")).message
    lab.wait(test.complete())
    assert not person.go("items", CLOUD, "vms", VM).command("vault.set_target")["why"]


def test_a_job_is_asked_about_what_can_be_done_with_it(lab: Lab) -> None:
    """A command that no job has is unknown, by the name and with those that there are."""
    job = lab.vault.test_failover(VM, wait=True)
    refused = error_of(lambda: job.refusal("complete"))
    assert refused.code == 900010
    assert all(name in str(refused) for name in ("cancel", "restart", "skip", "release_plan"))


def test_who_asks_for_the_certificate(lab: Lab) -> None:
    """Nobody in a cloud that is not encrypted, nor a VM that is none."""
    assert not lab.vault.needs_certificate(VM, OTHER)
    assert not lab.vault.needs_certificate("NOBODY")
