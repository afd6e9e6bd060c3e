"""Health, statistics of a monitoring interval, and the host's event log (facts.md 1.6, 1.11; rules 2.9-2 to 2.9-4)."""

from __future__ import annotations

import statistics as plain
from pathlib import Path

import pytest

from labkit.lab import Lab
from labkit.lab import create as create_lab
from labkit.replication import statistics
from labkit.replication.relation import Relation
from labkit.views import frames
from tests.recovery.labs import HOUR, MINUTE, error_of, facts, new_lab

ROOMY = "{name: BUSY, os: FreeBSD 10.0, churn: {rate: 20KB/s, hot: 0.1%}, disks: [{name: os, size: 2GB, used: 4MB}]}"
NINE = 1_412_121_600_000  # 2014-10-01T09:00:00+09:00


def windows_2012(folder: Path, **options: str) -> Lab:
    """BUSY in a lab whose health goes by the rules of Windows Server 2012."""
    path = folder / "site.yml"
    line = f"line: {{bandwidth: {options.get('bandwidth', '100Mbps')}, latency: 20ms}}\n"
    cloud = f"cloud: {{frequency: {options.get('frequency', '5min')}, health_rules: windows-2012}}\n"
    path.write_text(f"site: rules\n{line}{cloud}vms:\n  - {ROOMY}\n", encoding="utf-8")
    return create_lab(folder / "rules.lab", site=path, stage="protected")


@pytest.mark.rule("2.9-2")
def test_what_the_host_shows_is_counted_from_the_cycles(tmp_path: Path) -> None:
    """Four hours at 5 min: 12 cycles an hour are due and succeed; sizes and latencies are those of the cycles.

    A cycle's latency by hand: its bytes over 100 Mbit/s, and 20 ms.
    """
    with new_lab(tmp_path, ROOMY) as lab:
        lab.run("4h")
        found = lab.site.replication("BUSY")
        cycles = facts(lab, "cycle", "BUSY")
        sizes = [fact["bytes"] for fact in cycles]
        assert found.average_size == sum(sizes) // len(sizes)
        assert found.maximum_size == max(sizes)
        by_hand = plain.mean(size * 8 / 100_000 + 20 for size in sizes)
        assert found.average_latency == pytest.approx(by_hand, abs=2)
        assert found.expected_count in (48, 49)
        assert found.successful_count in (found.expected_count, found.expected_count - 1)
        assert (found.missed_count, found.errors, found.health, found.details) == (0, 0, "Normal", ())
        assert found.initial_size == 4 << 20
        assert found.last_replication == cycles[-1]["cut"]
        assert found.last_applied == cycles[-1]["at"]
        assert found.pending_size == lab.vault.items["BUSY"].pending
        assert (found.primary_server, found.replica_server, found.disks) == ("HV01", "Microsoft Azure", ("os",))
        assert found.monitoring_start == next(
            f["at"] for f in facts(lab, "job.ended") if f["scenario"] == "IrCompletion"
        )


def test_an_outage_shows_as_missed_cycles_and_latency(tmp_path: Path) -> None:
    """An hour without the line at 5 min: the attempts fail, and cycles are missed until one of them gets through.

    By hand: the first attempt is that of the next cycle, less than 5 min later; the seventh, 55 min after it, fails or
    not, and so the log goes 55 or 85 minutes after the first failure, which is an instant of the grid: 11 or 17 cycles
    are missed. A log that is sent at an attempt has the latency of its transfer only.
    """
    with new_lab(tmp_path, ROOMY) as lab:
        lab.run("1h")
        lab.faults.lose_line()
        lab.run("1h")
        lab.faults.restore_line()
        lab.run("1h")
        found = lab.site.replication("BUSY")
        failed = facts(lab, "replication.failed", "BUSY")
        assert [fact["next"] // MINUTE for fact in failed] == [1, 2, 4, 8, 10, 30, 30][: len(failed)]
        again = failed[-1]["at"] + failed[-1]["next"]
        assert again - failed[0]["at"] in (55 * MINUTE, 85 * MINUTE)
        assert found.missed_count == (again - failed[0]["at"]) // (5 * MINUTE)
        assert (found.errors, found.network_failures) == (len(failed), len(failed))
        assert (found.replication_failures, found.snapshot_failures) == (0, 0)
        assert found.expected_count - found.successful_count == found.missed_count
        assert found.maximum_latency < MINUTE


def test_the_interval_is_twelve_hours_from_nine(tmp_path: Path) -> None:
    """09:00 and 21:00 of the host's day; the first one is short; each that closes is event 29174 with its figures."""
    assert statistics.interval_at(NINE, 540) == (NINE, NINE + 12 * HOUR)
    assert statistics.interval_at(NINE - 1, 540) == (NINE - 12 * HOUR, NINE)
    assert statistics.interval_at(NINE + 12 * HOUR, 540) == (NINE + 12 * HOUR, NINE + 24 * HOUR)
    with new_lab(tmp_path, ROOMY) as lab:
        lab.run(until="2014-10-02T09:00:01+09:00")
        closed = [event for event in lab.site.event_log() if event.id == 29174]
        assert [event.at for event in closed] == [NINE + 12 * HOUR, NINE + 24 * HOUR]
        assert closed[1].details["expected"] == 144
        assert closed[1].details["successful"] in (143, 144)
        assert closed[0].details["expected"] in (143, 144)
        assert lab.site.replication("BUSY").expected_count == 0, "a new interval has just begun"


def test_statistics_are_reset(tmp_path: Path) -> None:
    """After "Reset Statistics" only what comes later is counted; what was initial replication is still known."""
    with new_lab(tmp_path, ROOMY) as lab:
        lab.run("2h")
        lab.site.reset_statistics("BUSY")
        lab.run("31min")
        found = lab.site.replication("BUSY")
        assert found.expected_count in (6, 7)
        assert found.successful_count >= 6
        assert found.initial_size == 4 << 20


@pytest.mark.rule("2.9-4")
def test_the_two_sets_of_rules_differ(tmp_path: Path) -> None:
    """A thin line at 5 min: by the guide critical from the first cycle that overran, by the 2012 rules a warning."""
    guide = tmp_path / "guide"
    guide.mkdir()
    with new_lab(guide, ROOMY) as one, windows_2012(tmp_path) as two:
        for lab in (one, two):
            lab.run("1h")
            assert lab.vault.items["BUSY"].health == "Normal"
            lab.faults.set_bandwidth("20kbps")
            lab.run("2h")
        assert one.vault.items["BUSY"].health == "Critical"
        assert two.vault.items["BUSY"].health == "Warning"
        assert "missed" in two.site.replication("BUSY").details


@pytest.mark.parametrize(
    ("missed", "expected", "warned"), [(20, 100, False), (21, 100, True), (0, 0, False), (1, 4, True)]
)
def test_a_fifth_of_the_cycles(tmp_path: Path, missed: int, expected: int, warned: bool) -> None:
    """Exactly 20 % missed is normal, more is a warning (facts.md 1.6)."""
    with windows_2012(tmp_path) as lab:
        lab.run("10min")
        counted = {"missed_count": missed, "expected_count": expected, "average_latency": 0}
        judged = lab.read(lambda world: statistics.judge(world, world.get(Relation, "BUSY"), counted))
        assert judged == (("Warning", ("missed",)) if warned else ("Normal", ()))


@pytest.mark.parametrize(("latency", "warned"), [(300_000, False), (300_001, True)])
def test_latency_up_to_the_frequency(tmp_path: Path, latency: int, warned: bool) -> None:
    """An average of 5 min at 5 min is normal, more is not (facts.md 1.6)."""
    with windows_2012(tmp_path) as lab:
        lab.run("10min")
        counted = {"missed_count": 0, "expected_count": 9, "average_latency": latency}
        judged = lab.read(lambda world: statistics.judge(world, world.get(Relation, "BUSY"), counted))
        assert judged == (("Warning", ("slow",)) if warned else ("Normal", ()))


def test_each_reason_of_the_2012_rules(tmp_path: Path) -> None:
    """Paused: warning. An hour behind: warning, not at 59 minutes. No line: critical. To be compared: critical."""
    with windows_2012(tmp_path) as lab:
        item = lab.vault.items["BUSY"]
        lab.run("1h")
        lab.site.pause_replication("BUSY")
        assert (item.health, lab.site.replication("BUSY").details) == ("Warning", ("paused",))
        rpo = item.rpo or 0
        lab.run(f"{3_599_999 - int(rpo * 1000)}ms")
        assert "behind" not in lab.site.replication("BUSY").details
        lab.run("2ms")
        assert "behind" in lab.site.replication("BUSY").details
        lab.faults.lose_line()
        assert (item.health, lab.site.replication("BUSY").details) == ("Critical", ("cannot send",))
        lab.faults.restore_line()
        lab.site.resume_replication("BUSY")
        lab.faults.fail_log("BUSY")
        assert (item.health, lab.site.replication("BUSY").details) == ("Critical", ("resync",))
        assert lab.site.replication("BUSY").errors == 1


def test_initial_replication_is_a_warning(tmp_path: Path) -> None:
    """Not through yet: a warning by the 2012 rules."""
    with windows_2012(tmp_path) as lab:
        lab.vault.disable_protection("BUSY", wait=True)
        lab.faults.set_bandwidth("100kbps")
        lab.vault.enable_protection("BUSY", wait=True)
        found = lab.site.replication("BUSY")
        assert (found.health, found.details, found.pending_size) == ("Warning", ("initial",), 0)


@pytest.mark.rule("2.9-3")
def test_the_event_log_has_what_an_administrator_looks_for(tmp_path: Path) -> None:
    """Start and end of initial replication, cycles that overran, the connection lost and back, resynchronisation.

    Hyper-V's ids where one is known: 29242 and 29244.
    """
    with new_lab(tmp_path, ROOMY) as lab:
        lab.run("1h")
        lab.faults.lose_line()
        lab.run("20min")
        lab.faults.restore_line()
        lab.run("10min")
        lab.faults.fail_log("BUSY")
        lab.vault.resynchronise("BUSY", wait=True)
        lab.wait(lab.vault.items["BUSY"])
        log = lab.site.event_log("BUSY")
        kinds = [event.kind for event in log]
        assert kinds[:2] == ["initial.started", "initial.ended"]
        first = kinds.index("connection.lost")
        failed = ["replication.failed"] * 5  # at the next cycle, and 1, 3, 7, 15 minutes later
        assert kinds[first : first + 7] == ["connection.lost", *failed, "connection.restored"]
        assert {(event.id, event.level) for event in log[first + 1 : first + 6]} == {(32315, "Warning")}
        assert [(e.kind, e.id, e.level) for e in log[-3:]] == [
            ("resync.required", None, "Error"), ("resync.started", 29242, "Information"),
            ("resync.ended", 29244, "Information"),
        ]  # fmt: skip
        assert [event.at for event in log] == sorted(event.at for event in log)
        table = frames.event_log(lab)
        assert len(table) == len(lab.site.event_log())
        assert table["id"].dropna().tolist() == [32315] * 5 + [29242, 29244]
        assert "Replication has failed, BUSY: Azure cannot be reached" in table["text"].tolist()


def test_a_cycle_that_overran_is_in_the_event_log(tmp_path: Path) -> None:
    """On a line on which a log of 5 min takes about 20: a warning for each, with the time it took."""
    with new_lab(tmp_path, ROOMY, bandwidth="20kbps") as lab:
        lab.run("4h")
        overran = [event for event in lab.site.event_log("BUSY") if event.kind == "cycle.overran"]
        late = [fact for fact in facts(lab, "cycle", "BUSY") if fact["late"]]
        assert [event.details["took"] for event in overran] == [fact["at"] - fact["started"] for fact in late]
        assert {event.level for event in overran} == {"Warning"}
        assert "A cycle did not end within the frequency: BUSY" in frames.event_log(lab)["text"].tolist()


def test_frames_have_a_row_for_each_vm(tmp_path: Path) -> None:
    """The table of all replicated VMs has the same figures as the objects."""
    with new_lab(tmp_path, ROOMY, ROOMY.replace("BUSY", "TWO")) as lab:
        lab.run("1h")
        table = frames.replication(lab).set_index("vm")
        assert sorted(table.index) == ["BUSY", "TWO"]
        for vm in table.index:
            assert table.loc[vm, "maximum_size"] == lab.site.replication(vm).maximum_size > 0


def test_without_replication_there_are_none(tmp_path: Path) -> None:
    """A VM that is not protected, or does not exist, is refused in words."""
    with new_lab(tmp_path, ROOMY, stage="configured") as lab:
        assert error_of(lambda: lab.site.replication("BUSY")).code == 900502
        assert error_of(lambda: lab.site.replication("NOBODY")).code == 900010
        assert lab.site.event_log() == []
