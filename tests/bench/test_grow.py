"""``bench --grow``: what is measured, of which loads, and what the chart holds."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from labkit.bench import grow, grow_chart
from labkit.bench.grow import Grown, Load
from labkit.engine.errors import LabError


def test_what_is_written_does_not_depend_on_the_size_of_the_disk() -> None:
    """Along the axis of disks only their size changes: the part that is written to is 2 GB of any."""
    for size in grow.AXES["disk"]:
        (disk,) = grow.site(Load(disk=size)).vms[0].disks
        assert disk.churn is not None
        assert disk.size * disk.churn.hot_permille // 1000 == pytest.approx(2 << 30, rel=0.001)
    assert all(getattr(grow.BASE, axis) in values for axis, values in grow.AXES.items())


def test_points_are_measured() -> None:
    """Two small axes that share a load: it is played once a round, in processes of their own."""
    told: list[tuple[int, int]] = []
    base = Load(vms=1, disk=20, hours=1, churn=100)
    axes = {"vms": (1, 3), "hours": (1, 2)}
    points = grow.run(axes, base=base, rounds=1, tell=lambda done, total: told.append((done, total)))
    assert [(point.axis, point.vms, point.hours) for point in points] == [
        ("vms", 1, 1), ("vms", 3, 1), ("hours", 1, 1), ("hours", 1, 2),
    ]  # fmt: skip
    assert told == [(1, 3), (2, 3), (3, 3)]
    for point in points:
        assert point.cycles_per_s > 0
        assert point.created > 0
        assert point.file >= 1 << 18
        assert 1 << 20 < point.memory < 1 << 30
        assert point.memory_per_vm == point.memory / point.vms
        assert point.file_per_vm_day == pytest.approx(point.file / point.vms / point.hours * 24)
    assert points[0]._replace(axis="hours") == points[2]


def _points() -> list[Grown]:
    found = []
    for axis, values in grow.AXES.items():
        for value in values:
            load = grow.BASE._replace(**{axis: value})
            file, memory = load.vms * load.hours * 20_000.0, load.vms * 1e6
            found.append(
                Grown(axis, load.vms, load.disk << 30, load.hours, load.churn * 1000, 4e4, 1.0, file, 1.0, memory, 1e6)
            )
    return found


def test_the_chart_stands_for_itself(tmp_path: Path) -> None:
    """SVG and PNG; in the SVG no address but namespaces, a name for screen readers, the same file each time."""
    path = tmp_path / "grow.svg"
    grow_chart.write(_points(), path)
    text = path.read_text("utf-8")
    root = ET.fromstring(text)
    assert (root.get("role"), root.get("aria-label")) == ("img", "How cost grows")
    assert {address.split("/")[2] for address in re.findall(r"https?://[^\"'<> ]*", text)} == {"www.w3.org"}
    grow_chart.write(_points(), path)
    assert path.read_text("utf-8") == text
    grow_chart.write(_points(), tmp_path / "grow.png")
    assert (tmp_path / "grow.png").read_bytes().startswith(b"\x89PNG")


def test_every_panel_shows_all_of_its_line() -> None:
    """A row per measure from zero to beyond its highest point, a column per axis with its unit in the label."""
    figure = grow_chart.draw(_points())
    panels = figure.axes
    assert len(panels) == 12
    for panel in panels:
        (line,) = panel.get_lines()
        low, high = panel.get_ylim()
        left, right = panel.get_xlim()
        assert low == 0
        assert max(float(y) for y in line.get_ydata()) < high
        assert all(left < float(x) < right for x in line.get_xdata())
    assert [panel.get_xlabel() for panel in panels[-4:]] == [
        "VMs", "size of each disk (GB)", "virtual time (h)", "written by each VM (MB/s)",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["grow.gif", "grow", "nowhere/grow.svg", ""])
def test_a_chart_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    """900709 before anything is measured."""
    with pytest.raises(LabError, match="900709"):
        grow_chart.check(tmp_path / name)
