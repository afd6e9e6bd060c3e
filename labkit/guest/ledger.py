"""The loss ledger: what a failover cost the business, counted from the databases of both sides and nothing else."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from labkit.guest.orders import Look


class Loss(NamedTuple):
    """What was lost between two sides.

    ``orders``: at the source and not at the target. ``duplicated``: rows of the target beyond the first with one token,
    and numbers that both sides gave to different orders. ``without_invoice``: orders recovered at the target that had
    an invoice at the source and have none at the target. ``seconds_ms``: from the last recovered order to the stop of
    the source, in ms. ``last_recovered_at``: that order's instant.
    """

    orders: int
    duplicated: int
    without_invoice: int
    seconds_ms: int
    last_recovered_at: int | None


def compare(
    source: Look, target: Look, source_invoices: Look | None, target_invoices: Look | None, stopped_at: int
) -> Loss:
    """Count the loss of ``target`` against ``source``, which stopped at the instant ``stopped_at``.

    A recovered order is one that both databases hold, by token. When none was recovered, ``last_recovered_at`` is
    None and the time lost counts from the source's first order: the whole life of the application; without any order
    at the source nothing is lost (0). Where no invoices are written, pass None twice.
    """
    placed = {order.token: order.placed_at for order in source.orders}
    there = Counter(order.token for order in target.orders)
    recovered = placed.keys() & there.keys()
    last = max((placed[token] for token in recovered), default=None)
    begin = last if last is not None else min(placed.values(), default=stopped_at)
    return Loss(
        orders=len(placed) - len(recovered),
        duplicated=sum(there.values()) - len(there) + _numbers_given_twice(source, target),
        without_invoice=len((recovered & _invoiced(source_invoices)) - _invoiced(target_invoices)),
        seconds_ms=max(0, stopped_at - begin),
        last_recovered_at=last,
    )


def compare_invoices(source: Look, target: Look, stopped_at: int) -> Loss:
    """The same for a guest that invoices: it holds no orders (0); ``without_invoice`` counts the invoices lost."""
    made = {invoice.token: invoice.invoiced_at for invoice in source.invoices}
    there = Counter(invoice.token for invoice in target.invoices)
    recovered = made.keys() & there.keys()
    last = max((made[token] for token in recovered), default=None)
    begin = last if last is not None else min(made.values(), default=stopped_at)
    missing = len(made) - len(recovered)
    return Loss(0, sum(there.values()) - len(there), missing, max(0, stopped_at - begin), last)


def _numbers_given_twice(source: Look, target: Look) -> int:
    tokens = {order.number: order.token for order in source.orders}
    return sum(tokens.get(order.number, order.token) != order.token for order in target.orders)


def _invoiced(look: Look | None) -> set[int]:
    return {invoice.token for invoice in look.invoices} if look else set()
