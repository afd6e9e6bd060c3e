"""Values of an inventory: sizes with and without units, numbers of all countries, yes and no, PowerShell's words.

An empty value is not known. One that cannot be understood is noted as a fault, so that all of them are told at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from labkit.engine.texts import gettext as _
from labkit.recovery.inventorytext import Row, columns, plain
from labkit.site import systems
from labkit.site.kinds import Fault, show

TRUE = {"true", "$true", "yes", "1", "on", "はい", "有効", "enabled"}
FALSE = {"false", "$false", "no", "0", "off", "いいえ", "無効", "disabled"}
# PowerShell writes enumerations to JSON as numbers.
CONTROLLERS = {"ide": "ide", "0": "ide", "scsi": "scsi", "1": "scsi"}
FORMATS = {"vhd": "vhd", "2": "vhd", "vhdx": "vhdx", "3": "vhdx", "vhdset": "vhds", "4": "vhds", "unknown": "", "0": ""}
TYPES = {
    "fixed": "fixed", "fixedsize": "fixed", "2": "fixed",
    "dynamic": "dynamic", "dynamicallyexpanding": "dynamic", "3": "dynamic",
    "differencing": "differencing", "4": "differencing",
    "passthrough": "pass-through", "iscsi": "iscsi", "shared": "shared",
    "unknown": "", "0": "",
}  # fmt: skip
ADDRESSES = {**dict.fromkeys(TRUE, "dhcp"), **dict.fromkeys(FALSE, "static"), "dhcp": "dhcp", "static": "static"}
_CUT = re.compile(r"(System|Microsoft)\.[A-Za-z]+[\w.`\[\], +=]*(\s.*)?|@\{.*", re.S)
_EMPTY = {"", "{}", "-", "null", "n/a"}
_UNITS = {"": 1, "b": 1, "byte": 1, "bytes": 1, **{
    unit: 2 ** (10 * power) for power, letter in enumerate("kmgt", 1) for unit in (letter, f"{letter}b", f"{letter}ib")
}}  # fmt: skip
_SIZE = re.compile(r"([0-9.,'’\s]+(?:[eE][+-]?\d{1,2})?)\s*([A-Za-z]*)")
_NUMBER = re.compile(r"\d+(\.\d+)?([eE][+-]?\d{1,2})?")
_IPV4 = re.compile(r"(?<![\d.])(\d{1,3}(?:\.\d{1,3}){3})(?![\d.])")
_LEAST_SIZE = 1 << 20
_MOST_SIZE = 1 << 60
_LONGEST_NUMBER = 60
_DEEPEST = 8


def text(value: Any, depth: int = 0) -> str:
    """A value as text of one line: an object of PowerShell by its name or version, a list with semicolons."""
    if depth > _DEEPEST or value is None:
        return ""
    if isinstance(value, dict):
        names = {plain(key): inner for key, inner in value.items()}
        if "major" in names:
            return f"{text(names['major'], depth + 1)}.{text(names.get('minor', 0), depth + 1)}"
        return text(names.get("name"), depth + 1)
    if isinstance(value, list):
        return "; ".join([text(one, depth + 1) for one in value])
    found = str(value)
    if not found.isprintable():
        found = "".join(char if char.isprintable() else " " for char in found)
    found = found.strip()
    return "" if found.casefold() in _EMPTY else found


def number(written: str) -> Fraction | None:
    """A number with the separators of any country: ``127,5``, ``1.234,5``, ``1,023``; None when it is none.

    A single comma before exactly three digits separates thousands, a single point never does.

    >>> [str(number(text)) for text in ("127,5", "1.234,5", "1,234.5", "1,023", "137 438 953 472", "1.5", "x")]
    ['255/2', '2469/2', '2469/2', '1023', '137438953472', '3/2', 'None']
    """
    bare = re.sub(r"[\s'’]", "", written)
    commas, points = bare.count(","), bare.count(".")
    if commas and points:
        decimal = max(",.", key=bare.rfind)
        bare = bare.replace("." if decimal == "," else ",", "")
        bare = bare.replace(decimal, ".")
    elif commas > 1 or points > 1 or re.fullmatch(r"\d{1,3},\d{3}", bare):
        bare = bare.replace(",", "").replace(".", "")
    else:
        bare = bare.replace(",", ".")
    return Fraction(bare) if len(bare) <= 40 and _NUMBER.fullmatch(bare) else None


@dataclass
class Cells:
    """Reads the values of rows; ``faults`` and what PowerShell cut off gather in it."""

    faults: list[tuple[str, Fault]] = field(default_factory=list)
    cut: dict[tuple[str, str], str] = field(default_factory=dict)

    def found(self, row: Row, part: str, thing: str) -> tuple[str, Any]:
        """The column with a value for a thing, as it is written there, and the value; ``("", None)`` without any."""
        for name in columns()[part][thing]:
            value = row.cells.get(plain(name))
            column = row.columns.get(plain(name), name)
            if isinstance(value, str) and _CUT.fullmatch(value):
                self.cut.setdefault((thing, column), show(value))
            elif (isinstance(value, list | dict) and value) or text(value):
                return column, value
        return "", None

    def has(self, row: Row, part: str, thing: str) -> bool:
        """Whether there is such a column at all."""
        return any(plain(name) in row.cells for name in columns()[part][thing])

    def text(self, row: Row, part: str, thing: str) -> str | None:
        """A text; None when nothing is said."""
        return text(self.found(row, part, thing)[1])[:1_000] or None

    def refuse(self, row: Row, column: str, value: Any, allowed: str) -> None:
        """Note a value that cannot be understood."""
        self.faults.append((row.file, Fault(row.line, show(column), f"'{show(text(value))}'", allowed)))

    def size(self, row: Row, part: str, thing: str) -> int | None:
        """Bytes: a number with a unit, in the unit of its column (MemoryMB), or plain.

        A plain number below 1 MB is no size in bytes; of a memory it is in MB, as VMM writes it. 0 is not known.
        """
        column, value = self.found(row, part, thing)
        written = text(value)
        if not written:
            return None
        match = _SIZE.fullmatch(written) if len(written) <= _LONGEST_NUMBER else None
        amount = number(match[1]) if match else None
        unit = match[2].casefold() if match else ""
        if not unit and (suffix := re.search(r"(mb|gb|tb)$", plain(column))):
            unit = suffix[1]
        if amount is None or unit not in _UNITS or amount * _UNITS[unit] > _MOST_SIZE:
            self.refuse(row, column, value, _("a size in bytes, or with its unit such as 40GB"))
            return None
        if not unit and amount < _LEAST_SIZE:
            if amount and part == "disk":
                self.refuse(row, column, value, _("a size in bytes, or with its unit such as 40GB"))
            return round(amount * 2**20) if part == "vm" and amount else None
        return round(amount * _UNITS[unit]) or None

    def whole(self, row: Row, part: str, thing: str, most: int) -> int | None:
        """A whole number from 0 to ``most``."""
        column, value = self.found(row, part, thing)
        written = text(value)
        if not written:
            return None
        amount = number(written) if len(written) <= _LONGEST_NUMBER else None
        if amount is None or amount.denominator != 1 or amount > most:
            allowed = _("a whole number from {low} to {high}").format(low=0, high=most)
            self.refuse(row, column, value, allowed)
            return None
        return int(amount)

    def truth(self, row: Row, part: str, thing: str) -> bool | None:
        """yes or no."""
        column, value = self.found(row, part, thing)
        word = text(value).casefold()
        if word in TRUE or word in FALSE:
            return word in TRUE
        if word:
            self.refuse(row, column, value, "True, False")
        return None

    def word(
        self, row: Row, part: str, thing: str, words: Mapping[str, str], other: Callable[[str], str] | None = None
    ) -> str | None:
        """One of some words; of one that is not among them what ``other`` makes of it, or a fault."""
        column, value = self.found(row, part, thing)
        written = text(value)
        known = words.get(plain(written))
        if not written or known:
            return known
        if known is None and other is None:
            self.refuse(row, column, value, ", ".join(dict.fromkeys(filter(None, words.values()))))
        return (other(written) or None) if known is None and other else None

    def texts(self, row: Row, part: str, thing: str) -> list[str]:
        """Several texts in one value: a list, or parts between semicolons."""
        value = self.found(row, part, thing)[1]
        parts = [text(one) for one in value] if isinstance(value, list) else re.split(r"[;|]", text(value))
        return [one.strip() for one in parts if one.strip()]

    # --- values of one column only ---------------------------------------------------------------------------------

    def integration(self, row: Row) -> str | None:
        """Integration services by state or version; without either nobody knows (the VM is off)."""
        word = (self.text(row, "vm", "integration") or "").casefold()
        version = re.match(r"(\d+)\.(\d+)", word)
        if version:
            release = int(version[1]), int(version[2])
            return systems.NONE if release == (0, 0) else systems.CURRENT if release >= (6, 3) else systems.OLD
        for found, pattern in (
            (systems.OLD, r"require|old|upgrade|out of date|更新が必要"),
            (systems.NONE, r"none|not |なし|未"),
            (systems.CURRENT, r"up to date|current|最新"),
        ):
            if re.search(pattern, word):
                return found
        return None

    def bits(self, row: Row) -> int | None:
        """32 or 64: as text, as a width, or as Windows numbers processors (0 and 9)."""
        written = self.text(row, "vm", "bits") or ""
        return {"64": 64, "9": 64, "32": 32, "0": 32}.get(written) or systems.bits(written)

    def fibre_channel(self, row: Row) -> bool | None:
        """Whether there is an adapter for it: yes or no, their number, or themselves."""
        value = self.found(row, "vm", "fibre_channel")[1]
        if isinstance(value, list | dict):
            return bool(value)
        names = columns()["vm"]["fibre_channel"]
        if any(isinstance(row.cells.get(plain(name)), list) for name in names):
            return False
        word = text(value).casefold()
        return None if not word else word not in FALSE

    def mark(self, row: Row) -> bool | None:
        """Whether the disk contains the operating system: yes or no, or a volume type of VMM."""
        word = plain(self.text(row, "disk", "system") or "")
        return None if not word else word not in FALSE and word != "none"

    def ipv4(self, value: Any) -> int | None:
        """How many IPv4 addresses a text or list names, those that a guest gives itself left out; None for none."""
        found = [address for address in _IPV4.findall(text(value)) if not address.startswith("169.254.")]
        return len(set(found)) or None
