"""Parents of differencing images: which file it is, that it is the right one, and that the chain ends.

A differencing file names its parent by paths of the computer it was made on. They are looked up by file name and by
relative path in the folder of the child and in the folders the caller names, and nowhere else: an image from elsewhere
must not make a program read files its owner did not mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PureWindowsPath
from typing import Any

from labkit.disks.imagefile import ImageFile
from labkit.disks.reading import Image
from labkit.engine.errors import LabError

MAX_DEPTH = 64

Opener = Callable[[Path, "Chain"], Image]


class Chain:
    """The files opened so far, from the child down, and how to open the next."""

    def __init__(self, opener: Opener, folders: Iterable[Path] = ()) -> None:
        self._open = opener
        self._folders = [Path(folder) for folder in folders]
        self._seen: dict[tuple[int, int], Path] = {}

    def enter(self, file: ImageFile) -> None:
        """Count a file in; ``LabError`` 900331 if it is in the chain already, 900332 if the chain is too long."""
        if file.identity in self._seen:
            raise LabError(900331, path=file.path, first=next(iter(self._seen.values())))
        if len(self._seen) == MAX_DEPTH:
            raise LabError(900332, path=file.path, first=next(iter(self._seen.values())), limit=MAX_DEPTH)
        self._seen[file.identity] = file.path

    def parent(self, child: Image, names: list[str], check: Callable[[Image], None]) -> Image:
        """Open the parent that ``names`` (Windows paths) tell of; ``check(parent)`` raises if it is another disk.

        ``LabError`` 900330 no such file, 900334 another format, 900335 another sector size.
        """
        tried = list(self._candidates(child.file.path, names))
        path = next((path for path in tried if _is_file(path)), None)
        if path is None:
            shown = ", ".join(map(str, tried)) or "-"
            raise LabError(900330, path=child.file.path, names=", ".join(filter(None, names)) or "-", tried=shown)
        parent = self._open(path, self)
        try:
            details: dict[str, Any] = {"path": child.file.path, "parent": path}
            if parent.container != child.container:
                raise LabError(900334, **details, found=parent.container, expected=child.container)
            check(parent)
            if parent.sector_size != child.sector_size:
                raise LabError(900335, **details, found=parent.sector_size, expected=child.sector_size)
        except BaseException:
            parent.close()
            raise
        return parent

    def _candidates(self, child: Path, names: list[str]) -> Iterator[Path]:
        """Files to look for, the likeliest first, each once; never outside the folders that are allowed."""
        folders = [child.parent, *self._folders]
        seen: set[Path] = set()
        for relative in (path for name in names for path in _relative(name)):
            for folder in folders:
                path = folder / relative
                if path not in seen and _inside(path, folder):
                    seen.add(path)
                    yield path


def _relative(name: str) -> Iterator[Path]:
    """The relative path a name is, if it is one, and its last part alone; nothing for what cannot be a file's name."""
    windows = PureWindowsPath(name)
    if "\0" in name or windows.name in ("", ".", ".."):
        return
    if not windows.drive and not windows.root:
        yield Path(*windows.parts)
    yield Path(windows.name)


def _inside(path: Path, folder: Path) -> bool:
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):  # loops of links, names the system does not take
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name the system does not take
        return False
