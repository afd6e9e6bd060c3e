"""The directory: the domain of the site and the accounts in it (rule 2.3-6).

The lab has accounts, no passwords: who gives an account's name is believed to know its password.
"""

from __future__ import annotations

from labkit.engine.errors import LabError
from labkit.engine.names import unknown
from labkit.engine.world import Entity, World, entity
from labkit.site import kinds

ADMINISTRATOR, OPERATOR = "Administrator", "Operator"


@entity("domain")
class Domain(Entity):
    """The domain; ``id`` is its DNS name, ``short`` its NetBIOS name."""

    short: str


@entity("domain-account")
class Account(Entity):
    """An account of the domain; ``administrator``: of the domain, or with equal rights."""

    administrator: bool


def create(world: World, name: str) -> None:
    """The domain with its administrator and an ordinary account."""
    world.add(Domain(name, name.partition(".")[0].upper()[:15]))
    world.add(Account(ADMINISTRATOR, True))
    world.add(Account(OPERATOR, False))


def domain(world: World) -> Domain:
    """The site's domain."""
    return world.all(Domain)[0]


def shown(world: World, account: Account) -> str:
    r"""An account as it is typed: ``DEMO\Administrator``."""
    return f"{domain(world).short}\\{account.id}"


def add(world: World, name: str, *, administrator: bool) -> Account:
    """Make an account; 900628 when there is one of that name or the name is empty."""
    plain = str(name).strip()
    taken = {account.id.casefold() for account in world.all(Account)}
    if not kinds.is_name(plain) or plain.casefold() in taken or set(plain) & set('/\\[]:;|=,+*?<>@"'):
        raise LabError(900628, found=name)
    account = world.add(Account(plain, administrator))
    world.fact("account.made", plain, administrator=int(administrator))
    return account


def find(world: World, credentials: str) -> Account:
    r"""The account that is meant by ``DEMO\Administrator``, ``Administrator@demo.contoso.com`` or the bare name.

    900629 when there is none in this domain.
    """
    here, text = domain(world), str(credentials).strip()
    place, _, name = text.rpartition("\\")
    if not place and "@" in text:
        name, _, place = text.partition("@")
    right_place = place.casefold() in ("", here.id.casefold(), here.short.casefold())
    for account in world.all(Account):
        if right_place and account.id.casefold() == name.casefold():
            return account
    raise LabError(900629, found=text or "-", choices=", ".join(shown(world, one) for one in world.all(Account)))


def require_administrator(world: World, credentials: str) -> Account:
    """The account, if it is a domain administrator or has equal rights; 900630 otherwise (rule 2.3-6)."""
    account = find(world, credentials)
    if not account.administrator:
        raise LabError(900630, account=shown(world, account))
    return account


def named(world: World, name: str) -> Account:
    """The account of that bare name; 900010 when there is none."""
    for account in world.all(Account):
        if account.id.casefold() == str(name).casefold():
            return account
    raise unknown("account", name, [account.id for account in world.all(Account)])
