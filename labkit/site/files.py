"""Other files that a site file names by their paths."""

from __future__ import annotations

from pathlib import Path

from labkit.engine.texts import gettext as _
from labkit.site.kinds import Report, describe, show
from labkit.site.records import Values
from labkit.site.yamltext import Scalar


def found(text: str) -> str:
    """A text of the file as a fault shows it."""
    return describe(Scalar(0, text, "str"))


def path_of(values: Values, key: str, folder: Path | None, report: Report, allowed: str) -> Path | None:
    """The file whose path stands under a key, relative to ``folder``; ``None`` after a fault was reported."""
    said = values[key]
    path = Path(said)
    if not path.is_absolute():
        if folder is None:
            report.add(*values.where(key), found(said), _("an absolute path, for this text lies in no folder"))
            return None
        path = folder / path
    try:
        path = path.resolve()
        there = path.is_file()
    except (OSError, ValueError):
        there = False
    if not there:
        text = _("{name}, which is no file there ({path})").format(name=found(said), path=show(str(path)))
        report.add(*values.where(key), text, allowed)
        return None
    return path
