"""A learner who has clicked half of a step in the portal and then asks for its solution."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from labkit.course import catalogue, checks
from labkit.lab import Lab


def _account(lab: Lab) -> None:
    lab.azure.create_account("hanako@contoso.com")
    lab.azure.confirm_phone("090-0000-0000")


def _two_days_and_a_test(lab: Lab) -> None:
    lab.run("16h")
    lab.vault.test_failover("MYWSV01", wait=True)


def _off(lab: Lab) -> None:
    lab.hyperv.enable("MYWSV01", frequency="30s")
    lab.hyperv.wait("MYWSV01")
    lab.run("5min")
    lab.site.turn_off("MYWSV01")


def _host_and_a_cloud_without_profile(lab: Lab) -> None:
    for step in catalogue.lesson("vmm").steps[:6]:
        assert step.solution is not None
        step.solution(lab)
    lab.site.vmm.create_cloud("OnPremise Cloud")


def _protected_as_it_is(lab: Lab) -> None:
    lab.site.vmm.make_broker("HVC01")
    lab.vault.configure_protection(wait=True)
    lab.vault.enable_protection("name_with_underscores", wait=True)


@pytest.mark.parametrize(
    ("lesson", "step", "half"),
    [
        ("subscription", "sign-up", _account),
        ("hyper-v-replica", "replicate-host", lambda lab: lab.hyperv.enable("MYWSV01", frequency="30s")),
        ("hyper-v-replica", "host-failover", _off),
        ("charges", "test-on-the-bill", _two_days_and_a_test),
        ("vmm", "make-cloud", _host_and_a_cloud_without_profile),
        ("requirements", "name-for-azure", _protected_as_it_is),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_solution_goes_on_from_there(
    lesson: str, step: str, half: Callable[[Lab], object], stage: Callable[[str], Lab]
) -> None:
    """What is there is not refused as done already: the rest is done, and the check is satisfied."""
    found = catalogue.step(step)[1]
    assert found.solution is not None
    with stage(lesson) as lab:
        half(lab)
        assert not checks.holds(lab, found)
        found.solution(lab)
        assert checks.holds(lab, found)
