"""The readiness of a whole inventory: verdicts, sizes, dates, the page, and how fast it is."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

import labkit
from labkit.engine import texts
from labkit.recovery.readiness import Report, assess
from tests.recovery.test_inventories import GB, WHOLE, csv_text, flat


def machine(name: str, **changes: Any) -> dict[str, Any]:
    """The good VM of the documented command under another name, changed."""
    return {**WHOLE, "VMName": name, "VMId": name, **changes}


def report_of(folder: Path, *machines: dict[str, Any], target: Any = "azure") -> Report:
    path = folder / "inventory.json"
    path.write_text(json.dumps(machines), "utf-8")
    return assess(path, target=target)


def rules(report: Report, name: str, *severities: str) -> list[str]:
    (found,) = [one for one in report.machines if one.name == name]
    return [finding.rule for finding in found.of(*severities)]


@pytest.mark.rule("1.4-15")
def test_every_machine_has_its_verdict(tmp_path: Path) -> None:
    """Ready, with warnings, not to be told, not ready: VM by VM, with the rules that made it so."""
    two = [*WHOLE["Adapters"], {"AdapterName": "B", "DhcpEnabled": True}]
    report = report_of(
        tmp_path,
        machine("GOOD"),
        machine("TWO", Adapters=two),
        machine("OFF", GuestOperatingSystem=None),
        machine("GEN2", Generation=2),
    )
    found = {one.name: one.verdict for one in report.machines}
    assert found == {"GOOD": "ready", "TWO": "warnings", "OFF": "unknown", "GEN2": "not_ready"}
    assert report.counts == {"ready": 1, "warnings": 1, "unknown": 1, "not_ready": 1}
    assert not report.ready
    assert rules(report, "TWO", "warns") == ["1.4-13"]
    assert "1.4-4" in rules(report, "OFF", "unknown")
    assert rules(report, "GEN2", "fails") == ["1.4-7"]
    assert report_of(tmp_path, machine("GEN2", Generation=2), target="site").ready


@pytest.mark.rule("1.4-15", "2.4-1", "2.4-2")
def test_what_vmm_says_counts_where_it_is_known(tmp_path: Path) -> None:
    """Not known, it does not stand in the way; known to be wrong, it does."""
    assert rules(report_of(tmp_path, machine("A")), "A", "unknown") == ["2.4-2", "2.4-3", "2.4-5"]
    report = report_of(tmp_path, machine("A", Cloud="", OperatingSystem="Unknown"))
    assert rules(report, "A", "fails") == ["2.4-1", "2.4-2"]
    assert not report.ready


@pytest.mark.rule("1.4-12", "1.4-15")
def test_a_static_address_is_not_ready(tmp_path: Path) -> None:
    """Also with Windows, which enabling would let pass."""
    report = report_of(tmp_path, machine("A", Adapters=[{"AdapterName": "LAN", "DhcpEnabled": False}]))
    assert rules(report, "A", "fails") == ["1.4-12"]


@pytest.mark.rule("1.2-7")
def test_the_note_about_other_machines_comes_once_for_each(tmp_path: Path) -> None:
    """The same words for each of them, and no other finding; they have no size in Azure."""
    others = [machine("ESX1", Platform="VMware"), machine("BOX1", Platform="Physical")]
    report = report_of(tmp_path, *others)
    for one in report.machines:
        (finding,) = one.findings
        assert (finding.rule, one.size) == ("1.2-7", None)
    plain = report.as_dict()["vms"]
    assert plain[0]["findings"][0]["cause"] == plain[1]["findings"][0]["cause"]
    assert report.html().count("InMage Scout, a separate product") == 3  # what to do, and once for each machine


@pytest.mark.rule("2.8-4")
def test_sizes(tmp_path: Path) -> None:
    """The size each would get; with 1 TB of dynamic memory it is A7, which is too small."""
    report = report_of(
        tmp_path, machine("M"), machine("BIG", DynamicMemoryEnabled=True), machine("DARK", ProcessorCount=None)
    )
    assert [(one.size, one.fits) for one in report.machines] == [("A5", True), ("A7", False), (None, False)]
    small = machine("S", MemoryStartup=3 * GB)
    assert report_of(tmp_path, small).machines[0].size == "M"


@pytest.mark.rule("1.4-16")
@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_report_names_the_date_of_its_tables(tmp_path: Path, language: str) -> None:
    """In JSON and on the page."""
    texts.set_language(language)
    report = report_of(tmp_path, machine("A"))
    assert report.as_dict()["dates"] == dict.fromkeys(("limits", "systems", "sizes"), "2014-09-30")
    assert report.html().count("2014-09-30") == 3


def test_json_has_every_rule_with_its_texts(tmp_path: Path) -> None:
    """Each finding: rule, title, severity, code, message, cause, action."""
    data = json.loads(json.dumps(report_of(tmp_path, machine("A b", Generation=2)).as_dict()))
    assert set(data) == {"ready", "sources", "target", "dates", "counts", "notes", "vms"}
    (vm,) = data["vms"]
    by_rule = {finding["rule"]: finding for finding in vm["findings"]}
    assert by_rule["1.4-7"]["code"] == 70009
    assert "A b" in by_rule["1.4-7"]["message"]
    assert by_rule["1.4-7"]["action"]
    assert (by_rule["1.4-14"]["severity"], by_rule["1.4-14"]["code"]) == ("warns", 70044)
    assert (by_rule["1.4-8"]["severity"], by_rule["1.4-8"]["message"]) == ("holds", "")
    assert all(finding["title"] for finding in vm["findings"])


def test_the_page_stands_for_itself(tmp_path: Path) -> None:
    """No address, no script; names are escaped; both colour schemes are in it."""
    page = report_of(tmp_path, machine("<script>alert(1)</script>", Generation=2)).html()
    assert re.search(r"https?:|<script|src=|@import|url\(", page) is None
    assert "&lt;script&gt;" in page
    assert "prefers-color-scheme: dark" in page


def test_missing_columns_are_named_once(tmp_path: Path) -> None:
    """Which, how else they may be called, and which rules need them."""
    path = tmp_path / "a.csv"
    path.write_text("VMName\nA\nB\n", "utf-8")
    notes = assess(path).notes
    assert "Not known of 2 machines: HostOperatingSystem, or HostOS (for 1.4-2)." in notes
    assert len(notes) == len(set(notes)) == 9


@pytest.mark.rule("1.4-15")
def test_sites_are_inventories(tmp_path: Path) -> None:
    """The guide's site can be protected; limits of a site file are findings here, whatever it says of protection."""
    report = labkit.readiness("contoso")
    assert {one.name: (one.verdict, one.size) for one in report.machines} == {
        "MYWSV01": ("ready", "M"),
        "MYBSD01": ("warnings", "XS"),
        "MYWSV02": ("ready", "A7"),
    }
    path = tmp_path / "s.yml"
    path.write_text("site: x\nvms:\n- {name: A, os: CentOS, generation: 2, disks: [{name: os, size: 128GB}]}\n")
    assert rules(assess(path), "A", "fails") == ["1.4-7", "1.4-8"]


def test_five_thousand_machines(tmp_path: Path) -> None:
    """Ten thousand rows of CSV are read, judged and written as JSON in a few seconds."""
    path = tmp_path / "a.csv"
    path.write_text(csv_text([row for n in range(5_000) for row in flat(machine(f"VM{n:04}", Generation=2))]), "utf-8")
    begin = time.perf_counter()
    report = assess(path)
    json.dumps(report.as_dict())
    spent = time.perf_counter() - begin
    assert len(report.machines) == 5_000
    assert report.counts["not_ready"] == 5_000
    assert spent < 30, f"{spent:.1f} s"  # two seconds on an idle machine


@pytest.mark.rule("1.4-2")
def test_each_vm_is_judged_by_its_own_host(tmp_path: Path) -> None:
    """Of two hosts one runs Windows Server 2012: the VM there is not ready for Azure, and is for another site."""
    path = tmp_path / "two.yml"
    disk = "disks: [{name: os, size: 40GB}]"
    path.write_text(
        "site: two\nservers: {hosts: [HV01, {name: HV02, os: Windows Server 2012}]}\nvms:\n"
        f"  - {{name: NEW, os: Windows Server 2012 R2, {disk}}}\n"
        f"  - {{name: OLD, os: Windows Server 2012 R2, host: HV02, {disk}}}\n",
        encoding="utf-8",
    )
    verdicts = {one["name"]: one["verdict"] for one in assess(path).as_dict()["vms"]}
    assert verdicts == {"NEW": "ready", "OLD": "not_ready"}
    assert assess(path, target="site").ready
