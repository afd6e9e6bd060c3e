"""A learner's disk through a drill: files made by other programs come back as those files, read by other programs."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labkit.cli import main
from tests.disks import makers, referees

MIB = 1 << 20
FILES = {
    "letter.txt": "こんにちは, disaster recovery\n".encode(),
    "photo.bin": np.random.default_rng(3).bytes(3 * MIB + 77),
}


def run(*command: object) -> bytes:
    """A program's output; it must succeed."""
    return subprocess.run([*map(str, command)], check=True, capture_output=True).stdout


@pytest.fixture
def ext4(tmp_path: Path, tool: Callable[..., str]) -> Path:
    """A raw ext4 image with files in it."""
    folder = tmp_path / "files"
    folder.mkdir()
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    image = tmp_path / "files.img"
    image.touch()
    run("truncate", "-s", 40 * MIB, image)
    run(tool("e2fsprogs", "mkfs.ext4", "/usr/sbin/mkfs.ext4"), "-q", "-d", folder, image)
    return image


def drilled(folder: Path, image: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The result of the drill ``planned`` on a site whose only VM has the image as its disk."""
    site = folder / "site.yml"
    site.write_text(
        f"site: files\nvms:\n  - {{name: FILES01, os: Ubuntu Server, disks: [{{name: os, image: '{image.name}'}}]}}\n",
        encoding="utf-8",
    )
    status = main(["drill", "run", "planned", "--site", str(site), "--out", str(folder / "out"), "--json"])
    assert status == 0
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def azure_disk(folder: Path, name: str, *options: str) -> Path:
    """The Azure VM's disk of the drill's lab as a file."""
    out = folder / name
    command = ["disk", "export", folder / "out" / "drill.lab", "FILES01", "os", out, "--side", "azure", *options]
    assert main([*map(str, command)]) == 0
    return out


def assert_files(debugfs: str, raw: Path) -> None:
    """debugfs reads every file, byte for byte."""
    for name, data in FILES.items():
        assert run(debugfs, "-R", f"cat /{name}", raw) == data


@pytest.mark.slow
def test_a_file_system_survives_a_planned_failover(
    tmp_path: Path, ext4: Path, qemu_img: str, tool: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    """ext4 by mke2fs, VHDX by qemu, drill, fixed VHD: qemu finds it identical to the image, debugfs reads the files."""
    image = tmp_path / "files.vhdx"
    run(qemu_img, "convert", "-f", "raw", "-O", "vhdx", ext4, image)
    result = drilled(tmp_path, image, capsys)
    integrity = result["vms"]["FILES01"]["integrity"][0]
    assert (result["verdict"], integrity["equal"]) == ("met", True)
    vhd = azure_disk(tmp_path, "azure.vhd", "--format", "vhd")
    referees.qemu_equal(qemu_img, vhd, "vhd", ext4)
    data = vhd.read_bytes()
    assert hashlib.sha256(data[:-512]).digest() == hashlib.sha256(ext4.read_bytes()).digest()
    back = tmp_path / "back.img"
    back.write_bytes(data[:-512])
    assert_files(tool("e2fsprogs", "debugfs", "/usr/sbin/debugfs"), back)


@pytest.mark.slow
def test_a_chain_survives_a_planned_failover(
    tmp_path: Path, ext4: Path, qemu_img: str, tool: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A differencing VHDX over a parent of other content comes back as dynamic VHDX, which 7-Zip and qemu read."""
    content = ext4.read_bytes()
    base = makers.vhdx(tmp_path / "base.vhdx", makers.random_changes(content, 9, 512))
    child = makers.vhdx(tmp_path / "child.vhdx", content, parent=base)
    assert drilled(tmp_path, child.path, capsys)["verdict"] == "met"
    out = azure_disk(tmp_path, "azure.vhdx", "--sha256")
    referees.qemu_equal(qemu_img, out, "vhdx", ext4)
    referees.qemu_check(qemu_img, out)
    assert referees.sevenzip_content(tool("7zip", "7zz", "7z"), out) == content
    told = (tmp_path / "azure.vhdx.sha256").read_text("utf-8").split()
    assert told == [hashlib.sha256(out.read_bytes()).hexdigest(), "azure.vhdx"]
    assert_files(tool("e2fsprogs", "debugfs", "/usr/sbin/debugfs"), ext4)
