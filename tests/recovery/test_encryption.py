"""Encryption of stored data: who can open a replica, and that nothing else changes (rules 2.6-4, 2.7-3, 3.3-1, F-4)."""

from __future__ import annotations

import ast
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12

import labkit
from labkit.azure import compute
from labkit.disks import opening, record
from labkit.disks.sealing import Key
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.lab import Lab
from labkit.recovery import certificates, encryption
from labkit.recovery import item as items
from labkit.replication import keys
from tests.cli.console import labkit as command
from tests.recovery.labs import BILLS, SHOP, error_of, export, fail_back, journal_tail, new_lab, records, rows, twin

WORD = "correct horse"


def encrypted_lab(folder: Path, *vms: str, **site: str) -> Lab:
    """A lab whose VMs are protected in an encrypted cloud; the certificate lies beside it."""
    lab = new_lab(folder, *vms, stage="registered", **site)
    lab.site.make_certificate(folder, password=WORD)
    lab.vault.configure_protection(encrypt=True, wait=True)
    lab.vault.map_network(wait=True)
    names = lab.site.machines
    for name in names:
        lab.vault.enable_protection(name, wait=True)
    for name in names:
        lab.wait(lab.vault.items[name])
    return lab


def pfx(folder: Path) -> dict[str, str]:
    """What a call is given to open the replicas."""
    return {"certificate": str(folder / "DataEncryptionCertificate.pfx"), "password": WORD}


# --- the certificate --------------------------------------------------------------------------------------------------


@pytest.mark.rule("2.6-4")
def test_the_certificate_is_a_real_pfx(tmp_path: Path) -> None:
    """Under the guide's name, with the password only, for the VMM server; the lab file has no private key of it."""
    with new_lab(tmp_path, stage="registered") as lab:
        made = lab.site.make_certificate(tmp_path, password=WORD)
        assert made == tmp_path / "DataEncryptionCertificate.pfx"
        with pytest.raises(ValueError, match="password"):
            pkcs12.load_pkcs12(made.read_bytes(), b"wrong")
        found = pkcs12.load_pkcs12(made.read_bytes(), WORD.encode())
        assert found.key is not None
        assert found.cert is not None
        assert found.cert.certificate.subject.rfc4514_string() == "CN=SC01.demo.contoso.com"
        assert error_of(lambda: lab.site.make_certificate(tmp_path, password=WORD)).code == 900570
        assert error_of(lambda: lab.site.make_certificate(tmp_path / "a.pfx", password="")).code == 900568
        assert error_of(lambda: lab.site.make_certificate(tmp_path / "no" / "a.pfx", password=WORD)).code == 900570
        assert [path.name for path in tmp_path.rglob("*.pfx")] == ["DataEncryptionCertificate.pfx"]
        entry = next(entry for entry in lab.journal if entry["command"] == "site.make_certificate")
        assert json.loads(entry["arguments"]) == {"server": "SC01", "file": "DataEncryptionCertificate.pfx"}
        path = lab.path
    private = found.key.private_numbers().d  # type: ignore[union-attr]
    assert private.to_bytes(256, "big").lstrip(b"\0") not in path.read_bytes()
    assert WORD.encode() not in path.read_bytes()


@pytest.mark.rule("2.7-3", "F-4")
def test_the_switch_needs_the_certificate(tmp_path: Path) -> None:
    """Without it 900567; made later, the cloud has to be released and configured anew; then it can be on."""
    with new_lab(tmp_path, SHOP, stage="registered") as lab:
        assert error_of(lambda: lab.vault.configure_protection(encrypt=True)).code == 900567
        lab.vault.configure_protection(wait=True)
        lab.site.make_certificate(tmp_path, password=WORD)
        assert error_of(lambda: lab.vault.change_protection(encrypt=True)).code == 900569
        assert error_of(lambda: lab.vault.configure_protection(encrypt=True)).code == 900513
        lab.vault.release_cloud(wait=True)
        lab.vault.configure_protection(encrypt=True, wait=True)
        assert error_of(lambda: lab.vault.change_protection(encrypt=False)).code == 900569
        lab.vault.enable_protection("SHOP", wait=True)
        lab.wait(lab.vault.items["SHOP"])
        assert lab.status()["items"]["SHOP"]["encrypted"] is True
        assert lab.verify(full=True) == []


# --- nothing else changes ---------------------------------------------------------------------------------------------


def _story(lab: Lab, given: dict[str, str]) -> None:
    lab.run("26h")
    lab.faults.fail_log("SHOP")
    lab.vault.resynchronise("SHOP", wait=True)
    lab.wait(lab.vault.items["SHOP"])
    lab.run("2h")
    test = lab.vault.test_failover("SHOP", wait=True, **given)
    lab.run("10min")
    lab.wait(test.complete("seen"))
    lab.faults.lose_site()
    lab.vault.unplanned_failover("SHOP", wait=True, **given)
    lab.vault.change_recovery_point("SHOP", lab.vault.items["SHOP"].recovery_points[-2].id, wait=True, **given)
    lab.vault.unplanned_failover("BILLS", wait=True, **given)
    lab.vault.commit("SHOP", wait=True)
    lab.faults.restore_site()
    lab.run("1h")
    fail_back(lab, "SHOP")
    lab.vault.commit("SHOP", wait=True)
    lab.vault.reverse_replication("SHOP", wait=True)
    lab.wait(lab.vault.items["SHOP"])
    lab.run("2h")


def test_the_same_story_with_and_without_encryption(tmp_path: Path) -> None:
    """A day, a resynchronisation, test, unplanned failover, another point, commit, failback, replication anew.

    The facts are the same but for the certificate, and so is all evidence: digests, lost orders, blocks and bytes.
    """
    plain, sealed = tmp_path / "plain", tmp_path / "sealed"
    plain.mkdir()
    sealed.mkdir()
    with encrypted_lab(sealed, SHOP, BILLS) as secret, new_lab(plain, SHOP, BILLS, stage="registered") as lab:
        lab.vault.configure_protection(wait=True)
        lab.vault.map_network(wait=True)
        for vm in lab.site.machines:
            lab.vault.enable_protection(vm, wait=True)
        for vm in lab.site.machines:
            lab.wait(lab.vault.items[vm])
        _story(lab, {})
        _story(secret, pfx(sealed))
        assert [fact for fact in secret.facts if fact["kind"] != "certificate.made"] == list(lab.facts)
        assert records(secret) == records(lab)
        assert len(records(lab)) > 4
        assert all(disk.equal and disk.sample_equal for kept in records(secret) for disk in kept.integrity)
        assert secret.verify(full=True) == []


def test_the_same_files_come_out(tmp_path: Path) -> None:
    """Each recovery point of the encrypted replica, exported with the certificate, is the plain one's byte for byte."""
    plain, sealed = tmp_path / "plain", tmp_path / "sealed"
    plain.mkdir()
    sealed.mkdir()
    with encrypted_lab(sealed) as secret, new_lab(plain, stage="registered") as lab:
        lab.vault.configure_protection(wait=True)
        lab.vault.map_network(wait=True)
        lab.vault.enable_protection("SHOP", wait=True)
        lab.wait(lab.vault.items["SHOP"])
        lab.run("9h")
        secret.run("9h")
        points = [point.id for point in secret.vault.items["SHOP"].recovery_points]
        assert points == [point.id for point in lab.vault.items["SHOP"].recovery_points]
        for point in (points[0], points[3], points[-1]):
            for disk in ("os", "data"):
                one = export(lab, "SHOP", disk, "azure", str(point))
                out = sealed / f"{disk}-{point}.raw"
                secret.export_disk("SHOP", disk, out, side="azure", point=str(point), **pfx(sealed))
                assert out.read_bytes() == one.read_bytes()
        assert rows(sealed / f"data-{points[-1]}.raw", "orders") == rows(one, "orders")


# --- nobody reads without it ------------------------------------------------------------------------------------------


@pytest.mark.rule("2.7-3", "3.3-1")
def test_no_failover_without_the_certificate(tmp_path: Path) -> None:
    """Missing, unreadable, no certificate, wrong password, another certificate: each refused, nothing created."""
    with encrypted_lab(tmp_path) as lab:
        lab.run("1h")
        other = lab.site.make_certificate(tmp_path / "later.pfx", password=WORD)
        junk = tmp_path / "junk.pfx"
        junk.write_bytes(b"not a certificate")
        good = pfx(tmp_path)["certificate"]
        digest, machines = lab.events_digest, lab.status()["machines"]
        wrong: list[tuple[int, dict[str, str | None]]] = [
            (900563, {"certificate": None, "password": None}),
            (900564, {"certificate": str(tmp_path / "lost.pfx"), "password": WORD}),
            (900565, {"certificate": str(junk), "password": WORD}),
            (900565, {"certificate": good, "password": "guess"}),
            (900565, {"certificate": good, "password": None}),
            (900566, {"certificate": str(other), "password": WORD}),
        ]
        for code, given in wrong:
            for call in (lab.vault.test_failover, lab.vault.planned_failover, lab.vault.unplanned_failover):
                assert error_of(lambda c=call, g=given: c("SHOP", **g)).code == code  # type: ignore[misc]
            entry = journal_tail(lab)
            assert (entry["outcome"], entry["code"]) == ("refused", code)
            assert "password" not in entry["arguments"]
        assert (lab.events_digest, lab.status()["machines"]) == (digest, machines)
        lab.vault.planned_failover("SHOP", wait=True, **pfx(tmp_path))
        assert records(lab)[-1].lost.orders == 0


@pytest.mark.rule("2.7-3")
def test_the_layers_below_cannot_read_it_either(tmp_path: Path) -> None:
    """Folding, freezing, cargo, the guest's look, a VM made in Azure: 900380 without the key, 900381 with another."""
    with encrypted_lab(tmp_path) as lab:
        lab.run("1h")

        def layers(world: World, key: Key | None) -> Iterator[Callable[[], object]]:
            replica = items.replica(world, items.get(world, "SHOP"))
            source, place = items.source(world, items.get(world, "SHOP")), record.now_place(replica, world.now)
            child = record.create(world, "THIEF", "azure", replica.names, replica.sizes)
            yield lambda: record.fold(world, replica, 1, None, key)
            yield lambda: record.frozen(world, replica, 1, None, key)
            yield lambda: record.cargo(world, replica, replica.segments[0], key)
            yield lambda: record.stored_stamps(world, replica, key)
            yield lambda: list(record.spans(world, replica, key))
            yield lambda: guests.look_at(world, replica, 1, None, key)
            yield lambda: opening.open_some(world, replica, place, child, (1, 0), key)
            sealed = record.overlay(world, replica, place, "THIEF", "azure")
            assert error_of(lambda: compute.create_vm(world, source, "THIEF", "azure", sealed, "M")).code == 900380

        def codes(world: World, key: Key | None) -> list[int]:
            return [error_of(layer).code for layer in layers(world, key)]

        assert lab.read(lambda world: codes(world, None)) == [900380] * 7
        assert lab.read(lambda world: codes(world, Key(bytes(32)))) == [900381] * 7
        assert error_of(lambda: export(lab, "SHOP", "data", "azure")).code == 900563
        path = lab.path
    said = command("disk", "export", path, "SHOP", "data", tmp_path / "x.raw", "--side", "azure")
    assert said.status == 3
    assert "900563" in said.err
    assert not (tmp_path / "x.raw").exists()


def test_the_command_line_takes_the_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``disk export --certificate`` with the password from the environment writes the replica's disk."""
    with encrypted_lab(tmp_path) as lab:
        lab.run("1h")
        path = lab.path
        lab.export_disk("SHOP", "data", tmp_path / "one.raw", side="azure", **pfx(tmp_path))
    monkeypatch.setenv("LABKIT_PFX_PASSWORD", WORD)
    options = ["--side", "azure", "--certificate", pfx(tmp_path)["certificate"]]
    said = command("disk", "export", path, "SHOP", "data", tmp_path / "two.raw", *options)
    assert said.status == 0, said.err
    assert (tmp_path / "one.raw").read_bytes() == (tmp_path / "two.raw").read_bytes()


def test_only_code_of_the_site_takes_the_sites_key() -> None:
    """``replication.keys`` is imported by replication, by ``verify`` and by a trainer's damage; never by Azure's code.

    ``recovery.encryption`` makes and removes the key when a cloud is configured and released.
    """
    root, found = Path(labkit.__file__).parent, set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.ImportFrom) else []
            module = getattr(node, "module", "") or ""
            if module.endswith("replication.keys") or (module.endswith("labkit.replication") and "keys" in names):
                found.add(path.relative_to(root).as_posix())
    allowed = {"lab/verify.py", "faults/damage.py", "recovery/encryption.py"}
    assert {name for name in found if not name.startswith("replication/")} == allowed
    text = (root / "recovery" / "encryption.py").read_text(encoding="utf-8")
    assert "DataKey(" in text
    assert ".secret" not in text.split("# --- opening on Azure's side")[0]


# --- what lies in the file -------------------------------------------------------------------------------------------


def _bodies(path: Path, numbers: list[int]) -> dict[tuple[str, int, int, int], bytes]:
    marks = ",".join("?" * len(numbers))
    found = {}
    with closing(sqlite3.connect(path)) as db:
        for table in ("chunks", "cargo"):
            for *key, body in db.execute(f"SELECT k1, k2, k3, body FROM {table} WHERE k1 IN ({marks})", numbers):
                found[table, *key] = body
    return found  # type: ignore[return-value]


def _replica_of(lab: Lab, vm: str) -> int:
    return lab.read(lambda world: items.get(world, vm).replica)


def test_a_nonce_is_never_used_twice(tmp_path: Path) -> None:
    """Looked at every hour for a day, in the file: as many nonces as bodies that were ever there, a copy's too.

    A fork of the lab goes on with the same key and other content: it draws nonces of its own.
    """
    with encrypted_lab(tmp_path, SHOP, BILLS) as lab:
        numbers = [_replica_of(lab, vm) for vm in ("SHOP", "BILLS")]
        seen: set[bytes] = set()
        with twin(lab, "fork.lab") as fork:
            fork.faults.set_bandwidth("5Mbps")
            for _ in range(24):
                for one in (lab, fork):
                    one.run("1h")
                    seen.update(_bodies(one.path, numbers).values())
        assert len(seen) > 500
        assert len({body[:12] for body in seen}) == len(seen)


def test_the_replica_shares_nothing_with_the_source(tmp_path: Path) -> None:
    """With all stored bytes and writes of the source deleted from the file, the replica opens as it was.

    None of its bodies contains a stored block of the source, and what is opened is the disk exported before.
    """
    with encrypted_lab(tmp_path) as lab:
        lab.run("3h")
        lab.export_disk("SHOP", "data", tmp_path / "before.raw", side="azure", **pfx(tmp_path))
        number, copy = _replica_of(lab, "SHOP"), lab.copy(tmp_path / "bare.lab")
    with closing(sqlite3.connect(copy)) as db:
        db.execute("DELETE FROM blobs")
        db.execute("DELETE FROM writes")
        db.execute("DELETE FROM chunks WHERE k1 != ?", (number,))
        db.execute("DELETE FROM cargo WHERE k1 != ?", (number,))
        db.commit()
    with labkit.open(copy) as bare:
        bare.export_disk("SHOP", "data", tmp_path / "after.raw", side="azure", **pfx(tmp_path))
    assert (tmp_path / "after.raw").read_bytes() == (tmp_path / "before.raw").read_bytes()
    assert len(rows(tmp_path / "after.raw", "orders")) > 1_000


def test_what_is_sealed_tells_nothing_by_its_bytes(tmp_path: Path) -> None:
    """The guest's database has long runs of one text; no sealed body compresses, and none holds a magic number."""
    import zlib

    with encrypted_lab(tmp_path) as lab:
        lab.run("2h")
        found = _bodies(lab.path, [_replica_of(lab, "SHOP")])
    large = [body for body in found.values() if len(body) > 1_000]
    assert len(large) > 5
    for body in large:
        assert b"SQLite format" not in body
        assert b"LABKITFS" not in body
        assert len(zlib.compress(body, 9)) >= len(body)


@pytest.mark.parametrize("where", ["changed", "moved"])
def test_tampering_is_found(tmp_path: Path, where: str) -> None:
    """One bit of a sealed body, or two bodies in each other's place: ``verify`` says so, a failover does not use it."""
    with encrypted_lab(tmp_path) as lab:
        lab.run("2h")
        number, path = _replica_of(lab, "SHOP"), lab.path
        assert lab.verify() == []
    with closing(sqlite3.connect(path)) as db:
        rows_there = db.execute("SELECT k2, body FROM cargo WHERE k1 = ? AND k3 = 0 ORDER BY k2", (number,)).fetchall()
        (one, body), (two, other) = rows_there[-2:]
        if where == "changed":
            db.execute(
                "UPDATE cargo SET body = ? WHERE k1 = ? AND k2 = ? AND k3 = 0",
                (body[:-1] + bytes([body[-1] ^ 1]), number, one),
            )
        else:
            sql = "UPDATE cargo SET body = ? WHERE k1 = ? AND k2 = ? AND k3 = 0"
            db.executemany(sql, [(other, number, one), (body, number, two)])
        db.commit()
    with labkit.open(path) as lab:
        assert any(f"cargo/{number}/" in problem for problem in lab.verify())
        out = tmp_path / "x.raw"
        assert error_of(lambda: lab.export_disk("SHOP", "os", out, side="azure", **pfx(tmp_path))).code == 900381


def test_keys_enter_no_fact_and_do_not_stay_with_azure(tmp_path: Path) -> None:
    """Facts and journal hold no key, ciphertext or password; a job has the key until the VM is made, not longer."""
    with encrypted_lab(tmp_path) as lab:
        lab.run("1h")
        secret = lab.read(lambda world: world.all(keys.DataKey)[0].secret)
        wrapped = lab.read(lambda world: world.all(encryption.WrappedKey)[0].wrapped)
        private = certificates.read_pfx(Path(pfx(tmp_path)["certificate"]), WORD)
        assert certificates.unwrap(private, wrapped) == secret
        lent = lambda: lab.read(lambda world: len(world.all(encryption.Unlocked)))  # noqa: E731
        job = lab.vault.test_failover("SHOP", **pfx(tmp_path))
        assert lent() == 1
        lab.wait(job)
        assert lent() == 0
        lab.wait(job.complete())
        job = lab.vault.unplanned_failover("SHOP", **pfx(tmp_path))
        lab.wait(job)
        assert lent() == 0
        told = "".join(lab.fact_lines()) + "".join(str(entry) for entry in lab.journal)
        for kept in (secret, wrapped):
            assert kept.hex() not in told
            assert str(kept)[2:-1] not in told
        assert WORD not in told


def test_release_takes_the_keys_away(tmp_path: Path) -> None:
    """After release neither side has a key of the cloud; configured anew it has another."""
    with encrypted_lab(tmp_path) as lab:
        first = lab.read(lambda world: world.all(keys.DataKey)[0].secret)
        lab.vault.disable_protection("SHOP", wait=True)
        lab.vault.release_cloud(wait=True)
        kinds = (keys.DataKey, encryption.WrappedKey)
        assert lab.read(lambda world: [len(world.all(kind)) for kind in kinds]) == [0, 0]
        lab.vault.configure_protection(encrypt=True, wait=True)
        assert lab.read(lambda world: world.all(keys.DataKey)[0].secret) != first


def test_hosts_go_on_without_the_pfx(tmp_path: Path) -> None:
    """The file is gone: cycles, merges, a resynchronisation and ``verify`` work; only Azure cannot open it any more."""
    with encrypted_lab(tmp_path) as lab:
        Path(pfx(tmp_path)["certificate"]).unlink()
        lab.run("20h")
        lab.faults.fail_log("SHOP")
        lab.run("12h")  # the night comes, and it is compared by itself
        assert lab.vault.items["SHOP"].health == "Normal"
        assert lab.verify(full=True) == []
        assert error_of(lambda: lab.vault.test_failover("SHOP", **pfx(tmp_path))).code == 900564


def test_a_flipped_block_is_seen_through_the_seal(tmp_path: Path) -> None:
    """The trainer's bit in an encrypted replica: ``verify`` names the block, and so does the failover's integrity."""
    with encrypted_lab(tmp_path) as lab:
        lab.run("2h")
        lab.faults.flip_block("SHOP", "os", 3)
        assert len(lab.verify()) == 1
        lab.faults.lose_site()
        lab.vault.unplanned_failover("SHOP", wait=True, **pfx(tmp_path))
        assert [disk.equal for disk in records(lab)[-1].integrity] == [False, True]


def test_the_file_stays_small(tmp_path: Path) -> None:
    """Contents that nothing names any more are dropped: two days later the replica's part has not doubled."""
    with encrypted_lab(tmp_path) as lab:
        numbers = [_replica_of(lab, "SHOP")]
        sizes = []
        for _ in range(3):
            lab.run("1d")
            sizes.append(sum(map(len, _bodies(lab.path, numbers).values())))
        assert sizes[2] < 2 * sizes[0]


# --- what a review found ----------------------------------------------------------------------------------------------


def _spoil(path: Path, sql: str, *values: int) -> list[tuple[int, int, bytes]]:
    """Flip a bit of each body that the SQL finds; returns what was there, to be put back by :func:`_mend`."""
    with closing(sqlite3.connect(path)) as db:
        found = db.execute(f"SELECT k2, k3, body FROM cargo WHERE k1 = ? AND {sql}", values).fetchall()
        for k2, k3, body in found:
            spoilt = body[:-1] + bytes([body[-1] ^ 1])
            db.execute("UPDATE cargo SET body = ? WHERE k1 = ? AND k2 = ? AND k3 = ?", (spoilt, values[0], k2, k3))
        db.commit()
    return found


def _mend(path: Path, number: int, was: list[tuple[int, int, bytes]]) -> None:
    with closing(sqlite3.connect(path)) as db:
        for k2, k3, body in was:
            db.execute("UPDATE cargo SET body = ? WHERE k1 = ? AND k2 = ? AND k3 = ?", (body, number, k2, k3))
        db.commit()


@pytest.mark.parametrize("operation", ["test_failover", "planned_failover", "unplanned_failover"])
def test_a_failover_that_cannot_open_the_replica_leaves_all_as_it_was(tmp_path: Path, operation: str) -> None:
    """The job fails with 900381; nothing is left of it, the VM goes on being replicated, and time passes.

    With the byte back in its place the same failover succeeds.
    """
    with encrypted_lab(tmp_path) as lab:
        lab.run("2h")
        number, path = _replica_of(lab, "SHOP"), lab.path
    was = _spoil(path, "k3 = 0 AND k2 = (SELECT max(k2) FROM cargo WHERE k1 = ? AND k3 = 0)", number, number)
    with labkit.open(path) as lab:
        sets = lab.read(lambda world: sorted(disks.number for disks in world.all(record.DiskSet)))
        job = getattr(lab.vault, operation)("SHOP", **pfx(tmp_path))
        assert error_of(lambda: lab.wait(job)).code == 900381
        assert lab.vault.items["SHOP"].state == "Protected"
        assert lab.read(lambda world: sorted(disks.number for disks in world.all(record.DiskSet))) == sets
        assert lab.read(lambda world: items.get(world, "SHOP").point) is None
        if operation == "planned_failover":
            lab.site.start("SHOP")
        lab.run("3h")
        assert (lab.vault.items["SHOP"].rpo or 9_999) < 400
    _mend(path, number, was)
    with labkit.open(path) as lab:
        assert lab.verify(full=True) == []
        lab.wait(getattr(lab.vault, operation)("SHOP", **pfx(tmp_path)))
        assert lab.verify() == []


def test_verify_opens_every_content(tmp_path: Path) -> None:
    """One bit in each of many contents, also of blocks that only older points name: each is named by ``--full``."""
    with encrypted_lab(tmp_path) as lab:
        lab.run("2h")
        number, path = _replica_of(lab, "SHOP"), lab.path
    spoilt = _spoil(path, "k3 = 1", number)
    assert len(spoilt) > 40
    with labkit.open(path) as lab:
        named = {problem.split("/")[2] for problem in lab.verify(full=True) if "content/" in problem}
    assert named == {str(k2) for k2, _, _ in spoilt}


def test_a_partner_in_an_encrypted_cloud(tmp_path: Path) -> None:
    """SHOP has a host replica, BILLS, which invoices its orders, is encrypted: SHOP fails over all the same."""
    path = tmp_path / "mixed.yml"
    path.write_text(f"site: mixed\nreplica_site: {{hosts: [HV11]}}\nvms:\n  - {SHOP}\n  - {BILLS}\n", encoding="utf-8")
    with labkit.create(tmp_path / "mixed.lab", site=path, stage="registered") as lab:
        lab.site.make_certificate(tmp_path, password=WORD)
        lab.vault.configure_protection(encrypt=True, wait=True)
        lab.vault.enable_protection("BILLS", wait=True)
        lab.hyperv.enable("SHOP")
        lab.hyperv.wait("SHOP")
        lab.wait(lab.vault.items["BILLS"])
        lab.run("2h")
        lab.hyperv.test_failover("SHOP")
        lab.run("1h")
        lab.hyperv.end_test("SHOP")
        lab.site.shut_down("SHOP")
        lab.hyperv.planned_failover("SHOP")
        lab.hyperv.wait("SHOP")
        lab.run("1h")
        assert lab.hyperv.machines["SHOP"].answering
        assert lab.verify() == []


def test_copies_for_tests_do_not_stay(tmp_path: Path) -> None:
    """An image without an application: after each test the copy of its blocks is dropped from the file."""
    image = tmp_path / "files.raw"
    image.write_bytes(bytes(range(256)) * 256 * 128 + bytes(16 << 20))  # 24 MiB, 128 real blocks
    vm = "{name: FILES, os: Ubuntu Server, disks: [{name: os, image: files.raw}]}"
    with encrypted_lab(tmp_path, vm) as lab:
        counts = []
        for _ in range(3):
            test = lab.vault.test_failover("FILES", wait=True, **pfx(tmp_path))
            assert lab.read(_named_by_both) == set()  # the copy names no block of the site's or the replica's
            lab.wait(test.complete())
            lab.run("2h")
            counts.append(lab.read(lambda world: len(world.blobs.all_keys())))
        assert counts == [128] * 3


def _named_by_both(world: World) -> set[int]:
    copy = guests.disks_of(world, world.get(guests.Machine, "test/FILES-test"))
    site = guests.disks_of(world, world.get(guests.Machine, "site/FILES"))
    assert len(record.stored_stamps(world, copy)) == 128
    return record.stored_stamps(world, copy) & record.stored_stamps(world, site)


def test_a_flip_reaches_the_copy_in_azure(tmp_path: Path) -> None:
    """After a failover the VM's disk is damaged as it is without encryption: the failback sends the block."""
    with encrypted_lab(tmp_path) as lab:
        lab.run("1h")
        lab.vault.planned_failover("SHOP", wait=True, **pfx(tmp_path))
        block = next(block for block in range(100, 120))
        before = lab.read(lambda world: record.fold(world, _azure(world), 0).copy())
        lab.faults.flip_block("SHOP", "os", block)
        after = lab.read(lambda world: record.fold(world, _azure(world), 0).copy())
        assert [int(n) for n in (before != after).nonzero()[0]] == [block]


def _azure(world: World) -> record.DiskSet:
    return guests.disks_of(world, world.get(guests.Machine, "azure/SHOP"))


def test_a_certificate_made_after_the_click_does_not_count(tmp_path: Path) -> None:
    """Configuring takes minutes; the certificate there was at its beginning opens, the one made meanwhile does not."""
    with new_lab(tmp_path, stage="registered") as lab:
        lab.site.make_certificate(tmp_path, password=WORD)
        job = lab.vault.configure_protection(encrypt=True)
        other = lab.site.make_certificate(tmp_path / "b.pfx", password=WORD)
        lab.wait(job)
        lab.vault.enable_protection("SHOP", wait=True)
        lab.wait(lab.vault.items["SHOP"])
        refused = error_of(lambda: lab.vault.test_failover("SHOP", certificate=other, password=WORD))
        assert refused.code == 900566
        lab.vault.test_failover("SHOP", wait=True, **pfx(tmp_path))


@pytest.mark.parametrize(("certificate", "codes"), [("a\0b", (900564, 900570)), ("\ud800.pfx", (900063, 900063))])
def test_odd_names_and_passwords_are_refused_in_words(tmp_path: Path, certificate: str, codes: tuple[int, int]) -> None:
    """Names no file can have, half a character as a password: a code, never a traceback."""
    with encrypted_lab(tmp_path) as lab:
        call = lambda: lab.vault.test_failover("SHOP", certificate=certificate, password=WORD)  # noqa: E731
        assert error_of(call).code == codes[0]
        assert error_of(lambda: lab.site.make_certificate(tmp_path / "b.pfx", password="\ud800")).code == 900063
        assert error_of(lambda: lab.site.make_certificate(f"{tmp_path}/{certificate}", password=WORD)).code == codes[1]
        shown = lab.read(lambda world: repr(world.all(keys.DataKey)[0]))
        assert shown == "<DataKey OnPremise Cloud>"
