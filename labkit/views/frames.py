"""Tables of a lab as pandas frames, for notebooks and reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from labkit.lab import Lab


def failovers(lab: Lab) -> pd.DataFrame:
    """One row per switch, oldest first; the columns of :class:`labkit.lab.views.Failover`."""
    import pandas as pd

    from labkit.lab.views import Failover

    return pd.DataFrame(lab.vault.failovers, columns=list(Failover._fields))
