"""Disk images from elsewhere: ``open_image(path)`` reads raw files, VHD and VHDX of every kind through one interface.

    with open_image("files.vhdx") as image:
        for number, data in image.blocks():
            ...

What is in a file decides which format it has, and its suffix must not contradict that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from labkit.disks import vhd, vhdx
from labkit.disks.chain import Chain
from labkit.disks.imagefile import ImageFile
from labkit.disks.reading import Extent, Image, Piece
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _

__all__ = ["FORMATS", "Extent", "Image", "RawImage", "open_image"]

FORMATS = ("raw", "vhd", "vhdx")
_SECTOR = 512
_SUFFIXES = {".vhd": "vhd", ".avhd": "vhd", ".vhdx": "vhdx", ".avhdx": "vhdx"}
# Other formats' first bytes: taken for raw they would make a disk nobody meant.
_FOREIGN = {
    b"QFI\xfb": "QCOW2",
    b"KDMV": "VMDK",
    b"COWD": "VMDK",
    b"# Disk DescriptorFile": "VMDK",
    b"<<< ": "VDI",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "ZIP",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}


class RawImage(Image):
    """The bytes of a disk and nothing else; a length that is no multiple of 512 is filled up with zeros."""

    container, kind = "raw", "raw"

    def __init__(self, file: ImageFile) -> None:
        super().__init__(file)
        if not file.length:
            raise LabError(900314, path=file.path, field="data", needed=1, length=0)
        self.size = -(-file.length // _SECTOR) * _SECTOR
        if self.size > file.length:
            text = _("{path}: {count} zeros were added, for a disk is made of whole sectors of 512 bytes.")
            self.own_warnings.append(text.format(path=file.path, count=self.size - file.length))

    def pieces(self, offset: int, length: int) -> Iterator[Piece]:
        """See ``Image.pieces``."""
        inside = min(length, self.file.length - offset)
        if inside > 0:
            yield Piece(inside, self.file, offset)
        if inside < length:
            yield Piece(length - max(0, inside), None)


def open_image(path: str | Path, *, format: str | None = None, parent_folders: Iterable[str | Path] = ()) -> Image:
    """Open a disk image for reading, checked as far as its format allows; a context manager.

    ``format``: "raw", "vhd" or "vhdx" if the file itself is not to decide. Parents of differencing images are looked
    for in the child's folder and in ``parent_folders``, never elsewhere. The file is not changed, its log neither.

    ``LabError``: 900310 no regular file, 900311 the system cannot read it, 900312 and 900313 not the format it should
    be, 900314-900329 a damaged or unknown structure, 900330-900337 its parents, 900340 unknown ``format``.
    """
    if format is not None and format not in FORMATS:
        raise LabError(900340, found=format, formats=", ".join(FORMATS))

    def opened(path: Path, chain: Chain, format: str | None = None) -> Image:
        file = ImageFile(path)
        try:
            chain.enter(file)
            return _OPENERS[format or _format_of(file)](file, chain)
        except BaseException:
            file.close()
            raise

    return opened(Path(path), Chain(opened, map(Path, parent_folders)), format)


def _format_of(file: ImageFile) -> str:
    expected = _SUFFIXES.get(file.path.suffix.lower())
    found = "vhdx" if vhdx.is_vhdx(file) else "vhd" if vhd.is_vhd(file) else "raw"
    if found == "raw":
        head = file.read(0, min(128, file.length), "beginning of the file")
        for mark, name in _FOREIGN.items():
            if head.startswith(mark):
                raise LabError(900313, path=file.path, found=name)
    if expected and found != expected:
        raise LabError(900312, path=file.path, expected=expected, found=found)
    return found


def _raw(file: ImageFile, chain: Chain) -> Image:
    return RawImage(file)


_OPENERS: dict[str, Callable[[ImageFile, Chain], Image]] = {"raw": _raw, "vhd": vhd.open_vhd, "vhdx": vhdx.open_vhdx}
