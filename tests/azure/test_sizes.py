"""VM sizes of Azure: the table and the choice (rule 2.8-4)."""

from __future__ import annotations

import pytest

from labkit.azure import sizes
from labkit.engine.errors import LabError

GB = 2**30
LIMITS = [  # the rule's own numbers: CPUs, GB
    ("XS", 1, 0.75),
    ("S", 1, 1.75),
    ("M", 2, 3.5),
    ("L", 4, 7),
    ("XL", 8, 14),
    ("A5", 2, 14),
    ("A6", 4, 28),
    ("A7", 8, 56),
]


@pytest.mark.rule("2.8-4")
@pytest.mark.parametrize(("name", "cpu", "memory"), LIMITS)
def test_every_size_has_the_rules_cpus_and_memory(name: str, cpu: int, memory: float) -> None:
    """The table's CPUs and memory are those of the rule, and a VM of exactly that is not a misfit; one more is."""
    size = sizes.named(name)
    assert (size.cores, size.memory) == (cpu, int(memory * GB))
    assert size.misfits(cpu, size.memory, size.data_disks) == ()
    assert size.misfits(cpu + 1, size.memory + 1, size.data_disks + 1) == ("cpu", "memory", "data_disks")


@pytest.mark.rule("2.8-4")
@pytest.mark.parametrize(
    ("cpu", "memory", "disks", "expected"),
    [
        (1, 0.75, 1, "XS"),
        (1, 0.76, 1, "S"),
        (1, 0.5, 2, "S"),
        (1, 1.75, 2, "S"),
        (1, 1.76, 0, "M"),
        (1, 1, 3, "M"),
        (2, 0.5, 0, "M"),
        (2, 3.5, 4, "M"),
        (2, 3.6, 4, "A5"),  # A5 comes before L
        (2, 14, 4, "A5"),
        (2, 3.5, 5, "L"),
        (3, 3.5, 0, "L"),
        (4, 7, 8, "L"),
        (2, 14.1, 0, "A6"),
        (4, 7.1, 8, "A6"),
        (4, 28, 8, "A6"),
        (4, 7, 9, "XL"),
        (5, 14, 16, "XL"),
        (8, 14, 16, "XL"),
        (8, 14.1, 0, "A7"),
        (1, 28.1, 0, "A7"),
        (8, 56, 16, "A7"),
        (2, 1024, 0, "A7"),  # the guide's picture: 2 CPUs, maximum 1 TB
        (9, 1, 0, "A7"),
        (1, 1, 17, "A7"),
    ],
)
def test_choice_on_both_sides_of_every_limit(cpu: int, memory: float, disks: int, expected: str) -> None:
    """The first that fits in the order XS S M A5 L A6 XL A7 is chosen; where none fits, A7."""
    assert sizes.choose(cpu, int(memory * GB), disks).name == expected


def test_sizes_are_a_dated_table() -> None:
    """The table names its date."""
    assert sizes.dated() == "2014-09-30"


def test_a_size_is_found_by_any_of_its_names() -> None:
    """Portal name, series and instance name mean one size, which shows itself as the guide prints it."""
    assert sizes.named("m") is sizes.named("A2") is sizes.named("standard_a2")
    assert sizes.named("XS").title == "XS (1 CPU, 0.75 GB RAM)"
    assert sizes.named("M").instance == "Standard_A2"


def test_an_unknown_size_is_refused_with_the_known_ones() -> None:
    """A size that does not exist is refused with what there is and what was probably meant."""
    with pytest.raises(LabError) as caught:
        sizes.named("XXL")
    assert caught.value.code == 900240
    assert "XS, S, M" in str(caught.value)
    assert "Did you mean 'XL'?" in str(caught.value)
