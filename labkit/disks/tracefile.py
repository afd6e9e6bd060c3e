"""Trace files as lines and rows of text: opened, unpacked, decoded, and told apart by their first line.

A file may be gzip-compressed; its text UTF-8, UTF-16 or, as Windows in Japanese writes it, code page 932. It is read
line by line, so that a file of any length takes the same memory.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

from labkit.disks.trace import BLOCKS, COUNTERS
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _

COLUMNS = ("Timestamp", "Hostname", "DiskNumber", "Type", "Offset", "Size", "ResponseTime")
_GZIP = b"\x1f\x8b"
_LONGEST_LINE = 1 << 20  # a log of many counters has headers of many thousand characters
_HEAD, _READ, _SHOWN, _DIGITS = 1 << 16, 1 << 16, 60, 18
ROWS = 8_192  # looked at in one go
_CELLS = 1 << 16

Row = list[str]


class Lines:
    """The rows of an open trace file. ``format``: BLOCKS or COUNTERS; ``header``: of counters, the first row."""

    def __init__(self, path: Path, raw: BinaryIO, text: io.TextIOWrapper) -> None:
        self.path, self._raw, self._text = path, raw, text
        self._rows = csv.reader(self._lines(), skipinitialspace=True, strict=True)
        self._number = 0
        self._before: list[Row] = []
        self.header: Row = []
        self.format = self._recognised()

    @property
    def position(self) -> int:
        """Bytes of the file that were read."""
        return self._raw.tell()

    def batches(self) -> Iterator[tuple[int, list[Row]]]:
        """All rows but a header, many at a time, with the number of the line of the first; empty ones are ``[]``."""
        count = max(1, min(ROWS, _CELLS // max(1, len(self.header))))
        while True:
            first = self._number + 1 - len(self._before)
            rows, self._before = [*self._before, *self._take(count)], []
            if not rows:
                return
            yield first, rows

    def _take(self, count: int) -> list[Row]:
        """The next rows, ``count`` at most; 900367 for what is no text, 900361 for a file that is damaged."""
        rows: list[Row] = []
        try:
            rows.extend(islice(self._rows, count))
        except (csv.Error, UnicodeError):
            raise LabError(900367, path=self.path, line=self._number + len(rows) + 1) from None
        except (OSError, EOFError, zlib.error) as error:
            raise LabError(900361, path=self.path, reason=_reason(error)) from None
        self._number += len(rows)
        return rows

    def _lines(self) -> Iterator[str]:
        begun = ""
        while some := self._text.read(_READ):
            lines = (begun + some).split("\n")
            begun = lines.pop()
            if len(begun) > _LONGEST_LINE:
                raise csv.Error("the line is too long")
            yield from lines
        if begun:
            yield begun

    def _recognised(self) -> str:
        row = self._first()
        if row[0].startswith("(PDH-CSV"):
            self.header = row
            return COUNTERS
        if [cell.strip().casefold() for cell in row] == [name.casefold() for name in COLUMNS]:
            return BLOCKS
        if len(row) == len(COLUMNS) and row[0].isdecimal():
            self._before = [row]
            return BLOCKS
        raise LabError(900362, path=self.path, found=f"'{shown(','.join(row))}'")

    def _first(self) -> Row:
        """The first row that is not empty."""
        try:
            while rows := self._take(1):
                if rows[0]:
                    return rows[0]
        except LabError as error:
            if error.code != 900367:
                raise
            raise LabError(900362, path=self.path, found=_("no text")) from None
        raise LabError(900362, path=self.path, found=_("an empty file"))


def shown(text: str) -> str:
    """A text of the file as it may be shown in one line."""
    plain = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text[:_SHOWN])
    return plain + ("…" if len(text) > _SHOWN else "")


def whole(column: tuple[str, ...] | list[str]) -> bool:
    """Whether all cells are whole numbers of at most 18 digits, which is what 64 bits hold."""
    joined = "".join(column)
    return joined.isascii() and joined.isdecimal() and all(column) and max(map(len, column)) <= _DIGITS


@contextmanager
def opened(path: Path) -> Iterator[Lines]:
    """The rows of a trace file; 900360 it cannot be read, 900361 damaged, 900362 no trace."""
    try:
        raw = path.open("rb")
    except (OSError, ValueError) as error:
        raise LabError(900360, path=path, reason=_reason(error)) from None
    with raw:
        try:
            body: BinaryIO = raw
            if raw.read(2) == _GZIP:
                raw.seek(0)
                body = cast("BinaryIO", gzip.GzipFile(fileobj=raw))
            body.seek(0)
            head = body.read(_HEAD)
            body.seek(0)
        except (OSError, EOFError, zlib.error) as error:
            raise LabError(900361, path=path, reason=_reason(error)) from None
        text = io.TextIOWrapper(body, encoding=_encoding(head), newline="")
        try:
            yield Lines(path, raw, text)
        finally:
            text.detach()


def _encoding(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:  # what was looked at may end within a letter
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < _HEAD)
    except UnicodeDecodeError:
        return "cp932"
    return "utf-8-sig"


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).rstrip(".")
