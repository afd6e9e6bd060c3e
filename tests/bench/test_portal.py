"""``bench portal``: what is measured, how rows come of it, and what is said where it cannot run."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from labkit import bench
from labkit.bench import portal
from labkit.bench.portal import Span
from labkit.engine.errors import LabError


def test_the_benchmarks_site() -> None:
    """50 VMs of 40 GB writing 1 MB/s, every 5 minutes, over 1 Gbit/s; the line grows with the VMs."""
    site = portal.site()
    assert (len(site.vms), site.cloud.frequency, site.line.bandwidth) == (50, 300_000, 10**9)
    assert {disk.churn.rate for vm in site.vms for disk in vm.disks if disk.churn} == {1_000_000}
    assert portal.site(200).line.bandwidth == 4 * 10**9


def test_what_counts_is_the_difference() -> None:
    """Median of the rounds' differences, goal / measured; of the clicks the slowest of the medians by kind."""
    bare = Span(4.0, 100.0, 0.0, 600.0, [])
    shares, clicks = (5.0, 6.0, 99.0), ([10.0, 40.0], [20.0, 50.0], [900.0, 60.0])
    shown = [Span(share, 10_100.0, 4.9, 590.0, told) for share, told in zip(shares, clicks, strict=True)]
    rows = {row.name: row for row in portal.rows([(bare, one) for one in shown])}
    first, second, third, *others = rows.values()
    assert (first.name, first.rate, first.reference, first.ratio) == ("portal, Jupyter kernel", 2.0, 3.0, 1.5)
    assert (second.rate, second.unit, second.ratio) == (10_000.0, "bytes/s", 5.0)
    assert (third.rate, third.unit, third.ratio) == (50.0, "ms", 2.0)
    assert [row.rate for row in others] == [4.0, 4.9, 600.0, 590.0]
    assert all(row.ratio is None and row.reference is None for row in others)


def test_a_difference_that_cannot_be_seen_is_not_endless() -> None:
    """Noise may make the run with views the cheaper one: the ratio is then that of the least that can be told."""
    pair = Span(4.0, 100.0, 0.0, 600.0, []), Span(3.5, 90.0, 4.9, 600.0, [10.0])
    first, second, *_others = portal.rows([pair])
    assert (first.rate, first.ratio) == (0.05, pytest.approx(60))
    assert (second.rate, second.ratio) == (1.0, pytest.approx(50_000))


def test_it_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """900711 without Chromium or Playwright, 900703 without JupyterLab; before anything else is measured."""
    there = importlib.util.find_spec

    def without(package: str) -> None:
        def found(name: str, *more: Any) -> Any:
            return None if name == package else there(name, *more)

        monkeypatch.setattr(importlib.util, "find_spec", found)

    monkeypatch.setenv("PATH", "")
    with pytest.raises(LabError, match=r"900711.*Chromium.*not installed"):
        bench.run("portal")
    without("playwright")
    with pytest.raises(LabError, match=r"900711.*Playwright"):
        bench.run("portal")
    without("jupyterlab")
    with pytest.raises(LabError, match="900703"):
        bench.run("portal")
