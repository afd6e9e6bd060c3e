from __future__ import annotations

import random

import pytest

from labkit.engine.errors import LabError
from labkit.guest import orders
from labkit.guest.volume import Content, Volume
from tests.guest.disk import INTERVAL, START, Disk


class Recorded(Volume):
    """A volume that keeps every single write, in order."""

    def __init__(self, disk: Disk, writes: list[tuple[int, int, bytes]], number: int) -> None:
        super().__init__(disk.size, disk.blocks.get)
        self._writes, self._number = writes, number

    def write(self, at: int, data: Content | memoryview) -> None:
        self._writes.append((self._number, at, bytes(data)))
        super().write(at, data)


class Watched(Disk):
    """A disk whose sessions are recorded: (number of the session, byte, what was written)."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[tuple[int, int, bytes]] = []
        self.ends = [START]

    def volume(self) -> Volume:
        return Recorded(self, self.writes, len(self.ends) - 1)


def test_a_crash_at_any_write_loses_nothing_acknowledged() -> None:
    """The disk cut after each single write of 45 sessions (two checkpoints, a freeze, a shutdown): always sound, every
    order of a session that returned is there, and of the one under way all or none."""
    disk = Watched()
    for number in range(45):
        disk.cycle(kind={12: "freeze", 30: "shutdown"}.get(number, "cycle"))  # type: ignore[arg-type]
        disk.ends.append(disk.now)
    due = [order.token for order in orders.due_orders(1, 3, START, INTERVAL, START, disk.now)]
    upto = [sum(1 for _ in orders.due_orders(1, 3, START, INTERVAL, START, end)) for end in disk.ends]
    image = Volume(disk.size, lambda _block: None)
    recovered = 0
    began = {number: set[bool]() for number in range(45)}
    for number, at, data in disk.writes:
        image.write(at, data)
        seen = orders.look(image)
        tokens = [order.token for order in seen.orders]
        assert seen.integrity == "ok" or (seen.integrity == "blank" and number == 0)
        assert tokens in (due[: upto[number]], due[: upto[number + 1]])
        recovered += seen.recovered_frames > 0
        began[number].add(tokens == due[: upto[number + 1]])
    assert len(disk.writes) > 500
    assert recovered > 0.8 * len(disk.writes)
    assert all(seen == {False, True} for seen in began.values())


def test_the_application_goes_on_after_a_crash_at_any_write() -> None:
    """From each cut of three sessions, the next session writes on and the database stays sound."""
    disk = Watched()
    for _ in range(3):
        disk.cycle()
        disk.ends.append(disk.now)
    image = Volume(disk.size, lambda _block: None)
    for _number, at, data in disk.writes:
        image.write(at, data)
        after = image.overlay()
        had = orders.look(after)
        done = orders.session(
            after, seed=1, stream=4, now=disk.now + 60_000, started=disk.now, since=disk.now, interval=INTERVAL,
            kind="cycle", role="orders",
        )  # fmt: skip
        seen = orders.look(after)
        assert (done.rows, done.recovered_frames) == (6, had.recovered_frames)
        assert (len(seen.orders), seen.integrity) == (len(had.orders) + 6, "ok")


@pytest.mark.parametrize("seed", range(40))
def test_flipped_bits_are_told_or_harmless_never_a_crash(seed: int) -> None:
    """Random bits flipped in the used part of the disk: look and session answer, or raise a LabError, nothing else."""
    chance = random.Random(seed)
    disk = Disk()
    for _ in range(chance.randrange(1, 30)):
        disk.cycle(150_000)
    used = [block for block in disk.blocks if block]
    for _ in range(chance.choice([1, 3, 200])):
        disk.flip(chance.choice(used) * 65_536 + chance.randrange(40_000), chance.randrange(8))
    seen = disk.look()
    assert all(isinstance(value, (int, str)) for order in seen.orders for value in order)
    assert seen.integrity
    assert _outcome(disk) in (3, 900403)


def _outcome(disk: Disk) -> int:
    try:
        return disk.cycle(30_000).rows
    except LabError as error:
        return error.code
