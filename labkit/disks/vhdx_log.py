"""The log of a VHDX file, replayed in memory: the file is read as it will be once somebody repairs it, and not changed.

A writer puts changes of tables into the log before it makes them. After a crash the log's newest sequence of entries
has to be laid over the file. Source: [MS-VHDX] 2.3.
"""

from __future__ import annotations

import struct
import uuid
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from labkit.disks import checks, vhdx_layout
from labkit.disks.checks import Part
from labkit.disks.imagefile import ImageFile
from labkit.engine.errors import LabError

SECTOR = 4_096
MAX_LENGTH = 64 << 20
# More than a log of the usual 1 MiB can hold; what is laid over the file is kept in memory.
MAX_DESCRIPTORS = 1 << 15
_EFFORT = 8  # times the length of the log: bytes that are looked at before a log counts as made to keep us busy

# signature, checksum, entry length, tail, sequence number, descriptors, reserved, log, flushed and last file offset
ENTRY = struct.Struct("<4sIIIQII16sQQ")
# signature, last 4 bytes of the page, its first 8 bytes (or the length to be zeroed), file offset, sequence number
DESCRIPTOR = struct.Struct("<4s4s8sQQ")
# signature, upper half of the sequence number, the page less what the descriptor holds, lower half
DATA = struct.Struct("<4sI4084sI")


class Entry(NamedTuple):
    """A valid entry of a log, ``at`` in the log (bytes)."""

    at: int
    length: int
    tail: int
    sequence: int
    flushed: int
    last: int
    changes: list[Change]


class Change(NamedTuple):
    """A part of the file that an entry gives new content: ``data`` (4 KiB), or zeros if it is None."""

    at: int
    length: int
    data: bytes | None


class Replayed(ImageFile):
    """A file with changes laid over it, the newest of them on top; as long as the log says, with zeros at the end."""

    def __init__(self, under: ImageFile, changes: list[Change], length: int) -> None:
        self._under = under
        self.path, self.identity = under.path, under.identity
        self.length = max(length, under.length)
        self._changes = changes
        self._bounds: list[int] = sorted({end for change in changes for end in (change.at, change.at + change.length)})
        owners = np.full(len(self._bounds), -1, np.int32)
        for number, change in enumerate(changes):
            first, end = self._segment(change.at), self._segment(change.at + change.length)
            owners[first:end] = number
        self._owners: list[int] = owners.tolist()

    def readinto(self, at: int, view: memoryview, field: str = "data") -> None:
        """See ``ImageFile.readinto``."""
        checks.fits(self.path, Part(at, len(view), field), self.length)
        inside = max(0, min(len(view), self._under.length - at))
        self._under.readinto(at, view[:inside], field)
        view[inside:] = bytes(len(view) - inside)
        for start, end, change in self._over(at, at + len(view)):
            skipped = start - change.at
            new = change.data[skipped : skipped + end - start] if change.data else bytes(end - start)
            view[start - at : end - at] = new

    def ranges(self, at: int, length: int) -> Iterator[tuple[int, int, bool]]:
        """See ``ImageFile.ranges``; what is touched by a change counts as data."""
        inside = max(0, min(length, self._under.length - at))
        if next(self._over(at, at + length), None):
            yield at, length, True
            return
        yield from self._under.ranges(at, inside)
        if inside < length:
            yield at + inside, length - inside, False

    def close(self) -> None:
        """See ``ImageFile.close``."""
        self._under.close()

    def _segment(self, at: int) -> int:
        return bisect_right(self._bounds, at) - 1

    def _over(self, at: int, end: int) -> Iterator[tuple[int, int, Change]]:
        """Changes that show between two places, as (start, end, change)."""
        for place in range(max(0, self._segment(at)), len(self._bounds) - 1):
            start, stop = max(at, self._bounds[place]), min(end, self._bounds[place + 1])
            if self._bounds[place] >= end:
                return
            if start < stop and self._owners[place] >= 0:
                yield start, stop, self._changes[self._owners[place]]


def replay(file: ImageFile, offset: int, length: int, identity: uuid.UUID) -> Replayed:
    """The file with the newest sequence of its log (``length`` bytes at ``offset``) laid over it.

    ``LabError``: 900327 no valid sequence, 900328 a log larger than this reader takes on, 900314 a file shorter than
    the log says it was.
    """
    if length > MAX_LENGTH:
        raise LabError(900328, path=file.path, found=length, limit=MAX_LENGTH)
    entries = _Log(file, offset, length, identity).newest()
    if not entries:
        raise LabError(900327, path=file.path)
    head = entries[-1]
    checks.fits(file.path, Part(0, head.flushed, "log entry: flushed file offset"), file.length)
    return Replayed(file, [change for entry in entries for change in entry.changes], head.last)


def holds_entries(file: ImageFile, offset: int, length: int) -> bool:
    """Whether anything in a log looks like an entry; a log larger than this reader takes on counts as holding some."""
    if length > MAX_LENGTH:
        return True
    return any(file.read(offset + at, 4, "log") == b"loge" for at in range(0, length, SECTOR))


class _Log:
    """A ring of entries, each of whole sectors of 4 KiB; an entry may go on at the beginning of the ring."""

    def __init__(self, file: ImageFile, offset: int, length: int, identity: uuid.UUID) -> None:
        self._file, self._offset, self._length, self._identity = file, offset, length, identity
        self._entries: dict[int, Entry | None] = {}
        self._effort = 0
        self._descriptors = 0

    def newest(self) -> list[Entry]:
        """The entries of the newest sequence that is whole, oldest first, from the newest entry's tail on."""
        best: list[Entry] = []
        start = 0
        while start < self._length:
            run = self._run(start)
            tail = next((place for place, entry in enumerate(run) if entry.at == run[-1].tail), None)
            if tail is None:
                start += SECTOR
                continue
            if not best or run[-1].sequence > best[-1].sequence:
                best = run[tail:]
            start = max(start + SECTOR, run[-1].at + run[-1].length) if run[-1].at >= start else self._length
        return best

    def _run(self, start: int) -> list[Entry]:
        """Entries that follow each other from a place on, their numbers rising by one."""
        run: list[Entry] = []
        total, at = 0, start
        while total < self._length:
            entry = self._entry(at)
            if entry is None or (run and entry.sequence != run[-1].sequence + 1):
                break
            run.append(entry)
            total += entry.length
            at = (at + entry.length) % self._length
        return run if total <= self._length else run[:-1]

    def _entry(self, at: int) -> Entry | None:
        self._spend(ENTRY.size)
        if at not in self._entries:
            self._entries[at] = self._parse(at)
        return self._entries[at]

    def _parse(self, at: int) -> Entry | None:
        fields = ENTRY.unpack(self._read(at, ENTRY.size))
        mark, check, length, tail, sequence, count, _, identity, flushed, last = fields
        whole = SECTOR <= length <= self._length and not length % SECTOR and not tail % SECTOR and tail < self._length
        ours = mark == b"loge" and identity == self._identity.bytes_le and sequence > 0
        if not (whole and ours and ENTRY.size + count * DESCRIPTOR.size <= length):
            return None
        self._spend(length)
        raw = self._read(at, length)
        if vhdx_layout.counted(raw) != check:
            return None
        changes = self._changes(raw, sequence, count)
        return None if changes is None else Entry(at, length, tail, sequence, flushed, last, changes)

    def _changes(self, raw: bytes, sequence: int, count: int) -> list[Change] | None:
        """What an entry changes; None if one of its descriptors or sectors does not belong to it."""
        self._descriptors += count
        if self._descriptors > MAX_DESCRIPTORS:
            raise LabError(900328, path=self._file.path, found=self._descriptors, limit=MAX_DESCRIPTORS)
        at = -(-(ENTRY.size + count * DESCRIPTOR.size) // SECTOR) * SECTOR
        changes: list[Change] = []
        for mark, end, start, place, number in DESCRIPTOR.iter_unpack(raw[ENTRY.size :][: count * DESCRIPTOR.size]):
            if number != sequence or place % SECTOR or mark not in (b"desc", b"zero"):
                return None
            if mark == b"zero":
                length = int.from_bytes(start, "little")
                if length % SECTOR:
                    return None
                changes.append(Change(place, length, None))
                continue
            if at + SECTOR > len(raw):
                return None
            data, high, middle, low = DATA.unpack_from(raw, at)
            if data != b"data" or (high << 32 | low) != sequence:
                return None
            changes.append(Change(place, SECTOR, start + middle + end))
            at += SECTOR
        return changes

    def _read(self, at: int, length: int) -> bytes:
        first = min(length, self._length - at)
        data = self._file.read(self._offset + at, first, "log")
        return data + self._file.read(self._offset, length - first, "log") if length > first else data

    def _spend(self, count: int) -> None:
        self._effort += count
        limit = _EFFORT * self._length + MAX_LENGTH // 4
        if self._effort > limit:
            raise LabError(900328, path=self._file.path, found=self._effort, limit=limit)
