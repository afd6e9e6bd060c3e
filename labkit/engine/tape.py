"""Long recordings in a lab file: parts in order, written once when the lab is made, read a few at a time.

The table is made with the first recording, so that labs without one (those of earlier versions, too) do without it.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

from labkit.engine.store import Store

_TABLE = (
    "CREATE TABLE IF NOT EXISTS tapes (tape INTEGER, part INTEGER, first INTEGER NOT NULL, last INTEGER NOT NULL,"
    " body BLOB NOT NULL, PRIMARY KEY (tape, part))"
)


class Part(NamedTuple):
    """Where a part of a tape is in its time: numbers of its first and its last instant, both included."""

    part: int
    first: int
    last: int


def write(store: Store, tape: int, part: Part, body: bytes) -> None:
    """Keep one part of a tape, in a transaction of its own."""
    packed = zlib.compress(body, 1)
    with store.writing():
        store.write(_TABLE)
        store.write("INSERT INTO tapes VALUES (?, ?, ?, ?, ?)", (tape, *part, packed))


def parts(store: Store, tape: int) -> list[Part]:
    """Where all parts of a tape are, in order; none of a tape that is not there."""
    if not store.rows("SELECT 1 FROM sqlite_master WHERE name = 'tapes'"):
        return []
    return [
        Part(*row) for row in store.rows("SELECT part, first, last FROM tapes WHERE tape = ? ORDER BY part", (tape,))
    ]


def read(store: Store, tape: int, part: int) -> bytes:
    """What a part holds; ``LookupError`` when it is not there."""
    found = store.rows("SELECT body FROM tapes WHERE tape = ? AND part = ?", (tape, part))
    if not found:
        raise LookupError(f"part {part} of tape {tape} is missing")
    return zlib.decompress(found[0][0])
