"""Widgets for JupyterLab: views of a lab that move while its clock plays, and the clock's own bar.

>>> from labkit import portal                                                  # doctest: +SKIP
>>> view = portal.watch(lab)                                                   # doctest: +SKIP
>>> view                                                                       # doctest: +SKIP
"""

from __future__ import annotations

from labkit.portal.views import (
    churn_chart,
    clock_bar,
    cost_chart,
    job_chart,
    recovery_points,
    rpo_chart,
    site_map,
    watch,
)
from labkit.portal.views import open_portal as open  # noqa: A004 - labkit.open is beside it
from labkit.portal.widget import View

__all__ = [
    "View",
    "churn_chart",
    "clock_bar",
    "cost_chart",
    "job_chart",
    "open",
    "recovery_points",
    "rpo_chart",
    "site_map",
    "watch",
]
