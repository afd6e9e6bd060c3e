"""Images brought into a lab as disks: byte for byte, whole or not at all, and no longer needed afterwards."""

from __future__ import annotations

import hashlib
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import labkit
from labkit.disks.frozen import Frozen
from labkit.disks.importing import import_image
from labkit.engine.errors import LabError
from labkit.engine.store import Store
from labkit.lab import Lab
from labkit.replication.relation import Relation
from labkit.site import sitefile
from tests.disks import makers

MIB = 1 << 20
SIZE = 21 * MIB + 3_584  # no whole block at its end


@pytest.fixture
def content() -> bytes:
    """A disk with data at its beginning, in its middle and in its last bytes; nothing of it repeats."""
    rng = np.random.default_rng(5)
    data = bytearray(SIZE)
    data[:100] = rng.bytes(100)
    data[5 * MIB + 17 : 9 * MIB] = rng.bytes(4 * MIB - 17)
    data[-1] = 7
    return bytes(data)


def site_of(folder: Path, image: str, *, more: str = "", orders: str = "none", data: str = "") -> Path:
    """A site with one VM whose OS disk is the image; ``data``: what its second disk says."""
    second = f"\n      - {{name: data, {data}}}" if data else ""
    text = f"""site: images
line: {{bandwidth: 1Gbps}}
vms:
  - name: FILES01
    os: Ubuntu Server
    orders: {orders}
    disks:
      - {{name: os, image: {image}{more}}}{second}
"""
    path = folder / "site.yml"
    path.write_text(text, encoding="utf-8")
    return path


def write_image(folder: Path, kind: str, content: bytes) -> str:
    """The content as a file of a kind; the chains have a parent and a grandparent of other content."""
    if kind == "raw":
        (folder / "disk.img").write_bytes(content)
        return "disk.img"
    suffix, _, chain = kind.partition("-")
    make: Any = makers.vhd if suffix == "vhd" else makers.vhdx
    if not chain:
        return make(folder / f"disk.{suffix}", content).path.name
    base = make(folder / f"base.{suffix}", makers.random_changes(content, 1, 512))
    middle = make(folder / f"middle.{suffix}", makers.random_changes(content, 2, 512), parent=base)
    return make(folder / f"top.{suffix}", content, parent=middle).path.name


def exported(lab: Lab, folder: Path, **options: Any) -> bytes:
    """A disk as raw bytes."""
    out = folder / f"out-{len(list(folder.iterdir()))}.img"
    lab.export_disk("FILES01", "os", out, **options)
    return out.read_bytes()


@pytest.mark.parametrize("kind", ["raw", "vhd", "vhdx", "vhd-chain", "vhdx-chain"])
def test_the_disk_and_its_replica_are_the_image(tmp_path: Path, content: bytes, kind: str) -> None:
    """Site and Azure side come out as the image's bytes, after the image files are gone, from the lab opened anew."""
    image = write_image(tmp_path, kind, content)
    site = site_of(tmp_path, image)
    labkit.create(tmp_path / "a.lab", site=site, stage="protected").close()
    for path in tmp_path.glob(f"*{Path(image).suffix}"):
        path.unlink()
    with labkit.open(tmp_path / "a.lab") as lab:
        assert exported(lab, tmp_path) == content
        assert exported(lab, tmp_path, side="azure") == content
        assert lab.verify(full=True) == []


def test_what_did_not_cross_the_line_is_not_in_the_replica(tmp_path: Path, content: bytes) -> None:
    """Before the first piece has arrived the replica is all zeros; one block flipped later shows in every way."""
    site = site_of(tmp_path, write_image(tmp_path, "raw", content))
    with labkit.create(tmp_path / "a.lab", site=site, stage="configured") as lab:
        lab.faults.set_bandwidth("200kbps")
        lab.vault.enable_protection("FILES01")
        assert lab.run_until(lambda world: bool(world.all(Relation) and world.all(Relation)[0].snapshot), within="1h")
        assert exported(lab, tmp_path, side="azure") == bytes(SIZE)
        lab.faults.set_bandwidth("1Gbps")
        lab.wait(lab.vault.items["FILES01"])
        assert exported(lab, tmp_path, side="azure") == content
        lab.faults.flip_block("FILES01", "os", 100)
        assert exported(lab, tmp_path, side="azure") != content
        assert any("block 100" in line for line in lab.verify())


def test_zeros_stay_zeros_and_cost_nothing(tmp_path: Path) -> None:
    """64 MB of written zeros in a raw file are no block of the lab: its file stays small."""
    (tmp_path / "disk.img").write_bytes(b"x" + bytes(64 * MIB - 1))
    with labkit.create(tmp_path / "a.lab", site=site_of(tmp_path, "disk.img")) as lab:
        fact = next(fact for fact in lab.facts if fact["kind"] == "disk.imported")
        assert (fact["blocks"], fact["size"]) == (1, 64 * MIB)
    assert (tmp_path / "a.lab").stat().st_size < MIB


def test_the_fact_holds_the_digest_of_the_bytes(tmp_path: Path, content: bytes) -> None:
    """Computed here from the image's bytes as docs/disks.md says, whatever the format was; and the same for each."""
    record = hashlib.sha256()
    for number in range(-(-SIZE // 65_536)):
        block = content[number * 65_536 :][:65_536].ljust(65_536, b"\0")
        if any(block):
            record.update(number.to_bytes(8, "little") + b"\2" + hashlib.sha256(block).digest())
    for kind in ("raw", "vhd", "vhdx-chain"):
        folder = tmp_path / kind
        folder.mkdir()
        with labkit.create(folder / "a.lab", site=site_of(folder, write_image(folder, kind, content))) as lab:
            fact = next(fact for fact in lab.facts if fact["kind"] == "disk.imported")
            assert (fact["entity"], fact["digest"]) == ("FILES01/os", record.hexdigest())


def test_a_larger_disk_ends_in_zeros(tmp_path: Path, content: bytes) -> None:
    """``size`` beside ``image``: the image, then zeros."""
    site = site_of(tmp_path, write_image(tmp_path, "vhdx", content), more=", size: 24MB")
    with labkit.create(tmp_path / "a.lab", site=site) as lab:
        assert exported(lab, tmp_path) == content + bytes(24 * MIB - SIZE)


def test_a_failover_attaches_the_image(tmp_path: Path, content: bytes) -> None:
    """After a planned failover and commit the Azure VM's disk, as fixed VHD, begins with the image; digests agree."""
    site = site_of(tmp_path, write_image(tmp_path, "vhdx-chain", content))
    with labkit.create(tmp_path / "a.lab", site=site, stage="protected") as lab:
        lab.wait(lab.vault.planned_failover("FILES01"))
        lab.wait(lab.vault.commit("FILES01"))
        made = lab.export_disk("FILES01", "os", tmp_path / "azure.vhd", side="azure", sha256=True)
        data = (tmp_path / "azure.vhd").read_bytes()
        assert (made.format, made.padded_bytes) == ("vhd", 22 * MIB - SIZE)
        assert data[:-512] == content + bytes(22 * MIB - SIZE)
        assert made.sha256 == hashlib.sha256(data).hexdigest()


def test_the_lab_does_not_tell_where_the_image_lay(tmp_path: Path, content: bytes) -> None:
    """Only the image's name is kept: a lab is handed on, the folders of the person who made it are not."""
    folder = tmp_path / "secret-folder"
    folder.mkdir()
    site = site_of(folder, write_image(folder, "raw", content))
    labkit.create(tmp_path / "a.lab", site=sitefile.read(site)).close()
    assert b"secret-folder" not in (tmp_path / "a.lab").read_bytes()


@pytest.mark.parametrize(("first", "code"), [("damaged", 900324), ("small", 900347), ("there", 900001)])
def test_a_refused_import_leaves_nothing(tmp_path: Path, content: bytes, first: str, code: int) -> None:
    """An image that turns out bad, one too large, a lab that exists: the folder is as it was before."""
    image = tmp_path / write_image(tmp_path, "vhdx", content)
    site = sitefile.read(site_of(tmp_path, image.name))
    if first == "damaged":  # after the site file was read
        made = makers.vhdx(image, content)
        data = bytearray(image.read_bytes())
        at = made.parts["table"][0]
        held = [n for n in range(made.parts["table"][1] // 8) if data[at + 8 * n] & 7 == 6]
        data[at + 8 * held[1] : at + 8 * held[1] + 8] = data[at + 8 * held[0] : at + 8 * held[0] + 8]
        image.write_bytes(data)
    elif first == "small":
        disk = msgspec.structs.replace(site.vms[0].disks[0], size=SIZE - 512)
        site = msgspec.structs.replace(site, vms=(msgspec.structs.replace(site.vms[0], disks=(disk,)),))
    else:
        (tmp_path / "a.lab").write_text("mine", encoding="utf-8")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(LabError) as refused:
        labkit.create(tmp_path / "a.lab", site=site)
    assert refused.value.code == code
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_too_little_room_is_said_before_anything_is_written(
    tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room of the lab's folder is compared with what the images hold (the only thing replaced is the answer)."""
    site = site_of(tmp_path, write_image(tmp_path, "raw", content))
    monkeypatch.setattr("labkit.engine.host.free_bytes", lambda folder: 4 * MIB)
    with pytest.raises(LabError) as refused:
        labkit.create(tmp_path / "a.lab", site=site)
    assert refused.value.code == 900346
    assert sorted(path.name for path in tmp_path.iterdir()) == ["disk.img", "site.yml"]


@pytest.mark.skipif(sys.platform == "win32", reason="only on Unix: kill -9")
def test_a_kill_during_import_leaves_no_lab(tmp_path: Path) -> None:
    """Killed while blocks are being written, there is no file of the lab's name, and the next attempt succeeds."""
    (tmp_path / "disk.img").write_bytes(np.random.default_rng(1).bytes(512 * MIB))
    site = site_of(tmp_path, "disk.img")
    code = f"import labkit; labkit.create({str(tmp_path / 'a.lab')!r}, site={str(site)!r})"
    process = subprocess.Popen([sys.executable, "-c", code])
    while not any(path.stat().st_size > 16 * MIB for path in tmp_path.glob(".labkit-*.part")):
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "a.lab").exists()
    (tmp_path / "disk.img").write_bytes(b"y" * MIB)
    labkit.create(tmp_path / "a.lab", site=site).close()
    with labkit.open(tmp_path / "a.lab") as lab:
        assert exported(lab, tmp_path) == b"y" * MIB


def test_a_changed_byte_in_the_file_is_found(tmp_path: Path, content: bytes) -> None:
    """A stored block that is not what was imported passes ``verify`` and fails ``verify(full=True)``, by its stamp."""
    labkit.create(tmp_path / "a.lab", site=site_of(tmp_path, write_image(tmp_path, "raw", content))).close()
    with sqlite3.connect(tmp_path / "a.lab") as db:
        (body,) = db.execute("SELECT body FROM blobs WHERE k1 = 2").fetchone()
        db.execute("UPDATE blobs SET body = ? WHERE k1 = 2", (body[:9] + bytes([body[9] ^ 1]) + body[10:],))
    db.close()
    with labkit.open(tmp_path / "a.lab") as lab:
        assert lab.verify() == []
        assert lab.verify(full=True) == ["stored bytes 0x4000000000000002 are not those that were imported"]


def test_an_application_lays_an_imported_disk_out_anew(tmp_path: Path, content: bytes) -> None:
    """Orders on a disk with an image: a warning; orders are taken although the image's first bytes are others'."""
    write_image(tmp_path, "raw", content)
    site = site_of(tmp_path, "disk.img", orders="6/min", data="image: disk.img")
    with labkit.create(tmp_path / "a.lab", site=site, stage="protected") as lab:
        assert any("disk data" in text for text in lab.warnings())
        lab.run("1h")
        assert not [fact for fact in lab.facts if fact["kind"] == "application.failed"]
        data = tmp_path / "data.img"
        lab.export_disk("FILES01", "data", data)
        assert data.read_bytes()[:8] == b"LABKITFS"
        hashed, stored = lab.read(lambda world: (world.hashes.all_keys(), world.blobs.all_keys()))
        assert hashed < stored  # what the guest wrote over is tidied away with its hash
        assert len(hashed) < sum(fact["blocks"] for fact in lab.facts if fact["kind"] == "disk.imported")
        assert exported(lab, tmp_path) == content
        assert lab.verify(full=True) == []


def test_what_was_read_around_is_told(tmp_path: Path, content: bytes) -> None:
    """A raw file of odd length is filled up; the lab says so whenever it is asked, in the words of the image reader."""
    (tmp_path / "disk.img").write_bytes(content + b"z")
    with labkit.create(tmp_path / "a.lab", site=site_of(tmp_path, "disk.img")) as lab:
        assert any("511 zeros were added" in text for text in lab.warnings())
        assert exported(lab, tmp_path) == content + b"z" + bytes(511)


def test_progress_is_told_in_bytes(tmp_path: Path, content: bytes) -> None:
    """It rises to its end; the same for an export."""
    calls: list[tuple[int, int]] = []
    site = site_of(tmp_path, write_image(tmp_path, "raw", content))
    with labkit.create(tmp_path / "a.lab", site=site, progress=lambda done, total: calls.append((done, total))) as lab:
        assert calls == sorted(calls)
        assert calls[-1][0] == calls[-1][1] > 0
        calls.clear()
        lab.export_disk("FILES01", "os", tmp_path / "o.img", progress=lambda done, total: calls.append((done, total)))
        assert calls[0][0] == 0
        assert calls[-1][0] == calls[-1][1] > 4 * MIB


def test_import_keeps_the_numbers_of_later_blocks_apart(tmp_path: Path, content: bytes) -> None:
    """Two images in one lab: each has its own bytes, and those the guest writes later get numbers after them."""
    (tmp_path / "disk.img").write_bytes(content)
    (tmp_path / "other.img").write_bytes(content[::-1])
    site = site_of(tmp_path, "disk.img", data="image: other.img")
    with labkit.create(tmp_path / "a.lab", site=site) as lab:
        assert exported(lab, tmp_path) == content
        lab.export_disk("FILES01", "data", tmp_path / "data.img")
        assert (tmp_path / "data.img").read_bytes() == content[::-1]
        first = next(fact["blocks"] for fact in lab.facts if fact["kind"] == "disk.imported")
        blocks = sum(fact["blocks"] for fact in lab.facts if fact["kind"] == "disk.imported")
        assert first < blocks == lab.read(lambda world: world.next("blob")) - 1


def test_the_hash_that_is_kept_is_that_of_the_bytes(tmp_path: Path, content: bytes) -> None:
    """``Imported.digest`` reads no byte, and is the digest of a disk read byte by byte."""
    from labkit.disks.digest import digest

    (tmp_path / "disk.img").write_bytes(content)
    with Store.filling(tmp_path / "a.lab") as store:
        found = import_image(store, tmp_path / "disk.img", 1, limit=SIZE, progress=lambda done, total: None)
    padded = content.ljust(-(-SIZE // 65_536) * 65_536, b"\0")
    stored = dict(enumerate((padded[int(b) * 65_536 :][:65_536] for b in found.blocks), 1))
    frozen = Frozen(SIZE, found.stamps(SIZE), lambda stamp: stored[stamp & 0xFFFF_FFFF])
    assert found.digest(SIZE) == digest(frozen)
