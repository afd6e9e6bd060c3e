"""Tables of a lab as pandas frames, for notebooks and reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.engine.texts import gettext as _
from labkit.views import events, titles

if TYPE_CHECKING:
    import pandas as pd

    from labkit.lab import Lab


def failovers(lab: Lab) -> pd.DataFrame:
    """One row per switch, oldest first; the columns of :class:`labkit.lab.views.Failover`."""
    import pandas as pd

    from labkit.lab.failoverviews import Failover

    return pd.DataFrame(lab.vault.failovers, columns=list(Failover._fields))


def items(lab: Lab) -> pd.DataFrame:
    """One row per protected VM, in the words of the portal's list (rules 2.8-3 and 3.4-3).

    Columns ``vm``, ``active`` (the cloud, the recovery cloud, or Microsoft Azure), ``replication``, ``size``,
    ``failover`` ("" before initial replication is done).
    """
    import pandas as pd

    rows = [
        (
            vm,
            titles.location(item),
            _(item["status"]) if item["status"] else _(item["description"]),
            item["size"],
            _(item["failover"]) if item["failover"] else "",
        )
        for vm, item in lab.status()["items"].items()
    ]
    return pd.DataFrame(rows, columns=["vm", "active", "replication", "size", "failover"])


def replication(lab: Lab) -> pd.DataFrame:
    """One row per replicated VM: health and statistics, the columns of ``labkit.replication.statistics.Statistics``."""
    import pandas as pd

    from labkit.replication.statistics import Statistics

    found = lab.status()
    names = [name for name, item in found["items"].items() if item["replication"] is not None]
    names += [name for name, replica in found["replicas"].items() if replica["state"] != "FailedOver"]
    columns = list(Statistics.__struct_fields__)
    rows = [[getattr(one, column) for column in columns] for one in (lab.site.replication(vm) for vm in names)]
    return pd.DataFrame(rows, columns=columns)


def alerts(lab: Lab) -> pd.DataFrame:
    """One row per alert, oldest first: ``vm``, ``time`` (ISO 8601), ``health``, and why in words (``text``)."""
    import pandas as pd

    rows = [
        (alert.vm, alert.time, alert.health, ", ".join(events.reason(code) for code in alert.reasons))
        for alert in lab.alerts
    ]
    return pd.DataFrame(rows, columns=["vm", "time", "health", "text"])


def meter(lab: Lab, prices: str = "usd") -> pd.DataFrame:
    """The running meter: one row per day, item and VM; the columns of :class:`labkit.lab.costs.MeterRow`."""
    import pandas as pd

    from labkit.lab.costs import MeterRow

    return pd.DataFrame(lab.azure.meter(prices), columns=list(MeterRow._fields))


def costs_by_day(lab: Lab, prices: str = "usd") -> pd.DataFrame:
    """Dollars by day (rows, ISO dates) and component (columns) of what has a price, and ``total``."""
    table = meter(lab, prices).fillna({"dollars": 0.0})
    found = table.pivot_table(index="day", columns="component", values="dollars", aggfunc="sum", fill_value=0.0)
    found["total"] = found.sum(axis=1)
    return found


def bills(lab: Lab, prices: str = "usd") -> pd.DataFrame:
    """One row per month and component: ``month, component, quantity, dollars, yen``; NaN where nothing prices it."""
    import pandas as pd

    rows = [
        (month, name, one.quantity, one.dollars, one.yen)
        for month, bill in lab.azure.bills(prices).items()
        for name, one in bill.components.items()
    ]
    return pd.DataFrame(rows, columns=["month", "component", "quantity", "dollars", "yen"])


def leftovers(lab: Lab) -> pd.DataFrame:
    """What still runs, costs, or is in the way; the columns of :class:`labkit.lab.costs.LeftoverView`."""
    import pandas as pd

    from labkit.lab.costs import LeftoverView

    return pd.DataFrame(lab.leftovers(), columns=list(LeftoverView._fields))


def event_log(lab: Lab, vm: str | None = None) -> pd.DataFrame:
    """The host's event log of replication: ``at`` (ISO 8601), ``id``, ``level``, ``vm``, ``text``, ``details``."""
    import pandas as pd

    rows = []
    for event in lab.site.event_log(vm):
        text = events.headline({**event.details, "kind": event.kind, "entity": event.vm, "at": event.at})
        rows.append((lab.show_instant(event.at), event.id, event.level, event.vm, text, event.details))
    table = pd.DataFrame(rows, columns=["at", "id", "level", "vm", "text", "details"])
    return table.astype({"id": "Int64"})


def reach(lab: Lab) -> pd.DataFrame:
    """Who reaches whom by Remote Desktop or SSH, each client with each VM as the client would name it.

    Columns ``client``, ``target``, ``port``, ``reached``, ``reason`` (in words), ``path``, ``conflict``: names of the
    machines that stand under one name on the corporate network (rule 3.5-3).
    """
    import pandas as pd

    from labkit.recovery import reach as reaching

    rows = [
        (
            pair.client,
            pair.target,
            pair.port,
            pair.answer.reached,
            pair.answer.words,
            " > ".join(pair.answer.path),
            ", ".join(pair.answer.conflict),
        )
        for pair in lab.read(reaching.pairs)
    ]
    return pd.DataFrame(rows, columns=["client", "target", "port", "reached", "reason", "path", "conflict"])
