"""What a reader of image files demands of a field, each demand with its own error: file, field, what was found.

Fields are named as their specifications name them. Nothing here reads a file.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from labkit.engine.errors import LabError

MIB = 1 << 20


class Part(NamedTuple):
    """A part of a file: ``length`` bytes from ``at`` on, and what the specification calls it."""

    at: int
    length: int
    field: str

    @property
    def end(self) -> int:
        """First byte after it."""
        return self.at + self.length


def signature(path: Path, field: str, found: bytes, expected: bytes) -> None:
    """``LabError`` 900315 unless a structure begins as it must."""
    if found != expected:
        raise LabError(900315, path=path, field=field, found=_shown(found), expected=_shown(expected))


def checksum(path: Path, field: str, found: int, counted: int) -> None:
    """``LabError`` 900316 unless the checksum in the file is the one counted."""
    if found != counted:
        raise LabError(900316, path=path, field=field, found=f"{found:#010x}", expected=f"{counted:#010x}")


def one_of(path: Path, field: str, found: object, allowed: Iterable[object]) -> None:
    """``LabError`` 900317 unless a value is one of those that are known."""
    known = list(allowed)
    if found not in known:
        raise LabError(900317, path=path, field=field, found=found, expected=", ".join(map(str, known)))


def between(path: Path, field: str, found: int, low: int, high: int) -> None:
    """``LabError`` 900318 unless ``low <= found <= high``."""
    if not low <= found <= high:
        raise LabError(900318, path=path, field=field, found=found, low=low, high=high)


def multiple(path: Path, field: str, found: int, of: int) -> None:
    """``LabError`` 900319 unless ``found`` is a multiple of ``of``."""
    if found % of:
        raise LabError(900319, path=path, field=field, found=found, of=of)


def power_of_two(path: Path, field: str, found: int, low: int, high: int) -> None:
    """``LabError`` 900318 or 900319 unless ``found`` is a power of two from ``low`` to ``high``."""
    between(path, field, found, low, high)
    multiple(path, field, found, 1 << (found.bit_length() - 1))


def fits(path: Path, part: Part, length: int) -> None:
    """``LabError`` 900314 unless a part lies within a file of ``length`` bytes."""
    if part.end > length:
        raise LabError(900314, path=path, field=part.field, needed=part.end, length=length)


def disjoint(path: Path, parts: Iterable[Part]) -> None:
    """``LabError`` 900324 if two parts of a file share a byte."""
    before: Part | None = None
    for part in sorted(part for part in parts if part.length):
        if before and part.at < before.end:
            raise LabError(900324, path=path, first=before.field, second=part.field, at=part.at)
        before = part


def _shown(found: bytes) -> str:
    return repr(found)[1:] if found.isascii() else found.hex()
