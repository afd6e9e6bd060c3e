from __future__ import annotations

import itertools
import struct

import pytest

from labkit.engine.errors import LabError
from labkit.guest import orders
from labkit.guest.volume import Directory, Volume
from tests.guest.disk import INTERVAL, MB, START, Disk


def test_adjoining_windows_give_each_order_once_and_in_order() -> None:
    """However time is cut into windows, the orders are the same: one in each interval, none lost, none twice."""
    end = START + 100 * INTERVAL
    whole = list(orders.due_orders(1, 3, START, INTERVAL, START, end))
    for step in (1_700, 10_000, 33_333):
        cuts = [*range(START, end, step), end]
        parts = [orders.due_orders(1, 3, START, INTERVAL, a, b) for a, b in itertools.pairwise(cuts)]
        assert list(itertools.chain(*parts)) == whole
    assert [(order.placed_at - START - 1) // INTERVAL for order in whole] == list(range(100))
    assert len({order.token for order in whole}) == 100


def test_chance_depends_on_seed_and_stream() -> None:
    """Another seed or stream places other orders at other instants; tokens differ by stream only."""

    def made(seed: int, stream: int) -> list[orders.Due]:
        return list(orders.due_orders(seed, stream, START, INTERVAL, START, START + 50 * INTERVAL))

    assert made(1, 3) == made(1, 3)
    assert [order.placed_at for order in made(1, 3)] != [order.placed_at for order in made(2, 3)]
    assert {order.token for order in made(1, 3)} == {order.token for order in made(2, 3)}
    assert {order.token for order in made(1, 3)}.isdisjoint(order.token for order in made(1, 4))
    assert all(500 <= order.amount < 100_000 for order in made(1, 3))


def test_nothing_is_due_before_the_stream_starts() -> None:
    """A window before the start is empty, and one that reaches over it gives the first order."""
    assert not list(orders.due_orders(1, 3, START, INTERVAL, START - 90_000, START))
    first = list(orders.due_orders(1, 3, START, INTERVAL, START - 90_000, START + INTERVAL))
    assert [order.token for order in first] == [orders.token_of(3, 0)]


def test_what_was_due_is_in_the_database() -> None:
    """Sessions of uneven length: the table holds every order due, numbered from 1 without a gap, and is sound."""
    disk = Disk()
    rows = [disk.cycle(ms).rows for ms in (30_000, 5_000, 90_000, 30_000)]
    seen = disk.look()
    due = list(orders.due_orders(1, 3, START, INTERVAL, START, disk.now))
    assert [order[1:] for order in seen.orders] == due
    assert [order.number for order in seen.orders] == list(range(1, len(due) + 1))
    assert (sum(rows), seen.integrity) == (len(due), "ok")
    assert orders.read_orders(disk.volume()) == list(seen.orders)
    assert orders.read_invoices(disk.volume()) == []


def test_looking_changes_nothing() -> None:
    """A look recovers on a copy: the volume looked at has no write, and a second look sees the same."""
    disk = Disk()
    disk.cycle()
    volume = disk.volume()
    assert orders.look(volume) == orders.look(volume)
    assert orders.look(volume).recovered_frames > 0
    assert volume.changed() == {}


@pytest.mark.parametrize("kind", ["freeze", "shutdown"])
def test_an_application_consistent_disk_has_an_empty_log(kind: orders.Kind) -> None:
    """After freeze or shutdown the log has no byte and nothing is recovered; after a cycle it has and it is."""
    disk = Disk()
    for _ in range(7):
        disk.cycle()
    crash = disk.look()
    frozen = disk.cycle(kind=kind)
    settled = disk.look()
    assert crash.wal_bytes > 0
    assert crash.recovered_frames > 0
    assert (settled.wal_bytes, settled.recovered_frames, settled.integrity) == (0, 0, "ok")
    assert frozen.checkpointed
    assert len(settled.orders) == len(crash.orders) + frozen.rows


def test_freeze_with_nothing_due_still_empties_the_log() -> None:
    """No order since the last session: the log is settled all the same, and a second freeze does not open at all."""
    disk = Disk()
    disk.cycle(INTERVAL)
    held = disk.look().recovered_frames
    assert disk.cycle(0, "freeze") == orders.Session(0, held, True)
    assert disk.look().wal_bytes == 0
    assert disk.cycle(0, "freeze") == orders.Session(0, 0, False)


def test_every_twentieth_session_begins_with_a_checkpoint() -> None:
    """Of 60 sessions the 20th, 40th and 60th, and the log is short after each; a forced one does not shift them."""
    disk = Disk()
    turns = [number for number in range(1, 61) if disk.cycle(kind="cycle").checkpointed]
    assert turns == [20, 40, 60]
    short = disk.look().wal_bytes
    disk.cycle()
    assert disk.look().wal_bytes > short
    assert disk.cycle(0, "checkpoint").checkpointed
    assert disk.look().wal_bytes == 0
    assert [disk.cycle().checkpointed for _ in range(19)] == [False] * 18 + [True]


def _frames_by_hand(disk: Disk) -> int:
    directory = Directory.load(disk.volume())
    assert directory is not None
    log = directory.files["orders.db-wal"]
    raw = directory.read(log.name, 0, log.size)
    valid = committed = 0
    first, second = _checksum(raw[:24], 0, 0)
    for number, at in enumerate(range(32, len(raw) - 4119, 4120), 1):
        first, second = _checksum(raw[at : at + 8] + raw[at + 24 : at + 4120], first, second)
        if raw[at + 8 : at + 16] != raw[16:24] or struct.unpack(">II", raw[at + 16 : at + 24]) != (first, second):
            break
        valid = number
        committed = valid if raw[at + 4 : at + 8] != bytes(4) else committed
    return committed


def _checksum(data: bytes, first: int, second: int) -> tuple[int, int]:
    for low, high in struct.iter_unpack("<II", data):
        first = (first + low + second) & 0xFFFFFFFF
        second = (second + high + first) & 0xFFFFFFFF
    return first, second


def test_recovered_frames_are_the_valid_frames_of_the_log() -> None:
    """SQLite's own count equals ours, walked over salts and checksums of the bytes on the disk, session by session."""
    disk = Disk()
    before = 0
    for number in range(25):
        assert disk.cycle().recovered_frames == before
        before = disk.look().recovered_frames
        assert before == _frames_by_hand(disk), number
        assert before > 0


def test_a_log_cut_in_the_middle_keeps_what_was_committed() -> None:
    """One flipped bit in a late frame of the log ends recovery there: earlier orders stay, nothing is half there."""
    disk = Disk()
    for _ in range(4):
        disk.cycle()
    whole = disk.look()
    disk.flip(disk.size // 2 + 32 + 4120 * (whole.recovered_frames - 1) + 100)
    cut = disk.look()
    assert cut.integrity == "ok"
    assert cut.recovered_frames < whole.recovered_frames
    assert cut.orders == whole.orders[: len(cut.orders)]
    assert len(cut.orders) in (3, 6, 9)
    done = disk.cycle()
    assert disk.look().integrity == "ok"
    assert len(disk.look().orders) == len(cut.orders) + done.rows


def test_a_log_with_a_damaged_header_is_begun_anew() -> None:
    """The orders of the log are lost, as on a real server, and the application goes on with a sound database."""
    disk = Disk()
    disk.cycle(kind="freeze")
    kept = disk.look().orders
    disk.cycle()
    disk.flip(disk.size // 2 + 18)
    assert disk.look().orders == kept
    done = disk.cycle()
    assert (disk.look().integrity, len(disk.look().orders)) == ("ok", len(kept) + done.rows)


def test_a_blank_disk_stays_blank_until_an_order_is_due() -> None:
    """No session lays the disk out without a row; a look at it says blank and finds nothing."""
    disk = Disk()
    assert disk.cycle(0, "freeze") == orders.Session(0, 0, False)
    assert disk.blocks == {}
    assert disk.look() == orders.Look(integrity="blank")


def test_a_large_batch_in_one_session() -> None:
    """100,000 orders fit into one transaction; a log that fills half of its room is settled by the next session."""
    disk = Disk(12 * MB)
    assert Disk().cycle(100_000 * INTERVAL).rows == 100_000
    assert disk.cycle(60_000 * INTERVAL) == orders.Session(60_000, 0, False)
    assert disk.look().wal_bytes > 3 * MB
    assert disk.cycle().checkpointed
    assert disk.look().wal_bytes < MB
    assert len(disk.look().orders) == 60_003


def test_a_full_disk_is_told_and_loses_nothing() -> None:
    """A 20 MB disk takes orders until it is full; then error 900402, and all acknowledged orders are still there."""
    disk = Disk(20 * MB)
    acknowledged = 0

    def until_full() -> None:
        nonlocal acknowledged
        while True:
            acknowledged += disk.cycle(20_000 * INTERVAL).rows

    with pytest.raises(LabError) as caught:
        until_full()
    seen = disk.look()
    assert caught.value.code == 900402
    assert acknowledged >= 80_000
    assert (len(seen.orders), seen.integrity) == (acknowledged, "ok")


def test_the_other_applications_disk_is_refused() -> None:
    """Invoices on a disk of orders: error 900404 names both files."""
    disk = Disk()
    disk.cycle()
    disk.role = "invoices"
    source = list(orders.due_orders(1, 3, START, INTERVAL, START, disk.now))
    with pytest.raises(LabError) as caught:
        disk.cycle(120_000, source=source)
    assert caught.value.code == 900404
    assert "orders.db" in str(caught.value)
    assert "invoices.db" in str(caught.value)


def test_each_order_is_invoiced_once_30_to_90_seconds_later() -> None:
    """The invoicing guest, fed window by window, invoices every order once, in time, for its amount."""
    disk = Disk(20 * MB, stream=9, role="invoices")
    for _ in range(40):
        window = orders.invoice_window(disk.now, disk.now + 30_000)
        disk.cycle(30_000, source=list(orders.due_orders(1, 3, START, INTERVAL, *window)))
    placed = {o.token: o for o in orders.due_orders(1, 3, START, INTERVAL, START, disk.now)}
    seen = disk.look()
    delays = [invoice.invoiced_at - placed[invoice.token].placed_at for invoice in seen.invoices]
    assert all(30_000 <= delay < 90_000 for delay in delays)
    assert all(invoice.amount == placed[invoice.token].amount for invoice in seen.invoices)
    invoiced = {invoice.token for invoice in seen.invoices}
    assert len(invoiced) == len(seen.invoices)
    assert {token for token, order in placed.items() if order.placed_at <= disk.now - 90_000} <= invoiced
    assert (seen.orders, seen.integrity) == ((), "ok")


def test_a_sick_database_is_told_by_look_and_by_session() -> None:
    """A database whose first page is gone: look tells the fault, a session raises 900403 with every text filled."""
    disk = Disk()
    disk.cycle(kind="freeze")
    disk.blocks[16] = bytes(65_536)
    assert disk.look().integrity not in ("ok", "blank")
    assert disk.look().orders == ()
    with pytest.raises(LabError) as caught:
        disk.cycle()
    assert caught.value.code == 900403
    assert "{" not in str(caught.value)


def test_a_volume_that_cannot_read_is_no_damaged_database() -> None:
    """A fault of the layer below comes out as itself."""

    def broken(block: int) -> bytes | None:
        if block >= 16:
            raise RuntimeError("store is gone")
        return disk.blocks.get(block)

    disk = Disk()
    disk.cycle()
    with pytest.raises(RuntimeError, match="store is gone"):
        orders.look(Volume(disk.size, broken))
