"""Guest operating systems: the table ``data/guest-os.yml``, and which of its rows a name from elsewhere means.

Names come from VMM ("CentOS Linux 6 (64 bit)"), from the guest itself ("Windows Server 2012 R2 Standard") and from
people. ``recognise`` says what can be told of one; nothing is guessed that the name does not say.
"""

from __future__ import annotations

import functools
import re
from typing import Any

import msgspec

from labkit.engine import resources

WINDOWS, LINUX, OTHER = "windows", "linux", "other"
OTHER_LINUX = "Other Linux (64-bit)"
CURRENT, OLD, NONE = "current", "old", "none"
_INTEGRATION = {"built-in": CURRENT, "upgrade": OLD}


class System(msgspec.Struct, frozen=True):
    """What a name tells: ``name`` is the row of the table or "", ``family`` and ``bits`` are None when not told.

    ``supported``: the guide lists it, or a later version of a distribution it lists.
    """

    name: str
    family: str | None
    bits: int | None
    supported: bool


def dated() -> str:
    """The date of the table, ISO 8601 (rule 1.4-16)."""
    return str(resources.yaml("guest-os.yml")["date"])


@functools.cache
def _rows() -> dict[str, dict[str, Any]]:
    return {
        name.casefold(): row
        for row in resources.yaml("guest-os.yml")["systems"]
        for name in (row["name"], *row.get("aliases", ()))
    }


def row(name: str) -> dict[str, Any]:
    """The row of a system by name or alias, whatever the case; ``KeyError`` when there is none."""
    return _rows()[name.casefold()]


def family(name: str) -> str:
    """ "windows", "linux" or "other" of a system of the table."""
    return str(row(name)["family"])


def integration(name: str) -> str:
    """Integration services of a guest nobody has seen to: "current", "old" or "none"."""
    return _INTEGRATION.get(row(name)["integration"], NONE)


def declared(name: str) -> str:
    """The value to set in VMM for a system of the table: its name, or "Other Linux (64-bit)"."""
    return str(row(name).get("declared", row(name)["name"]))


_WIDTH = re.compile(r"(?<!\d)(32|64)[\s-]*bit", re.I)
_X86 = re.compile(r"\b(x86|i[3-6]86)\b(?!_64)", re.I)
_X64 = re.compile(r"\b(x64|x86_64|amd64)\b", re.I)
_WINDOWS = re.compile(r"windows server\D*(20\d\d)(\s*r2)?(?:.*?\b(?:sp|service pack)\s*(\d))?", re.I)
_LINUXES = re.compile(r"(centos|opensuse|ubuntu|suse linux enterprise server|sles|debian|freebsd)\D*(\d+)?(.*)", re.I)
_LINUX = re.compile(r"linux|sles|red ?hat|rhel|fedora|gentoo|oracle|ubuntu|debian|suse|centos", re.I)
_OTHER = re.compile(r"bsd|solaris|unix", re.I)
_MINOR = re.compile(r"^\.(\d+)|^\s*\(?(?:sp|service pack)\s*(\d+)", re.I)
_PRODUCTS = {"suse linux enterprise server": "sles"}
_LONGEST = 200


def bits(name: str) -> int | None:
    """32 or 64 as the name of a system says; None when it does not.

    >>> bits("CentOS Linux 6 (64 bit)"), bits("Windows 7 x86"), bits("Debian")
    (64, 32, None)
    """
    if width := _WIDTH.search(name):
        return int(width[1])
    if _X64.search(name):
        return 64
    return 32 if _X86.search(name) else None


@functools.lru_cache(maxsize=1_000)
def recognise(name: str, told: int | None = None) -> System:
    """What a system's name tells; ``told`` are the bits when something else tells them.

    >>> recognise("Microsoft Windows Server 2012 R2 Datacenter").name
    'Windows Server 2012 R2'
    >>> recognise("CentOS Linux 6.6 (64 bit)")
    System(name='CentOS 6.5', family='linux', bits=64, supported=True)
    """
    name = re.sub(r"\b(32|64) bit\b", r"\1-bit", " ".join(name[:_LONGEST].split()), flags=re.I)
    found = _rows().get(name.casefold())
    if found is None:
        windows = _WINDOWS.search(name)
        return _windows(name, windows, told) if windows or "windows" in name.casefold() else _unix(name, told)
    width = told or int(found["bits"])
    return System(found["name"], found["family"], width, found["supported"] and width == int(found["bits"]))


def _windows(name: str, match: re.Match[str] | None, told: int | None) -> System:
    width = told or bits(name)
    if match is None:
        return System("", WINDOWS, width, False)
    year, second, pack = match[1], " R2" if match[2] else "", match[3]
    if (year, second) == ("2008", " R2") or year >= "2012":
        width = 64  # there is no other
    end = {"2008": " SP1" if second else f" SP2 ({'x86' if width == 32 else 'x64'})", "2003": ""}.get(year, "")
    found = _rows().get(f"windows server {year}{second}{end}".casefold())
    least = {"2008": 1 if second else 2}.get(year, 0)
    if found is None or (pack is not None and int(pack) < least) or (year == "2008" and width is None):
        return System("", WINDOWS, width, False)
    return System(found["name"], WINDOWS, width, bool(found["supported"]))


def _unix(name: str, told: int | None) -> System:
    width = told or bits(name)
    kind = OTHER if _OTHER.search(name) else LINUX if _LINUX.search(name) else None
    match = _LINUXES.search(name)
    if match is None or match[2] is None:
        return System("", kind, width, False)
    product = _PRODUCTS.get(match[1].casefold(), match[1].casefold())
    minor = _MINOR.match(match[3])
    version = int(match[2]), int(minor[1] or minor[2]) if minor else None
    found = _version(product, version)
    if found is None:
        return System("", kind, width, False)
    return System(found["name"], found["family"], width, bool(found["supported"]) and width != 32)


@functools.cache
def _versions() -> dict[str, list[tuple[tuple[int, int], dict[str, Any]]]]:
    """Rows of a Linux product, oldest version first."""
    found: dict[str, list[tuple[tuple[int, int], dict[str, Any]]]] = {}
    for line in resources.yaml("guest-os.yml")["systems"]:
        match = _LINUXES.search(line["name"])
        if match and match[2]:
            minor = _MINOR.match(match[3])
            product = _PRODUCTS.get(match[1].casefold(), match[1].casefold())
            number = int(match[2]), int(minor[1] or minor[2]) if minor else 0
            found.setdefault(product, []).append((number, line))
    return {product: sorted(rows, key=lambda pair: pair[0]) for product, rows in found.items()}


def _version(product: str, wanted: tuple[int, int | None]) -> dict[str, Any] | None:
    """The row of that version: "6.3 and older" where services must be installed, else "and later" of an older row.

    A version without its minor number is the newest of it.
    """
    major, minor = wanted
    rows = _versions().get(product, [])
    if minor is None:
        older = [line for number, line in rows if number[0] <= major]
        return older[-1] if older else None
    newer = [line for number, line in rows if number[0] == major and number[1] >= minor]
    if newer and newer[0]["integration"] == "install":
        return newer[0]
    older = [line for number, line in rows if number <= (major, minor)]
    return older[-1] if older else None
