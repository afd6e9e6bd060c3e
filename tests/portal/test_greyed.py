"""A command that would be refused is greyed with that refusal, which the engine gives and which says what helps."""

from __future__ import annotations

from labkit import Lab
from tests.portal.clicks import Person
from tests.recovery.labs import error_of

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
