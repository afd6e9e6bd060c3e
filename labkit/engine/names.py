"""Names that are not there: the nearest one somebody may have meant, and the refusal that tells it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _

_LONGEST_COMPARED, _MOST_SHOWN = 80, 12


def nearest(found: object, known: Iterable[str]) -> str | None:
    """The known name somebody probably meant, whatever its case; ``None`` when nothing is near.

    >>> nearest("mywsv1", ["MYBSD01", "MYWSV01"])
    'MYWSV01'
    """
    words = {word.casefold(): word for word in known}
    close = difflib.get_close_matches(str(found).casefold()[:_LONGEST_COMPARED], words, n=1)
    return words[close[0]] if close else None


def meant(found: object, known: Iterable[str]) -> str:
    """ "Did you mean ...?" in the language of the session, or nothing."""
    guess = nearest(found, known)
    return _("Did you mean '{name}'?").format(name=guess) if guess else ""


def unknown(kind: str, found: object, known: Iterable[str]) -> LabError:
    """The refusal of a name that is not there: 900010 with the names there are, and the nearest one."""
    names = list(known)
    shown = ", ".join(names[:_MOST_SHOWN]) + (", ..." if len(names) > _MOST_SHOWN else "")
    return LabError(
        900010, kind=kind, found=found, choices=shown or _("(there is none yet)"), meant=meant(found, names)
    )
