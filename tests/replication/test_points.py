"""Rule 2.7-5: how many recovery points there are, and which."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from labkit.lab import Lab
from tests.recovery.labs import HOUR, MINUTE, QUIET, SECOND, facts, new_lab

FREQUENCIES = {"30s": 30 * SECOND, "5min": 5 * MINUTE, "15min": 15 * MINUTE}


def _cuts(lab: Lab) -> list[int]:
    return [point.cut for point in lab.vault.items["QUIET"].recovery_points]


def _check(cuts: list[int], frequency: int, retention: int, age: int) -> None:
    """What must hold at any instant ``age`` ms after the first point."""
    newest, first_hour = cuts[-1], HOUR // frequency
    assert cuts == sorted(set(cuts))
    recent = [cut for cut in cuts if cut > newest - HOUR]
    assert recent == [newest - frequency * n for n in reversed(range(len(recent)))][-len(recent) :] or age < HOUR
    assert len(recent) <= first_hour
    older = [cut for cut in cuts if cut <= newest - HOUR]
    assert len(older) <= retention
    assert len({cut // HOUR for cut in older}) == len(older)  # one an hour
    if age > (retention + 2) * HOUR:
        assert len(recent) == first_hour
        assert len(older) == retention
        gaps = [after - before for before, after in itertools.pairwise(older)]
        assert all(gap == HOUR for gap in gaps)
        assert not older or newest - older[0] <= (retention + 1) * HOUR


@pytest.mark.rule("2.7-5")
@pytest.mark.parametrize(
    ("frequency", "retention", "count"),
    [
        ("30s", 0, 120),
        ("5min", 0, 12),
        ("15min", 0, 4),
        ("5min", 1, 13),
        ("30s", 1, 121),
        ("15min", 3, 7),
        ("5min", 24, 36),
        ("15min", 24, 28),
        ("30s", 24, 144),
    ],
)
def test_the_number_of_points(tmp_path: Path, frequency: str, retention: int, count: int) -> None:
    """60 min / frequency in the last hour whatever the retention, and one more for each hour of it: at any instant."""
    with new_lab(tmp_path, QUIET, frequency=frequency, retention=f"{retention}h") as lab:
        lab.run(f"{retention + 3}h")
        for _ in range(12):
            assert len(lab.vault.items["QUIET"].recovery_points) == count
            _check(_cuts(lab), FREQUENCIES[frequency], retention, (retention + 3) * HOUR)
            lab.run("7min")
        assert lab.verify() == []


@pytest.mark.rule("2.7-5")
@pytest.mark.parametrize("retention", [0, 2])
def test_how_they_come_to_be(tmp_path: Path, retention: int) -> None:
    """From the first point on, at every step: never more than 12 in the last hour, never more than N older ones."""
    with new_lab(tmp_path, QUIET, retention=f"{retention}h") as lab:
        first = _cuts(lab)[0]
        seen = set()
        for _ in range(70):
            lab.run("5min")
            cuts = _cuts(lab)
            _check(cuts, 5 * MINUTE, retention, cuts[-1] - first)
            seen.add(len(cuts))
        assert max(seen) == 12 + retention


@pytest.mark.rule("2.7-5")
def test_a_point_for_every_log_in_the_first_hour(tmp_path: Path) -> None:
    """Each log that arrived in the last hour left its point: no more and no others."""
    with new_lab(tmp_path, QUIET, retention="0h") as lab:
        lab.run("5h")
        assert _cuts(lab) == [fact["cut"] for fact in facts(lab, "cycle", "QUIET")][-12:]


def test_numbers_are_never_given_twice(tmp_path: Path) -> None:
    """A recovery point keeps its id for its life, and no later one gets it."""
    with new_lab(tmp_path, QUIET, retention="3h") as lab:
        known: dict[int, int] = {}
        for _ in range(40):
            lab.run("13min")
            for point in lab.vault.items["QUIET"].recovery_points:
                assert known.setdefault(point.id, point.cut) == point.cut
        assert len(known) > 90


@pytest.mark.rule("2.7-6")
def test_application_consistent_points_beside_the_ordinary(tmp_path: Path) -> None:
    """Snapshots every hour: about one an hour is application-consistent, the ordinary cycles go on."""
    vm = QUIET.replace("FreeBSD 10.0", "Windows Server 2012 R2")
    with new_lab(tmp_path, vm, retention="8h", more=", app_consistent: 1h") as lab:
        lab.run("10h")
        points = lab.vault.items["QUIET"].recovery_points
        assert len(points) >= 20
        recent = [point for point in points if point.cut > points[-1].cut - HOUR]
        assert 1 <= sum(point.kind == "application-consistent" for point in recent) <= 2
        ordinary = [fact["cut"] for fact in facts(lab, "cycle", "QUIET")]
        assert max(after - before for before, after in itertools.pairwise(ordinary)) <= 5 * MINUTE


@pytest.mark.rule("2.7-6")
def test_without_the_setting_none_is_application_consistent(tmp_path: Path) -> None:
    """The default is none."""
    with new_lab(tmp_path, QUIET) as lab:
        lab.run("6h")
        assert {point.kind for point in lab.vault.items["QUIET"].recovery_points} == {"crash-consistent"}
