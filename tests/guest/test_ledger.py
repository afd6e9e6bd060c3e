from __future__ import annotations

from labkit.guest import orders
from labkit.guest.ledger import Loss, compare
from tests.guest.disk import INTERVAL, MB, START, Disk


def test_nothing_is_lost_when_both_sides_are_the_same() -> None:
    """A planned failover: zero of everything, the last order is the source's last."""
    disk = Disk()
    disk.cycle(300_000, "shutdown")
    seen = disk.look()
    last = seen.orders[-1].placed_at
    assert compare(seen, disk.copy().look(), None, None, disk.now) == Loss(0, 0, 0, disk.now - last, last)


def test_the_orders_since_the_recovery_point_are_lost_exactly() -> None:
    """The target is the disk as it was at the cut: the orders lost are those due since then, counted from both."""
    source = Disk()
    for _ in range(10):
        source.cycle()
    target = source.copy()
    for _ in range(7):
        source.cycle()
    source.cycle(11_000)
    loss = compare(source.look(), target.look(), None, None, source.now)
    due = list(orders.due_orders(1, 3, START, INTERVAL, START, source.now))
    kept = [order for order in due if order.placed_at <= target.now]
    assert loss.orders == len(due) - len(kept) == 22
    assert loss.last_recovered_at == kept[-1].placed_at
    assert loss.seconds_ms == source.now - kept[-1].placed_at
    assert (loss.duplicated, loss.without_invoice) == (0, 0)


def test_numbers_given_on_both_sides_are_duplicates() -> None:
    """The target goes on alone after the failover (another stream): its numbers meet those of the lost orders."""
    source = Disk()
    source.cycle(100_000)
    target = source.copy()
    source.cycle(50_000)
    target.stream, target.started = 4, target.now
    target.cycle(30_000)
    loss = compare(source.look(), target.look(), None, None, source.now)
    assert (loss.orders, loss.duplicated) == (5, 3)


def test_an_order_written_twice_is_a_duplicate() -> None:
    """The same window played twice on the target: every row beyond the first of a token counts."""
    source = Disk()
    source.cycle(100_000)
    target = source.copy()
    target.now = START + 60_000
    target.cycle(40_000)
    assert compare(source.look(), target.look(), None, None, source.now).duplicated == 4


def test_a_recovered_order_that_lost_its_invoice_is_counted() -> None:
    """The invoicing guest is recovered to an older point than the one that takes orders."""
    shop, clerk = Disk(), Disk(20 * MB, stream=9, role="invoices")

    def both(ms: int) -> None:
        shop.cycle(ms)
        window = orders.invoice_window(clerk.now, clerk.now + ms)
        clerk.cycle(ms, source=list(orders.due_orders(1, 3, START, INTERVAL, *window)))

    for _ in range(10):
        both(60_000)
    old_clerk = clerk.copy()
    for _ in range(5):
        both(60_000)
    seen, now, old = shop.look(), clerk.look(), old_clerk.look()
    loss = compare(seen, seen, now, old, shop.now)
    assert loss.without_invoice == len(now.invoices) - len(old.invoices) > 20
    assert compare(seen, seen, now, now, shop.now).without_invoice == 0
    assert compare(seen, orders.Look(), now, old, shop.now).without_invoice == 0


def test_when_nothing_was_recovered_the_whole_life_counts() -> None:
    """A blank target: all orders are lost, and the time since the first of them; without orders nothing is."""
    source = Disk()
    source.cycle(100_000)
    seen, blank = source.look(), Disk().look()
    first = seen.orders[0].placed_at
    assert compare(seen, blank, None, None, source.now) == Loss(10, 0, 0, source.now - first, None)
    assert compare(blank, blank, None, None, START) == Loss(0, 0, 0, 0, None)
