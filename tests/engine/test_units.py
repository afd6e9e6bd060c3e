"""Units, chance and instants: small things everything else is counted in."""

from __future__ import annotations

import doctest
import importlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit import LabError
from labkit.engine import chance, units


@pytest.mark.parametrize("name", ["units", "chance", "facts"])
def test_examples_in_the_docstrings_hold(name: str) -> None:
    """What the docstrings show is what the functions do."""
    found = doctest.testmod(importlib.import_module(f"labkit.engine.{name}"))
    assert found.attempted > 0
    assert found.failed == 0


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (units.duration, "30s", 30_000),
        (units.duration, " 15 min ", 900_000),
        (units.duration, "0s", 0),
        (units.duration, "1.5h", 5_400_000),
        (units.duration, "0.001s", 1),
        (units.duration, "P1DT2H3M4.005S", 93_784_005),
        (units.duration, "PT0S", 0),
        (units.size, "512B", 512),
        (units.size, "40GB", 40 << 30),
        (units.size, "40GiB", 40 << 30),
        (units.size, "1.5KB", 1536),
        (units.bandwidth, "64kbps", 64_000),
        (units.bandwidth, "1Gbps", 10**9),
        (units.rate, "200KB/s", 200 << 10),
        (units.rate, "0B/s", 0),
    ],
)
def test_units_are_read(read: Callable[[object], int], text: str, value: int) -> None:
    """Each unit means what the documentation says, exactly."""
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text", "code"),
    [
        (units.duration, "5", 900101),
        (units.duration, "5 minutes", 900101),
        (units.duration, "-5min", 900101),
        (units.duration, "", 900101),
        (units.duration, "P", 900101),
        (units.duration, "PT", 900101),
        (units.duration, "0.0001s", 900101),  # not a whole millisecond
        (units.duration, "9" * 30 + "d", 900101),
        (units.duration, None, 900101),
        (units.size, "40", 900102),
        (units.size, "40gb", 900102),
        (units.size, "0.3B", 900102),
        (units.bandwidth, "20MB", 900103),
        (units.bandwidth, "20mbps", 900103),
        (units.bandwidth, "9" * 20 + "Gbps", 900103),
        (units.rate, "1MB", 900104),
        (units.rate, "1MB/min", 900104),
        (units.instant, "2014-10-01", 900105),
        (units.instant, "2014-10-01T09:00:00", 900105),
        (units.instant, "yesterday", 900105),
    ],
)
def test_what_is_no_unit_is_refused_with_an_example(read: Callable[[object], int], text: object, code: int) -> None:
    """A wrong unit is refused with a code, what was found, and an example to copy."""
    with pytest.raises(LabError) as refused:
        read(text)
    assert refused.value.code == code
    assert refused.value.details["example"] in refused.value.action


@given(st.integers(-62_135_596_800_000 + 86_400_000, 253_402_300_799_999 - 86_400_000), st.integers(-840, 840))
def test_instants_survive_being_shown(ms: int, offset: int) -> None:
    """Any millisecond, in any zone, is read back as the same instant."""
    shown = units.show_instant(ms, offset)
    assert units.instant(shown) == ms
    assert units.offset_minutes(shown) == offset


@given(st.integers(0, 10**12))
def test_durations_survive_being_shown(seconds: int) -> None:
    """The parts of a duration that is shown add up to it."""
    words = units.show_duration(seconds * 1000).split(" ")
    parts = [units.duration(f"{number}{unit}") for number, unit in zip(words[::2], words[1::2], strict=True)]
    assert sum(parts) == seconds * 1000


def test_frozen_vectors_of_chance() -> None:
    """Chance is the same for ever: a lab made today must play the same in every later version."""
    assert chance.mix() == 0
    assert chance.mix(0) == 16294208416658607535
    assert chance.mix(1, "disk", 7) == 17060276080972805606
    assert chance.mix(2**63 - 1, "注文", -5) == 14012413748741380898
    assert [chance.below(6, 1, "die", n) for n in range(12)] == [3, 5, 3, 1, 4, 2, 2, 1, 1, 1, 0, 4]


@given(st.integers(1, 2**40), st.integers(0, 2**63 - 1), st.text(max_size=5))
def test_below_stays_below(limit: int, seed: int, name: str) -> None:
    """A draw below a limit is never at it, and depends on nothing but its name."""
    drawn = chance.below(limit, seed, name)
    assert 0 <= drawn < limit
    assert drawn == chance.below(limit, seed, name)


def test_chance_is_fair_enough() -> None:
    """Neighbouring counters draw evenly: 60,000 throws of a die, each side within 4 % of its share."""
    counts = [0] * 6
    for number in range(60_000):
        counts[chance.below(6, 1, "die", number)] += 1
    assert all(9_600 < count < 10_400 for count in counts), counts
