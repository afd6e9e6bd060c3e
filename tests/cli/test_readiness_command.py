"""``labkit readiness``: table, JSON, page, and exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labkit.engine import texts
from tests.cli.console import labkit
from tests.recovery.test_inventories import WHOLE


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """A machine that is ready, and one that is not for two reasons."""
    path = tmp_path / "inventory.json"
    second = {**WHOLE, "VMName": "受注", "VMId": "2", "Generation": 2, "FibreChannel": True}
    path.write_text(json.dumps([WHOLE, second]), "utf-8")
    return path


@pytest.mark.rule("1.4-15", "1.4-16")
def test_the_table(inventory: Path) -> None:
    """A line for each machine, its findings, what to do, and the date; status 1 as one is not ready."""
    said = labkit("readiness", inventory)
    lines = said.out.splitlines()
    assert said.status == 1
    assert lines[0].split() == ["machine", "verdict", "size", "rules"]
    assert lines[1].split() == ["WEB01", "ready", "A5", "-"]
    assert lines[2].startswith("受注")
    assert lines[2].endswith("1.4-7, 1.4-11, 1.4-14")
    assert "  1.4-7   70009   受注 cannot be protected" in said.out
    assert "not ready: 1" in said.out
    assert "2014-09-30" in lines[-1]


def test_all_ready(inventory: Path) -> None:
    """Status 0; the target site takes generation 2."""
    inventory.write_text(json.dumps(WHOLE), "utf-8")
    assert labkit("readiness", inventory).status == 0
    inventory.write_text(json.dumps({**WHOLE, "Generation": 2}), "utf-8")
    assert labkit("readiness", inventory).status == 1
    assert labkit("readiness", inventory, "--target", "site").status == 0


def test_json_and_page(inventory: Path, tmp_path: Path) -> None:
    """JSON alone on standard output; the page beside it."""
    page = tmp_path / "readiness.html"
    said = labkit("readiness", inventory, "--json", "--html", page)
    assert said.status == 1
    assert said.json["counts"] == {"ready": 1, "warnings": 0, "unknown": 0, "not_ready": 1}
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert str(page) in labkit("readiness", inventory, "--html", page).out


def test_bad_input(inventory: Path, tmp_path: Path) -> None:
    """Status 3, with the code, and as JSON where JSON was asked for."""
    said = labkit("readiness", tmp_path / "none.csv")
    assert (said.status, said.out) == (3, "")
    assert said.err.startswith("Error 900877: ")
    assert labkit("readiness", tmp_path / "none.csv", "--json").json["error"]["code"] == 900877
    assert labkit("readiness").status == 3
    before = inventory.read_bytes()
    assert labkit("readiness", inventory, "--html", inventory).err.startswith("Error 900885: ")
    assert labkit("readiness", inventory, "--html", tmp_path / "no" / "x.html").status == 3
    assert inventory.read_bytes() == before


def test_in_japanese(inventory: Path) -> None:
    """Columns stand under each other though Japanese letters are wide; no English is left over."""
    texts.set_language("ja")
    said = labkit("readiness", inventory)
    assert said.status == 1
    assert "保護" in said.out
    assert "cannot" not in said.out
