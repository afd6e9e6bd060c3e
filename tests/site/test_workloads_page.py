"""docs/workloads.md: its site files and its trace files are what a lab takes."""

from __future__ import annotations

import re
from pathlib import Path

import labkit
from labkit.disks import workload
from labkit.site import sitefile

PAGE = (Path(__file__).parents[2] / "docs" / "workloads.md").read_text("utf-8")


def _printed(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.S)


def test_the_site_file_with_rates() -> None:
    """It is accepted, and its four disks are of the four kinds, the paging file among them."""
    site = sitefile.parse(_printed("yaml")[0], "docs")
    assert [disk.churn.kind for disk in site.vms[0].disks if disk.churn] == [
        "ordinary",
        "database",
        "pagefile",
        "defragmentation",
    ]
    assert site.vms[0].disks[1].churn == sitefile.Churn(1 << 20, 8_192, 100, "diurnal", "database")


def test_all_shapes_and_kinds_are_told() -> None:
    """Each has its line in a table."""
    for name in (*workload.shapes(), *workload.kinds()):
        assert f"| `{name}` |" in PAGE


def test_the_recorded_site(tmp_path: Path) -> None:
    """The two printed traces and the printed site make a lab; 28,672 bytes, and 22.5 MiB less what is cut off."""
    blocks, counters = _printed("text")
    (tmp_path / "web.csv").write_text(blocks, "utf-8")
    (tmp_path / "disks.csv").write_text(counters, "cp932")
    (tmp_path / "recorded.yml").write_text(_printed("yaml")[1], "utf-8")
    with labkit.create(tmp_path / "recorded.lab", site=tmp_path / "recorded.yml", stage="protected") as lab:
        told = {
            fact["entity"]: (fact["writes"], fact["bytes"]) for fact in lab.facts if fact["kind"] == "trace.imported"
        }
        lab.run("1h")
        assert lab.verify() == []
    assert told["WEB01/os"] == (2, 24_576 + 4_096)
    assert told["DB01/os"] == (2, 1_048_576 * 15_002 // 1_000 + 524_288 * 14_999 // 1_000)
    assert told["DB01/data"] == (2, 409_600 * 15_002 // 1_000 + 819_200 * 14_999 // 1_000)
    site = sitefile.read(tmp_path / "recorded.yml")
    assert site.vms[1].disks[1].churn is not None
    assert site.vms[1].disks[1].churn.write == 8_192
