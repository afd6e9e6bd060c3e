"""Looking into recovery points before choosing one, and targets beside what was achieved (rules 1.1-3, 3.1-2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.lab import Lab
from labkit.recovery.achieved import switches
from tests.recovery.labs import HOUR, MINUTE, SHOP, error_of, new_lab, records
from tests.recovery.planlabs import tiers_lab
from tests.recovery.test_cloud_to_cloud import THEIRS, two_clouds


@pytest.mark.rule("3.1-2")
def test_a_point_says_what_a_failover_to_it_would_lose(shop: Lab) -> None:
    """Each point's age, kind, newest order and loss; the failover to it then counts the same numbers."""
    item = shop.vault.items["SHOP"]
    points = item.recovery_points
    looks = [shop.vault.look_into("SHOP", point.id) for point in points]
    assert [look.id for look in looks] == [point.id for point in points]
    assert [look.age for look in looks] == sorted((look.age for look in looks), reverse=True)
    lost = [look.lost_orders or 0 for look in looks]
    assert lost == sorted(lost, reverse=True)
    assert lost[-1] <= 32  # a cycle of five minutes and its transfer, at six a minute
    for look, earlier in zip(looks[1:], looks, strict=False):
        assert (look.orders or 0) - (earlier.orders or 0) == (earlier.lost_orders or 0) - (look.lost_orders or 0)
    newest = shop.vault.look_into("SHOP")
    assert newest.id == points[-1].id
    shop.vault.unplanned_failover("SHOP", wait=True)
    shop.vault.change_recovery_point("SHOP", points[0].id, wait=True)
    record = records(shop)[-1]
    since = record.source_at - points[0].cut
    assert record.lost.orders == pytest.approx(since / 10_000, abs=1.5)
    assert looks[0].orders == (looks[-1].orders or 0) - lost[0] + lost[-1]


@pytest.mark.rule("3.1-2")
def test_one_call_does_both_steps(shop: Lab) -> None:
    """With a point the failover is followed by the change to it, as two jobs; planned, unplanned, and read back."""
    points = shop.vault.items["SHOP"].recovery_points
    shop.vault.unplanned_failover("SHOP", point=points[2].id, wait=True)
    assert [job.scenario for job in shop.jobs.values()][-2:] == ["UnplannedFailover", "ChangePit"]
    assert records(shop)[-1].cut == points[2].cut
    assert records(shop)[-2].cut >= points[-1].cut  # a cycle may have ended meanwhile
    assert shop.vault.items["SHOP"].state == "UnplannedFailoverCommitPendingStatesBegin"
    assert error_of(lambda: shop.vault.unplanned_failover("SHOP", point=points[0].id)).code == 900501


def test_a_planned_failover_to_an_earlier_point(shop: Lab) -> None:
    """It sends the rest first, loses nothing, and goes back to the point asked for; a wrong one begins nothing."""
    assert error_of(lambda: shop.vault.planned_failover("SHOP", point=9_999)).code == 900522
    points = shop.vault.items["SHOP"].recovery_points
    shop.vault.planned_failover("SHOP", point=points[-1].id, wait=True)
    first, second = records(shop)[-2:]
    assert (first.operation, first.lost.orders, second.operation, second.cut) == (
        "PlannedFailover",
        0,
        "ChangePit",
        points[-1].cut,
    )
    assert shop.verify() == []


def test_looking_changes_nothing_but_the_databases_session(shop: Lab) -> None:
    """The lab verifies in full after many looks, and goes on as before; a point that is not there is refused."""
    for _ in range(3):
        shop.vault.look_into("SHOP")
    assert error_of(lambda: shop.vault.look_into("SHOP", 10_000)).code == 900522
    assert error_of(lambda: shop.vault.look_into("SHOP", "application-consistent")).code == 900522
    shop.run("1h")
    assert shop.verify(full=True) == []


def test_the_application_consistent_one(tmp_path: Path) -> None:
    """By its kind the newest application-consistent point is found, for a look and for a failover's choice."""
    with new_lab(tmp_path, SHOP, more=", app_consistent: 1h") as lab:
        lab.run("150min")
        wanted = [point for point in lab.vault.items["SHOP"].recovery_points if point.kind == "application-consistent"]
        assert len(wanted) >= 2
        assert lab.vault.look_into("SHOP", "application-consistent").id == wanted[-1].id
        test = lab.vault.test_failover("SHOP", point="application-consistent", wait=True)
        assert records(lab)[-1].point == wanted[-1].id
        lab.wait(test.complete())


def test_the_other_cloud_can_be_looked_into(tmp_path: Path) -> None:
    """Site to site the same question has the same kind of answer."""
    with two_clouds(tmp_path, SHOP) as lab:
        for server in ("SC01", "SC02"):
            lab.vault.register_server(server, wait=True)
        lab.vault.configure_protection(target=THEIRS, points=2, wait=True)
        lab.vault.enable_protection("SHOP", wait=True)
        lab.wait(lab.vault.items["SHOP"])
        lab.run("3h")
        newest = lab.vault.look_into("SHOP", "latest")
        assert (newest.orders or 0) > 6 * 60 * 2
        assert (newest.lost_orders or 0) <= 32


@pytest.mark.rule("1.1-3")
def test_targets_beside_what_was_achieved(shop: Lab) -> None:
    """The site's targets unless the VM has its own; met just at the target, missed one millisecond below it."""
    shop.faults.lose_site()
    shop.run("10min")
    shop.vault.declare_disaster("called by the operator")
    shop.run("5min")
    shop.vault.unplanned_failover("SHOP", wait=True)
    shop.run("1h")
    found = {verdict.objective: verdict for verdict in shop.vault.objectives}
    assert {name: verdict.target for name, verdict in found.items()} == {"rto": HOUR, "rpo": 15 * MINUTE, "mtd": None}
    assert (found["rto"].verdict, found["rpo"].verdict, found["mtd"].verdict) == ("met", "met", "not_tested")
    rto, rpo = found["rto"].achieved, found["rpo"].achieved
    assert rto is not None
    assert rpo is not None
    for less, word in ((0, "met"), (1, "missed")):
        shop.vault.set_objectives(
            "SHOP", rto=f"{rto - less}ms", rpo=f"{rpo - less}ms", mtd=f"{rto + 15 * MINUTE - less}ms"
        )
        again = {verdict.objective: verdict for verdict in shop.vault.objectives}
        assert {verdict.verdict for verdict in again.values()} == {word}, less
        assert again["mtd"].achieved == rto + 15 * MINUTE  # outage to answering: a quarter of an hour more than the RTO
    shop.vault.set_objectives("SHOP")
    assert {v.objective: v.target for v in shop.vault.objectives} == {"rto": HOUR, "rpo": 15 * MINUTE, "mtd": None}


def test_each_clock_begins_and_ends_where_it_says(shop: Lab) -> None:
    """Outage, declaration, trigger, guest up, application answering: in this order, each from its own fact."""
    shop.faults.lose_site()
    shop.run("10min")
    shop.vault.declare_disaster()
    shop.run("5min")
    shop.vault.unplanned_failover("SHOP", wait=True)
    shop.run("1h")
    facts = list(shop.facts)
    [switch] = shop.read(lambda world: switches(world, facts))
    instants = (switch.outage, switch.declared, switch.record.triggered, switch.up, switch.answered)
    assert None not in instants
    assert list(instants) == sorted(instants)  # type: ignore[type-var]
    kinds = [("site.lost", 0), ("disaster.declared", 1), ("guest.up", 3), ("application.answers", 4)]
    for kind, number in kinds:
        assert [fact["at"] for fact in facts if fact["kind"] == kind][-1] == instants[number], kind
    assert switch.declared is not None
    assert switch.outage is not None
    assert switch.declared - switch.outage == 10 * MINUTE
    assert switch.record.triggered - switch.declared == 5 * MINUTE


@pytest.mark.parametrize(
    ("told", "since"),
    [
        ("lose_site", "lose_site"),
        ("lose_line", "lose_line"),
        ("lose_line restore_line", None),
        ("lose_line lose_site", "lose_site"),  # without the line alone everybody at the site went on working
        ("lose_site lose_line", "lose_site"),
        ("lose_line lose_site restore_line", "lose_site"),
        ("lose_site restore_site lose_line", "lose_line"),
        ("lose_line restore_line lose_line", "lose_line"),
    ],
)
def test_the_outage_that_an_unplanned_failover_ends(shop: Lab, told: str, since: str | None) -> None:
    """It began when the site was lost, else the line; what had been mended before the click does not count."""
    at = {}
    for name in told.split():
        getattr(shop.faults, name)()
        at[name] = shop.read(lambda world: world.now)
        shop.run("7min")
    shop.vault.unplanned_failover("SHOP", wait=True)
    facts = list(shop.facts)
    [switch] = shop.read(lambda world: switches(world, facts))
    assert switch.outage == (None if since is None else at[since])


def test_a_test_tests_the_recovery_time_only(shop: Lab) -> None:
    """A test failover has an RTO, and neither an RPO nor an outage to hold against a target."""
    test = shop.vault.test_failover("SHOP", wait=True)
    shop.run("10min")
    assert {v.objective: v.verdict for v in shop.vault.objectives} == {
        "rto": "met",
        "rpo": "not_tested",
        "mtd": "not_tested",
    }
    shop.wait(test.complete())


@pytest.mark.rule("1.1-3")
def test_targets_of_a_plan(tmp_path: Path) -> None:
    """A plan's RTO ends with its last VM's answer, its RPO is its worst VM's; each target met, and missed by 1 ms."""
    with tiers_lab(tmp_path) as lab:
        lab.run("4min")
        lab.faults.lose_site()
        lab.run("10min")
        lab.vault.unplanned_failover_plan("Shop", wait=True)
        lab.run("1h")
        rows = {row.objective: row for row in lab.vault.objectives if row.name == "Shop"}
        answers = [fact["at"] for fact in lab.facts if fact["kind"] in ("application.answers", "guest.up")]
        begun = next(fact["at"] for fact in lab.facts if fact.get("scenario") == "PlanUnplannedFailover")
        assert rows["rto"].achieved == max(answers) - begun
        assert rows["rpo"].achieved == max(record.rpo for record in records(lab))
        assert error_of(lambda: lab.vault.set_plan_objectives("Nothing")).code == 900010
        rto, rpo = rows["rto"].achieved, rows["rpo"].achieved
        assert rto is not None
        assert rpo is not None
        for less, word in ((0, "met"), (1, "missed")):
            lab.vault.set_plan_objectives(
                "Shop", rto=f"{rto - less}ms", rpo=f"{rpo - less}ms", mtd=f"{rto + 10 * MINUTE - less}ms"
            )
            assert {row.verdict for row in lab.vault.objectives if row.name == "Shop"} == {word}
