"""``labkit disk``: images from elsewhere described, disks of a lab written in every format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labkit.cli import main
from labkit.disks.formats import FORMATS as WRITTEN
from labkit.lab.exports import FORMATS
from tests.disks import makers

MIB = 1 << 20
CONTENT = np.random.default_rng(11).bytes(3 * MIB) + bytes(21 * MIB)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lab whose only disk is an image, replicating."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "disk.img").write_bytes(CONTENT)
    site = "site: s\nvms:\n  - {name: A, os: Debian, disks: [{name: os, image: disk.img}]}\n"
    (folder / "site.yml").write_text(site.replace("Debian", "Debian 7"), encoding="utf-8")
    assert main(["new", str(folder / "a.lab"), "--site", str(folder / "site.yml"), "--stage", "protected"]) == 0
    return folder / "a.lab"


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    """The JSON a command prints."""
    capsys.readouterr()
    assert main([*map(str, arguments), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_command_offers_what_can_be_written() -> None:
    """The formats of the command line are those of the exporter, in its order."""
    assert tuple(WRITTEN) == FORMATS


@pytest.mark.parametrize(
    ("name", "option", "format", "kind"),
    [
        ("o.img", None, "raw", "raw"),
        ("o.vhd", None, "vhd", "fixed vhd"),
        ("o.VHDX", None, "vhdx", "dynamic vhdx"),
        ("o.vhd", "vhd-dynamic", "vhd-dynamic", "dynamic vhd"),
        ("o.bin", "vhdx", "vhdx", "dynamic vhdx"),
    ],
)
def test_the_ending_decides_unless_told(
    lab: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    option: str | None,
    format: str,
    kind: str,
) -> None:
    """Without ``--format`` as OUT ends; ``disk info`` finds that kind, the size of the disk and no warning."""
    options = ["--format", option] if option else []
    made = told(capsys, "disk", "export", lab, "A", "os", tmp_path / name, "--side", "azure", *options)
    assert (made["format"], made["virtual_size"], made["padded_bytes"]) == (format, len(CONTENT), 0)
    found = told(capsys, "disk", "info", tmp_path / name)
    assert (found["format"], found["size"], found["warnings"]) == (kind, len(CONTENT), [])
    assert 3 * MIB <= found["held"] <= len(CONTENT)


def test_info_names_the_parents(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A chain: kind, sizes and every file, as JSON and in words."""
    base = makers.vhdx(tmp_path / "base.vhdx", CONTENT)
    child = makers.vhdx(tmp_path / "child.vhdx", makers.random_changes(CONTENT, 1, 512), parent=base)
    found = told(capsys, "disk", "info", child.path)
    assert found["format"] == "differencing vhdx"
    assert found["files"] == [str(child.path), str(base.path)]
    assert main(["disk", "info", str(child.path)]) == 0
    assert f"its parent: {base.path}" in capsys.readouterr().out


def test_info_refuses_what_is_damaged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 3; file, field and what to do on standard error, nothing on standard output, no traceback."""
    image = makers.vhd(tmp_path / "d.vhd", CONTENT)
    data = bytearray(image.path.read_bytes())
    data[image.parts["header"][0] + 40] ^= 1
    image.path.write_bytes(data)
    assert main(["disk", "info", str(image.path)]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert str(image.path) in err
    assert "dynamic disk header: checksum" in err
    assert "What to do" in err
    assert "Traceback" not in err
