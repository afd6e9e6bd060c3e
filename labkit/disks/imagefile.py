"""Files that are read but not trusted: regular files only, every read checked for shortness, tables read in pages."""

from __future__ import annotations

import errno
import os
import stat
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from labkit.disks.checks import Part, fits
from labkit.engine.errors import LabError

# Absent where the system does not know holes (Windows): then all of a file is data.
_SEEK_DATA: int | None = getattr(os, "SEEK_DATA", None)
_SEEK_HOLE: int | None = getattr(os, "SEEK_HOLE", None)


class ImageFile:
    """One regular file opened for reading; not to be shared by threads.

    ``length``: bytes it had when it was opened. ``identity``: device and file number, the same for every name of it.
    ``LabError`` 900310 for what is not a regular file (opening a pipe would wait for ever) or cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                raise LabError(900310, path=path, reason="not a regular file")
            self._file = path.open("rb", buffering=0)
        except (OSError, ValueError) as error:
            raise LabError(900310, path=path, reason=getattr(error, "strerror", None) or str(error)) from error
        found = os.fstat(self._file.fileno())
        self.length = found.st_size
        self.identity = (found.st_dev, found.st_ino)

    def read(self, at: int, length: int, field: str) -> bytes:
        """``length`` bytes from ``at`` on; 900314 if the file ends before, without allocating anything."""
        fits(self.path, Part(at, length, field), self.length)
        data = bytearray(length)
        self.readinto(at, memoryview(data), field)
        return bytes(data)

    def readinto(self, at: int, view: memoryview, field: str = "data") -> None:
        """Fill ``view`` from ``at`` on; ``LabError`` 900314 if the file ends before, 900311 if the system fails."""
        fits(self.path, Part(at, len(view), field), self.length)
        end = at + len(view)
        try:
            self._file.seek(at)
            while len(view):
                count = self._file.readinto(view)
                if not count:  # shorter than when it was opened
                    found = os.fstat(self._file.fileno()).st_size
                    raise LabError(900314, path=self.path, field=field, needed=end, length=found)
                view = view[count:]
        except OSError as error:
            raise LabError(900311, path=self.path, field=field, reason=error.strerror or str(error)) from error

    def ranges(self, at: int, length: int) -> Iterator[tuple[int, int, bool]]:
        """The bytes from ``at`` on, in order, as ``(at, length, whether they are data)``; what is no data is a hole."""
        end = at + length
        while at < end:
            data = min(self._seek(at, _SEEK_DATA, at), end)
            if data > at:
                yield at, data - at, False
            if data < end:
                # A file system that knows no end of the data would keep us here for ever.
                hole = min(self._seek(data, _SEEK_HOLE, end), end)
                hole = hole if hole > data else end
                yield data, hole - data, True
                data = hole
            at = data

    def is_hole(self, at: int, length: int) -> bool:
        """Whether a part of the file is known to hold nothing but zeros, without reading it."""
        return next(self.ranges(at, length), (at, 0, False)) == (at, length, False)

    def close(self) -> None:
        """Close the file; closing twice does no harm."""
        self._file.close()

    def _seek(self, at: int, whence: int | None, otherwise: int) -> int:
        if whence is None:
            return otherwise
        try:
            return os.lseek(self._file.fileno(), at, whence)
        except OSError as error:
            # No data from here to the end of the file; any other complaint means that holes are not known.
            return self.length if error.errno == errno.ENXIO and whence == _SEEK_DATA else otherwise


class Table:
    """A table of numbers in a file, read in pages of 512 KiB of which a few are kept: its size costs no memory.

    ``dtype``: as in the file (``">u4"``, ``"<u8"``); entries come in the machine's own byte order. The caller has
    checked that the table lies in the file.
    """

    _PAGE_BYTES, _KEPT = 1 << 19, 8

    def __init__(self, file: ImageFile, at: int, count: int, dtype: str, field: str) -> None:
        self._file, self._at, self.count, self._field = file, at, count, field
        self._stored = np.dtype(dtype)
        self._per_page = self._PAGE_BYTES // self._stored.itemsize
        self._pages: OrderedDict[int, npt.NDArray[Any]] = OrderedDict()
        self._nothing = np.zeros(self._per_page, self._stored.newbyteorder("="))

    def entries(self, first: int, count: int) -> npt.NDArray[Any]:
        """``count`` entries from ``first`` on, fewer where the table ends; not to be written to."""
        count = min(count, self.count - first)
        parts = []
        while count > 0:
            page, within = divmod(first, self._per_page)
            part = self._page(page)[within : within + count]
            parts.append(part)
            first, count = first + len(part), count - len(part)
        return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else self._nothing[:0]

    def pages(self, *, holes: bool = True) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        """All pages as ``(number of the first entry, entries)``; ``holes=False`` leaves out those that are holes."""
        for page in range(-(-self.count // self._per_page)):
            found = self._page(page)
            if holes or found.base is not self._nothing:
                yield page * self._per_page, found

    def _page(self, page: int) -> npt.NDArray[Any]:
        kept = self._pages.get(page)
        if kept is not None:
            self._pages.move_to_end(page)
            return kept
        first = page * self._per_page
        count = min(self._per_page, self.count - first)
        at, length = self._at + first * self._stored.itemsize, count * self._stored.itemsize
        if self._file.is_hole(at, length):
            found = self._nothing[:count]
        else:
            raw = np.frombuffer(self._file.read(at, length, self._field), self._stored)
            found = raw.astype(raw.dtype.newbyteorder("="))
        self._pages[page] = found
        if len(self._pages) > self._KEPT:
            self._pages.popitem(last=False)
        return found
