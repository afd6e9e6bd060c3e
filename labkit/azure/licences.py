"""Licences: those of Site Recovery that are bought (rule 1.3-4), and a checklist for what runs in the VMs (F-12)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from labkit.azure import billing, services, subscription
from labkit.engine import resources
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.engine.world import World

_MOST = 1_000_000


class Check(NamedTuple):
    """A row of the checklist: a product as it was given, what applies to it, why, and what is to be asked.

    ``basis``: "included" in the price of a VM, "software assurance" gives a licence for recovery, "check".
    """

    product: str
    basis: str
    text: str
    questions: tuple[str, ...]


def buy(world: World, count: int) -> None:
    """Buy licences: each is for one VM protected to Azure, this month and every one after it. 900944."""
    found = subscription.require(world)
    if type(count) is not int or not 1 <= count <= _MOST:
        raise LabError(900944, found=count)
    world.fact("licences.bought", found.id, count=count)


def held(world: World) -> int:
    """Licences that were bought and not ended."""
    found = subscription.find(world)
    usage = billing.usage(world, found.offset_min if found else 0, services.redundancy(world))
    return sum(one.held for one in usage.licences if one.last is None)


def end(world: World) -> None:
    """Let all licences end with this month; 900945 when there are none."""
    found = subscription.require(world)
    if not held(world):
        raise LabError(900945)
    world.fact("licences.ended", found.id)


def checklist(products: Iterable[str]) -> list[Check]:
    """What to check for each installed product before it runs in Azure, in the language of the session.

    A product is known by how its name begins (``data/azure/licences.yml``); one that is not known needs checking.
    """
    rows: dict[str, dict[str, Any]] = resources.yaml("azure", "licences.yml")["rows"]
    return [_check(str(product).strip(), rows) for product in products]


def _check(product: str, rows: dict[str, dict[str, Any]]) -> Check:
    name = product.casefold().removeprefix("microsoft ")
    fit = [
        (len(begin), basis)
        for basis, row in rows.items()
        for begin in row.get("products", ())
        if name == begin.casefold() or name.startswith(f"{begin.casefold()} ")
    ]
    basis = max(fit)[1] if fit else "check"
    row = rows[basis]
    text: str = row["text"]
    return Check(product, basis, _(text), tuple(_(question) for question in row["questions"]))
