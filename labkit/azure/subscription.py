"""The subscription (rules 2.2-1 to 2.2-3): signing up step by step, and whether Azure may be used now.

What a trial has left and when it is suspended is in :mod:`labkit.azure.trial`. Phone and card are invented in a lab: of
both only the last digits are kept, and nothing is ever charged.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from labkit.engine import resources
from labkit.engine.errors import LabError
from labkit.engine.names import meant
from labkit.engine.world import Entity, World, entity

TRIAL, PAY_AS_YOU_GO = "trial", "pay-as-you-go"
PLANS = (TRIAL, PAY_AS_YOU_GO)
ACTIVE, SUSPENDED = "Active", "Suspended"
CREDIT, MONTH = "credit", "month"  # why a trial is suspended
CHECK = "trial.check"
_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_INVENTED = "0000"  # no card in use begins so


@entity("account")
class Account(Entity):
    """The Microsoft account, ``id`` its address: how far the sign-up is; of phone and card the last four digits."""

    phone: str = ""
    card: str = ""
    signed_in: bool = False


@entity("subscription")
class Subscription(Entity):
    """``since`` and ``ends`` in ms (0: no end); ``why`` it is suspended; ``stopped``: ids of the VMs that ran then.

    ``offset_min``: the zone in whose days and months it is counted.
    """

    account: str
    plan: str
    since: int
    offset_min: int
    ends: int = 0
    state: str = ACTIVE
    why: str = ""
    timer: int = 0
    stopped: list[str] = msgspec.field(default_factory=list)


def terms() -> dict[str, Any]:
    """What the trial is: ``credit`` (yen), ``months``, ``check_ms``, ``yen_per_dollar`` (``data/azure/trial.yml``)."""
    found: dict[str, Any] = resources.yaml("azure", "trial.yml")
    return found


def find(world: World) -> Subscription | None:
    """The lab's subscription, if it has one."""
    return next(iter(world.all(Subscription)), None)


def require(world: World) -> Subscription:
    """The subscription, usable now: 900800 before the sign-up is through, 900806 or 900807 while it is suspended."""
    _steps(world, "account", "phone", "card", "subscription", "sign-in")
    found = world.all(Subscription)[0]
    if found.state == SUSPENDED:
        raise suspended(found)
    return found


def suspended(found: Subscription) -> LabError:
    """The refusal of anything that a suspended subscription has to carry."""
    if found.why == CREDIT:
        return LabError(900806, credit=f"{terms()['credit']:,}")
    return LabError(900807, credit=f"{terms()['credit']:,}")


# --- signing up -------------------------------------------------------------------------------------------------------


def _steps(world: World, *needed: str) -> Account | None:
    """The account, if the steps of the sign-up are done that are needed; 900800 names the first that is not."""
    account = next(iter(world.all(Account)), None)
    done = {
        "account": account is not None,
        "phone": account is not None and bool(account.phone),
        "card": account is not None and bool(account.card),
        "subscription": world.any(Subscription),
        "sign-in": account is not None and account.signed_in,
    }
    for step in needed:
        if not done[step]:
            raise LabError(900800, kind=step)
    return account


def masked(number: str | None) -> str:
    """A number with nothing readable but its last four digits.

    >>> masked("090-0000-1234")
    '...1234'
    """
    digits = re.sub(r"\D", "", number or "")
    return f"...{digits[-4:]}" if digits else ""


def create_account(world: World, account: str) -> None:
    """Make the Microsoft account; 900820 for what is no address, 900804 when the lab has one."""
    for known in world.all(Account):
        raise LabError(900804, account=known.id)
    if not _ADDRESS.fullmatch(str(account)):
        raise LabError(900820, found=account)
    world.add(Account(account))
    world.fact("account.created", account)


def confirm_phone(world: World, phone: str | None) -> None:
    """Get the confirmation code by voice or SMS and give it; 900823 for no number. Needs the account (900800)."""
    account = _steps(world, "account")
    assert account is not None
    if not 10 <= len(re.sub(r"[-+ ()]", "", str(phone or ""))) <= 15 or re.search(r"[^-+ ()0-9]", str(phone)):
        raise LabError(900823, found=masked(phone))
    account.phone = masked(phone)
    world.fact("account.confirmed", account.id)


def give_card(world: World, card: str | None) -> None:
    """Show who one is by a credit card: 16 digits that begin with 0000, so that nobody gives a real one (900803)."""
    account = _steps(world, "account", "phone")
    assert account is not None
    digits = re.sub(r"[- ]", "", str(card or ""))
    if not re.fullmatch(r"[0-9]{16}", digits) or not digits.startswith(_INVENTED):
        raise LabError(900803, found=masked(card))
    account.card = masked(card)
    world.fact("account.identified", account.id)


def subscribe(world: World, plan: str, offset_min: int) -> Subscription:
    """Make the subscription; a trial's month begins. 900805 for an unknown plan, 900804 for a second one."""
    account = _steps(world, "account", "phone", "card")
    assert account is not None
    if world.any(Subscription):
        raise LabError(900804, account=account.id)
    if plan not in PLANS:
        raise LabError(900805, found=plan, choices=", ".join(PLANS), meant=meant(plan, PLANS))
    number = hashlib.sha256(f"subscription/{world.seed}/{account.id}".encode()).hexdigest()
    name = "-".join((number[:8], number[8:12], number[12:16], number[16:20], number[20:32]))
    made = world.add(Subscription(name, account.id, plan, world.now, offset_min))
    world.fact("subscription.created", name, plan=plan)
    if plan == TRIAL:
        made.ends = months_later(world.now, int(terms()["months"]), offset_min)
        plan_check(world, made)
    return made


def plan_check(world: World, found: Subscription) -> None:
    """Look at a trial again after the usual time, and at its very end."""
    wait = min(int(terms()["check_ms"]), found.ends - world.now)
    found.timer = world.after(wait, CHECK, found.id)


def months_later(at: int, months: int, offset_min: int) -> int:
    """The same time of day so many calendar months later, on the month's last day where it is shorter.

    >>> months_later(1_412_121_600_000, 1, 540) - 1_412_121_600_000 == 31 * 86_400_000
    True
    """
    zone = timedelta(minutes=offset_min)
    local = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=at) + zone
    count = local.year * 12 + local.month - 1 + months
    first = local.replace(year=count // 12, month=count % 12 + 1, day=1)
    length = ((first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)).day
    there = first.replace(day=min(local.day, length))
    return at + (there - local) // timedelta(milliseconds=1)


def sign_in(world: World) -> None:
    """The first sign-in to the management portal, which shows that account and subscription work."""
    account = _steps(world, "account", "phone", "card", "subscription")
    assert account is not None
    if not account.signed_in:
        account.signed_in = True
        world.fact("portal.signed_in", account.id)


def sign_up(
    world: World, account: str, phone: str | None, card: str | None, plan: str, offset_min: int
) -> Subscription:
    """All steps in their order: account, confirmation by phone, card, subscription, first sign-in (rule 2.2-1)."""
    create_account(world, account)
    confirm_phone(world, phone)
    give_card(world, card)
    made = subscribe(world, plan, offset_min)
    sign_in(world)
    return made
