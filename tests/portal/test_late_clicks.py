"""What a page sends is right also when the lab has gone on since the page was drawn."""

from __future__ import annotations

from labkit import Lab
from tests.portal.clicks import Person

CLOUD, VM = "OnPremise Cloud", "MYWSV01"


def test_a_choice_is_what_it_was_called_when_it_was_drawn(lab: Lab) -> None:
    """Points come and go while a dialog is open: what is picked is the point the page showed, not its place."""
    lab.run("3h")
    person = Person(lab).go("items", CLOUD, "vms", VM).click("vault.unplanned_failover")
    field = person.field("point")
    place = 5
    point = lab.vault.items[VM].recovery_points[-(place - 1)]
    assert field["choices"][place].startswith(point.time[:19].replace("T", " "))
    lab.run("30min")
    person.seen = person.screen.state()
    assert person.field("point")["choices"][place] != field["choices"][place]
    person._do("field", {"name": "point", "value": field["keys"][place]})
    assert person.seen["dialog"]["lines"] == [f'lab.vault.unplanned_failover("{VM}", point={point.id})']
    person._do("press", {"button": "ok", "values": {"point": field["keys"][place], "synchronise": False}})
    lab.run("1h")  # the failover, then the change to the point (rule 3.1-2)
    assert lab.vault.failovers[-1].point == point.time


def test_a_point_that_is_gone_is_refused_and_not_another_taken(lab: Lab) -> None:
    """A point that retention removed meanwhile is asked for as it was shown; the lab says that it is not there."""
    person = Person(lab).go("items", CLOUD, "vms", VM).click("vault.unplanned_failover")
    key = person.field("point")["keys"][-1]
    lab.run("3d")
    person.seen = person.screen.state()
    assert key not in person.field("point")["keys"]
    person._do("press", {"button": "ok", "values": {"point": key}})
    assert person.error is not None
    assert lab.vault.failovers == []


def test_what_was_ticked_for_another_product_does_not_count(lab: Lab) -> None:
    """Components ticked for one product are not sent with another that is chosen afterwards."""
    person = Person(lab).go("site").choose("servers", "HV01").click("site.install")
    person.type(product="SQL Server 2012 SP1").type(parts=["Database Engine Services", "Management Tools"])
    person.type(product="Windows ADK for Windows 8.1 Update").type(parts=["Windows PE"])
    (line,) = person.seen["dialog"]["lines"]
    assert line == 'lab.site.install("HV01", "Windows ADK for Windows 8.1 Update", parts=["Windows PE"])'
    person.type(product="SQL Server 2012 SP1")
    assert person.seen["dialog"]["lines"] == ['lab.site.install("HV01", "SQL Server 2012 SP1")']


def test_a_test_is_completed_in_jobs_with_its_tick(lab: Lab) -> None:
    """The word that a test of a plan waits for is given in Jobs; its box has to be ticked there, too (rule 3.3-5)."""
    lab.vault.create_plan("Plan", [VM])
    job = lab.wait(lab.vault.test_failover_plan("Plan"))
    person = Person(lab).go("jobs", job.id).click("vault.complete").press("ok", note="answers")
    assert person.error is not None
    assert person.error["code"] == 900983
    person.press("ok", _tick=True)
    lab.wait(job)
    assert job.state == "Succeeded"
    assert not lab.azure.machines


def test_a_double_click_turns_one_page(lab: Lab) -> None:
    """Next clicked twice before the page has changed: the second click is not about the page that nobody has seen."""
    person = Person(lab).go("plans").click("vault.create_plan")
    twice = {"button": "next", "page": 0, "values": {"name": "Plan"}}
    person._do("press", twice)._do("press", twice)
    assert (person.seen["dialog"]["page"], person.error) == (1, None)
    vms = {"button": "next", "page": 1, "values": {"vms": [0]}}
    person._do("press", vms)._do("press", vms)._do("press", {"button": "finish", "page": 2, "values": {}})
    assert lab.vault.plans["Plan"].vms == ["MYBSD01"]
