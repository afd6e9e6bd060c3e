"""Vaults and their registration keys (rules 1.1-7, 2.5-1 to 2.5-4).

A key is a file of JSON that names vault and subscription and the virtual instant at which it was made; a digest over it
tells a damaged file. It is valid for five days, the last millisecond of them included. Making a new one leaves the
earlier ones valid until their own end.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from labkit.azure import services, subscription
from labkit.engine import resources, units
from labkit.engine.errors import LabError
from labkit.engine.host import in_folder
from labkit.engine.names import unknown
from labkit.engine.texts import gettext as _
from labkit.engine.world import Entity, World, entity
from labkit.site import inventory

SITE_RECOVERY, BACKUP = "site-recovery", "backup"
KINDS = (SITE_RECOVERY, BACKUP)
KEY_VALID = 5 * units.DAY  # facts.md 2.10
SUFFIX = ".VaultCredentials"
_FORMAT = "labkit-vault-credentials"
_MOST = 65_536  # bytes of a file that can be a key


@entity("vault")
class Vault(Entity):
    """A vault: metadata and jobs only (rule 2.5-2). ``servers``: names of those registered; ``number``: 1, 2, ... made.

    A vault of kind "backup" is Azure Backup's: it has the page in common with Site Recovery's, and nothing else.
    """

    region: str
    servers: list[str]
    kind: str = SITE_RECOVERY
    number: int = 0


class Setup(NamedTuple):
    """A deployment in "Setup recovery": its name, its title on Quick start, what it ``opens``, and a note."""

    name: str
    title: str
    opens: str
    note: str


def setups() -> list[Setup]:
    """What can be chosen in "Setup recovery" (rule 2.5-3), in the language of the session."""
    known = resources.yaml("azure", "setups.yml")["setups"]
    rows = [Setup(*(row[name] for name in Setup._fields)) for row in known]
    return [row._replace(title=_(row.title), note=_(row.note)) for row in rows]


def create(world: World, name: str, region: str, kind: str) -> Vault:
    """Make a vault; 900812 for the name, 900545 for the kind, 900821 where Site Recovery is not offered, 900809."""
    subscription.require(world)
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{1,49}", str(name)):
        raise LabError(900812, found=name)
    if kind not in KINDS:
        raise LabError(900545, found=kind, choices=", ".join(KINDS))
    if kind == SITE_RECOVERY and not services.region(region).site_recovery:
        offered = [found.name for found in services.regions().values() if found.site_recovery]
        raise LabError(900821, found=region, choices=", ".join(offered))
    services.region(region)
    services.free(world, Vault, "vault", name)
    made = world.add(Vault(name, region, [], kind, world.next("vault")))
    world.fact("vault.created", name, region=region, type=kind)
    return made


def named(world: World, name: str) -> Vault:
    """The Site Recovery vault of that name; 900010 when there is none, 900822 for a Backup vault (rule 1.1-7)."""
    found = world.find(Vault, name)
    if found is None:
        raise unknown("vault", name, [vault.id for vault in world.all(Vault)])
    if found.kind != SITE_RECOVERY:
        raise LabError(900822, vault=name)
    return found


def the_vault(world: World) -> Vault:
    """The Site Recovery vault with a server registered, else the one made first; 900510 when there is none."""
    found = sorted((v for v in world.all(Vault) if v.kind == SITE_RECOVERY), key=lambda vault: vault.number)
    if not found:
        raise LabError(900510)
    return next((vault for vault in found if vault.servers), found[0])


def of(world: World, server: str) -> Vault:
    """The vault a VMM server is registered with, else :func:`the_vault`."""
    return of_server(world, server) or the_vault(world)


def of_server(world: World, server: str) -> Vault | None:
    """The vault a VMM server is registered with, if it is with one."""
    return next((vault for vault in world.all(Vault) if server in vault.servers), None)


# --- registration keys ------------------------------------------------------------------------------------------------


def _identity(world: World, vault: Vault) -> str:
    """What a key names beside the vault's name, which another vault may have later."""
    return hashlib.sha256(f"vault/{world.seed}/{vault.number}/{vault.id}".encode()).hexdigest()[:32]


def _digest(world: World, key: dict[str, Any]) -> str:
    found = subscription.find(world)
    secret = f"vault key/{world.seed}/{found.id if found else ''}".encode()
    body = json.dumps({name: value for name, value in key.items() if name != "digest"}, sort_keys=True)
    return hmac.new(secret, body.encode(), hashlib.sha256).hexdigest()


def file_name(world: World, vault: Vault) -> str:
    """``<vault>_<date>.VaultCredentials``, with today's date at the site."""
    today = units.show_instant(world.now, inventory.site_of(world).offset_min)[:10]
    return f"{vault.id}_{today}{SUFFIX}"


def generate_key(world: World, where: Path, name: str | None) -> Path:
    """Make a vault's registration key and write it, to a file or into a folder.

    A file that is there already is replaced only by a newer key of the same vault; 900824 for any other, and for what
    cannot be written. The journal and the facts know that it was made, and nothing of what is in it.
    """
    found = subscription.require(world)
    vault = the_vault(world) if name is None else named(world, name)
    key: dict[str, Any] = {
        "format": _FORMAT,
        "version": 1,
        "vault": vault.id,
        "vault_id": _identity(world, vault),
        "subscription": found.id,
        "generated": world.now,
    }
    key["digest"] = _digest(world, key)
    out = in_folder(where, file_name(world, vault))
    try:
        if out.exists() and not _own(world, out, key):
            raise FileExistsError(17, os.strerror(17))
        _write(out, json.dumps(key, indent=1) + "\n")
    except (OSError, ValueError) as error:
        raise LabError(900824, path=out, found=getattr(error, "strerror", None) or str(error)) from None
    world.fact("key.generated", vault.id)
    return out


def _write(out: Path, text: str) -> None:
    """The whole file or none: an earlier key stays until the new one is written."""
    number, name = tempfile.mkstemp(prefix=out.name, dir=out.parent)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(out)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _own(world: World, path: Path, key: dict[str, Any]) -> bool:
    """Whether a file holds an earlier key of the same vault."""
    try:
        return bool(_read(world, path)["vault_id"] == key["vault_id"])
    except LabError:
        return False


def _read(world: World, path: Path) -> dict[str, Any]:
    """What a key says, unharmed; 900825 otherwise."""
    try:
        if path.stat().st_size > _MOST:
            raise LabError(900825, path=path)
        key = json.loads(path.read_text("utf-8"))
        whole = key["format"] == _FORMAT and hmac.compare_digest(str(key["digest"]), _digest(world, key))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise LabError(900825, path=path) from None
    if not whole:
        raise LabError(900825, path=path)
    return dict(key)


def read_key(world: World, path: Path) -> str:
    """The name of the vault that a registration key identifies.

    900825 for a file that cannot be read, is damaged, or is no key of this lab; 900827 when the vault is gone; 900822
    for a Backup vault's; 900826 outside its five days (exactly five days after it was made it is still good).
    """
    key = _read(world, path)
    vault = world.find(Vault, str(key["vault"]))
    if vault is None or _identity(world, vault) != key["vault_id"]:
        raise LabError(900827, path=path, vault=key["vault"])
    named(world, vault.id)
    begin, end = int(key["generated"]), int(key["generated"]) + KEY_VALID
    if not begin <= world.now <= end:
        zone = inventory.site_of(world).offset_min
        begins, ends, now = (units.show_instant(at, zone) for at in (begin, end, world.now))
        raise LabError(900826, path=path, begin=begins, end=ends, now=now)
    return vault.id
