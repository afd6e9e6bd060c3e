"""Settings of a protected cloud: start of initial replication, changes while protected, throttling on the host."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.lab import Lab
from labkit.replication import throttle
from labkit.replication.relation import Relation
from labkit.replication.throttle import Throttle
from tests.recovery.labs import HOUR, MINUTE, error_of, facts, new_lab

ROOMY = "{name: BUSY, os: FreeBSD 10.0, churn: {rate: 200KB/s, hot: 5%}, disks: [{name: os, size: 8GB, used: 64MB}]}"
NINE = 1_412_121_600_000  # 2014-10-01T09:00:00+09:00, a Wednesday


@pytest.fixture
def registered(tmp_path: Path) -> Iterator[Lab]:
    """A registered server whose cloud is not configured yet."""
    with new_lab(tmp_path, ROOMY, stage="registered") as lab:
        yield lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """BUSY, protected at 5 min with a retention of 2 hours, for two hours."""
    with new_lab(tmp_path, ROOMY, frequency="5min", retention="2h") as made:
        made.run("2h")
        yield made


# --- when initial replication starts ---


@pytest.mark.rule("2.7-7")
def test_initial_replication_at_a_time_of_day(registered: Lab) -> None:
    """02:30 of the host's day: the job ends at once, nothing is sent until then, and the state says what it waits for.

    From the first instant of the half hour it goes; the replica is then what the site was at that instant.
    """
    lab = registered
    lab.vault.configure_protection(initial_start="02:30", wait=True)
    lab.vault.enable_protection("BUSY", wait=True)
    item = lab.vault.items["BUSY"]
    assert item.description == "Waiting for initial replication"
    lab.run(until="2014-10-02T02:29:59+09:00")
    assert facts(lab, "initial.started") == []
    lab.run(until="2014-10-02T02:30:00+09:00")
    assert [fact["at"] for fact in facts(lab, "initial.started")] == [NINE + 17 * HOUR + 30 * MINUTE]
    assert item.description == "Initial replication in progress"
    lab.wait(item)
    assert item.state == "Protected"
    assert lab.verify(full=True) == []


@pytest.mark.rule("2.7-7")
@pytest.mark.parametrize(("time", "allowed"), [("00:00", True), ("23:30", True), ("02:15", False), ("24:00", False)])
def test_start_times_are_half_hours(registered: Lab, time: str, allowed: bool) -> None:
    """00:00, 00:30, ... 23:30 are taken, anything between is refused with what is allowed (rule 2.7-7)."""
    work = lambda: registered.vault.configure_protection(initial_start=time)  # noqa: E731
    if allowed:
        assert work().scenario == "AssociateProtectionProfile"
    else:
        assert error_of(work).code == 900514
        assert "23:30" in error_of(work).message + error_of(work).action


def test_disabled_before_the_time_has_come(registered: Lab) -> None:
    """A VM whose protection is removed while it waits is not replicated at night."""
    lab = registered
    lab.vault.configure_protection(initial_start="02:30", wait=True)
    lab.vault.enable_protection("BUSY", wait=True)
    lab.vault.disable_protection("BUSY", wait=True)
    lab.run("2d")
    assert facts(lab, "initial.started") == []
    assert lab.verify() == []


# --- changes while protected ---


@pytest.mark.rule("2.7-10", "2.7-4", "2.7-5")
def test_frequency_and_retention_change_while_protected(lab: Lab) -> None:
    """5 min to 30 s, to 15 min: cycles follow, the first hour has 120 and 4 points; retention 0 drops the rest."""
    item = lab.vault.items["BUSY"]
    assert len(item.recovery_points) >= 13
    lab.vault.change_protection(frequency="30s", wait=True)
    lab.run("70min")
    cuts = [fact["cut"] for fact in facts(lab, "cycle")][-100:]
    assert {after - before for before, after in itertools.pairwise(cuts)} == {30_000}
    recent = [point for point in item.recovery_points if point.cut > item.recovery_points[-1].cut - HOUR]
    assert len(recent) == 120
    lab.vault.change_protection(frequency="15min", retention=0, wait=True)
    lab.run("3h")
    assert len(item.recovery_points) == 4
    assert lab.verify(full=True) == []


@pytest.mark.rule("2.7-10", "2.7-6")
def test_snapshots_begin_when_they_are_set(lab: Lab) -> None:
    """Application-consistent snapshots every hour from a change on; none before."""
    kinds = {point.kind for point in lab.vault.items["BUSY"].recovery_points}
    assert kinds == {"crash-consistent"}
    lab.vault.change_protection(app_consistent=1, wait=True)
    lab.run("130min")
    frozen = [fact["cut"] for fact in facts(lab, "cycle") if "consistency" in fact]
    assert len(frozen) in (2, 3)
    assert all(HOUR <= after - before <= HOUR + 5 * MINUTE for before, after in itertools.pairwise(frozen))
    assert any(point.kind != "crash-consistent" for point in lab.vault.items["BUSY"].recovery_points)


@pytest.mark.rule("2.7-10")
def test_what_needs_the_cloud_released(lab: Lab) -> None:
    """The storage account is refused with what to do; a second configuration too; what is not given stays."""
    assert error_of(lambda: lab.vault.change_protection(storage="other")).code == 900554
    assert error_of(lab.vault.configure_protection).code == 900513
    assert error_of(lambda: lab.vault.change_protection(frequency="1min")).code == 900514
    lab.vault.change_protection(retention=5, wait=True)
    (changed,) = facts(lab, "cloud.changed")
    assert (changed["frequency"], changed["retention"], changed["app_consistent"]) == (5 * MINUTE, 5, 0)
    relation = lab.read(lambda world: world.get(Relation, "BUSY"))
    assert (relation.frequency, relation.retention) == (5 * MINUTE, 5)


def test_a_cloud_that_is_not_configured_cannot_be_changed(registered: Lab) -> None:
    """Change needs protection: 900515."""
    assert error_of(lambda: registered.vault.change_protection(retention=1)).code == 900515


# --- throttling ---


def rate(lab: Lab) -> int:
    found = lab.status()["line"]
    return int(min(found["bandwidth"], found["limit"] or found["bandwidth"]))


def test_less_in_working_hours(lab: Lab) -> None:
    """2 Mbit/s from 9 to 18 on working days (facts.md 5.6), the whole line at night and on Saturday and Sunday."""
    lab.site.throttle("2Mbps")
    assert rate(lab) == 2_000_000
    for until, expected in [
        ("2014-10-01T17:59:59+09:00", 2_000_000),
        ("2014-10-01T18:00:00+09:00", 100_000_000),
        ("2014-10-02T08:59:59+09:00", 100_000_000),
        ("2014-10-02T09:00:00+09:00", 2_000_000),
        ("2014-10-03T18:00:00+09:00", 100_000_000),
        ("2014-10-04T12:00:00+09:00", 100_000_000),
        ("2014-10-05T12:00:00+09:00", 100_000_000),
        ("2014-10-06T09:00:00+09:00", 2_000_000),
    ]:
        lab.run(until=until)
        assert rate(lab) == expected, until
    lab.site.throttle(None)
    assert rate(lab) == 100_000_000
    assert lab.verify() == []


def test_a_cycle_takes_as_long_as_the_throttle_lets_it(lab: Lab) -> None:
    """By hand: bytes over 2 Mbit/s and 20 ms of latency, on a line of 100 Mbit/s."""
    lab.site.throttle("2Mbps")
    before = len(facts(lab, "cycle"))
    lab.run("1h")
    later = facts(lab, "cycle")[before + 1 :]
    assert len(later) > 5
    for fact in later:
        assert fact["at"] - fact["started"] == pytest.approx(fact["bytes"] * 8 / 2000 + 20, abs=2)


def test_a_transfer_across_the_edge(lab: Lab) -> None:
    """A transfer under way at 18:00 goes on at the other rate: by hand, the bits before and after the edge."""
    lab.site.throttle("512kbps", "1Mbps")
    lab.run(until="2014-10-02T06:00:00+09:00")
    edge = NINE + 9 * HOUR
    (fact,) = [fact for fact in facts(lab, "cycle") if fact["started"] < edge < fact["at"]]
    bits = fact["bytes"] * 8
    slow = (edge - fact["started"]) * 512
    assert fact["at"] == pytest.approx(edge + (bits - slow) / 1000 + 20, abs=3)


@pytest.mark.parametrize(
    ("limit", "hours", "code"),
    [
        ("512kbps", "09:00-18:00", None), ("511kbps", "09:00-18:00", 900555), ("102Mbps", "00:00-24:00", None),
        ("103Mbps", "09:00-18:00", 900555), ("2Mbps", "18:00-09:00", 900556), ("2Mbps", "nine to five", 900556),
        ("2Mbps", "09:00", 900556), ("2Mbps", "09:61-10:00", 900556), ("fast", "09:00-18:00", 900103),
    ],
)  # fmt: skip
def test_limits_of_the_agent(lab: Lab, limit: str, hours: str, code: int | None) -> None:
    """512 kbit/s to 102 Mbit/s are taken, both ends included (facts.md 5.6); hours have to be hours."""
    work = lambda: lab.site.throttle(limit, hours=hours)  # noqa: E731
    if code is None:
        work()
        assert rate(lab) <= 102_000_000
    else:
        assert error_of(work).code == code
        assert rate(lab) == 100_000_000


def test_the_limit_of_any_instant() -> None:
    """Each instant of a week has the limit of its hour and day, and the next change is told to the millisecond."""
    found = Throttle("host", work=1, other=2)
    at, edges = NINE, []
    while at < NINE + 7 * 24 * HOUR:
        limit, wait = throttle.at(found, at, 540)
        day, hour = (at + 9 * HOUR) // (24 * HOUR), (at + 9 * HOUR) % (24 * HOUR) / HOUR
        working = (day + 3) % 7 < 5 and 9 <= hour < 18  # 1970-01-01 was a Thursday
        assert limit == (1 if working else 2), at
        assert wait > 0
        edges.append(at)
        at += wait
    assert len(edges) == 21
