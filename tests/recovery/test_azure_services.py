"""Vaults, registration keys, what protection needs of Azure, and a subscription that is suspended meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest

import labkit
from labkit.azure import trial
from labkit.engine.jobs import JobRecord
from labkit.lab import Lab
from labkit.recovery import preparation, suspension, vaults
from labkit.recovery.vaults import Vault
from labkit.replication.relation import Relation
from tests.recovery.labs import BUSY, QUIET, SHOP, error_of, facts, new_lab, state_of

MEMBER = ("admin@contoso.com", "090-0000-0000", "0000-0000-0000-0000")
DAY, KEY_DAYS = 86_400_000, 5
JAPAN = ("Japan East", "Japan West")
CALM = "{name: CALM, os: FreeBSD 10.0, churn: 1KB/s, disks: [{name: os, size: 24MB, used: 4MB}]}"


@pytest.fixture(scope="module")
def _labs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = {}
    for stage in ("start", "prepared", "registered"):
        with new_lab(tmp_path_factory.mktemp(stage), QUIET, stage=stage) as lab:
            if stage == "start":
                lab.azure.sign_up(*MEMBER, "pay-as-you-go")
                _site_ready(lab)
            found[stage] = lab.path
    return found


def _site_ready(lab: Lab) -> None:
    """STEP 2 on the site's side, so that only Azure is left to the test."""
    lab.command("prepare_site", {}, preparation.prepare_site)


def _own(path: Path, folder: Path) -> Lab:
    with labkit.open(path, read_only=True) as lab:
        lab.copy(folder / "own.lab")
    return labkit.open(folder / "own.lab")


@pytest.fixture
def empty(_labs: dict[str, Path], tmp_path: Path) -> Iterator[Lab]:
    """A subscription, and nothing made in it yet."""
    with _own(_labs["start"], tmp_path) as lab:
        yield lab


@pytest.fixture
def prepared(_labs: dict[str, Path], tmp_path: Path) -> Iterator[Lab]:
    """Vault, storage account and network are there, nothing is registered."""
    with _own(_labs["prepared"], tmp_path) as lab:
        yield lab


@pytest.fixture
def registered(_labs: dict[str, Path], tmp_path: Path) -> Iterator[Lab]:
    """The VMM server is registered with a vault in East Asia."""
    with _own(_labs["registered"], tmp_path) as lab:
        yield lab


def read(lab: Lab, path: Path) -> str:
    """The vault a key identifies now."""
    return lab.read(lambda world: vaults.read_key(world, path))


# --- vaults -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("2.5-1")
def test_where_a_vault_can_be(empty: Lab) -> None:
    """In the eight regions that offer Site Recovery, the two in Japan among them; elsewhere refused with those."""
    offered = [row.name for row in empty.azure.regions.values() if row.site_recovery]
    assert len(offered) == 8
    assert {"Japan East", "Japan West", "East Asia"} <= set(offered)
    for number, row in enumerate(empty.azure.regions.values()):
        if row.site_recovery:
            empty.azure.create_vault(f"Vault{number}", row.name)
        else:
            error = error_of(lambda n=number, r=row: empty.azure.create_vault(f"Vault{n}", r.name))  # type: ignore[misc]
            assert (error.code, "Japan East, Japan West" in error.action) == (900821, True)
    assert sorted(vault.region for vault in empty.azure.vaults.values()) == sorted(offered)


@pytest.mark.rule("2.5-1")
def test_names_of_vaults(empty: Lab) -> None:
    """2 to 50 letters, digits and hyphens from a letter on; the list shows kind, region and registered servers."""
    for name in ("V", "V" * 51, "1st", "My Vault", "my_vault", ""):
        assert error_of(lambda n=name: empty.azure.create_vault(n, "East Asia")).code == 900812  # type: ignore[misc]
    for name in ("V1", "V" * 50, "my-Vault-2"):
        empty.azure.create_vault(name, "East Asia")
    assert empty.azure.vaults["V1"] == ("V1", "site-recovery", "East Asia", ())
    assert error_of(lambda: empty.azure.create_vault("V2", "East Asia", kind="recovery")).code == 900545


@pytest.mark.rule("1.1-7")
def test_a_backup_vault_is_another_thing(empty: Lab, tmp_path: Path) -> None:
    """It stands on the same page, also where Site Recovery is not offered, and no server can be registered with it."""
    empty.azure.create_vault("Backups", "Brazil South", kind="backup")
    assert empty.azure.vaults["Backups"].kind == "backup"
    assert error_of(empty.vault.register_server).code == 900510
    assert error_of(lambda: empty.vault.generate_key(tmp_path)).code == 900510
    empty.azure.create_vault("Zones", "East Asia")
    assert error_of(lambda: empty.vault.generate_key(tmp_path, vault="Backups")).code == 900822
    assert error_of(lambda: empty.vault.generate_key(tmp_path, vault="Zone")).code == 900010
    empty.vault.register_server(wait=True)
    assert empty.azure.vaults["Zones"].servers == ("SC01",)
    empty.vault.delete("Backups", wait=True)
    assert list(empty.azure.vaults) == ["Zones"]


@pytest.mark.rule("1.1-7")
def test_a_key_of_a_backup_vault(empty: Lab, tmp_path: Path) -> None:
    """A key is refused whose vault is Azure Backup's (here one turned into it, for none is made for such a vault)."""
    empty.azure.create_vault("Backups", "East Asia")
    key = empty.vault.generate_key(tmp_path)

    def turn(world: object) -> None:
        world.get(Vault, "Backups").kind = "backup"  # type: ignore[attr-defined]

    empty.command("test", {}, turn)
    assert error_of(lambda: read(empty, key)).code == 900822


def test_the_vault_in_use(empty: Lab) -> None:
    """Of several vaults the one made first is used; once a server is registered it stays that one."""
    empty.azure.create_vault("Second", "East Asia")
    empty.azure.create_vault("First", "East Asia")
    assert empty.read(lambda world: vaults.the_vault(world).id) == "Second"
    empty.vault.register_server(wait=True)
    assert empty.read(lambda world: vaults.of_server(world, "SC01").id) == "Second"  # type: ignore[union-attr]
    assert error_of(lambda: empty.vault.delete("Second")).code == 900519
    job = empty.vault.delete("First")
    assert error_of(lambda: empty.vault.delete("First")).code == 532
    empty.wait(job)
    assert list(empty.azure.vaults) == ["Second"]


def test_a_vault_can_be_made_again(prepared: Lab) -> None:
    """After the vault is deleted 900510 says how to go on, and a new one serves as the old one did."""
    prepared.vault.delete(wait=True)
    error = error_of(prepared.vault.register_server)
    assert (error.code, "create_vault" in error.action) == (900510, True)
    prepared.azure.create_vault("MySiteRecovery", "East Asia")
    prepared.vault.register_server(wait=True)
    prepared.vault.configure_protection(wait=True)


@pytest.mark.rule("2.5-2")
def test_the_vault_holds_metadata_only(registered: Lab) -> None:
    """Replicas fill the storage account, which is charged for them and cannot go; the vault is as it was."""
    entity = lambda: registered.read(lambda world: msgspec.json.encode(world.all(Vault)))  # noqa: E731
    before = entity()
    registered.vault.configure_protection(wait=True)
    registered.vault.enable_protection("QUIET", wait=True)
    registered.wait(registered.vault.items["QUIET"])
    assert entity() == before
    assert error_of(lambda: registered.azure.delete_storage("mysiterecovery")).code == 900524

    from labkit.drills.result import leftovers

    rows = registered.read(leftovers)
    costs = {(row["kind"], row["name"]): row["cost_per_day"] for row in rows}
    assert costs["vault", "MySiteRecovery"] == 0
    assert costs["storage account", "mysiterecovery"] is None  # GRS of 2014 has no price; an empty account costs 0
    registered.azure.create_storage("unused", "East Asia", "LRS")
    rows = registered.read(leftovers)
    assert [row["cost_per_day"] for row in rows if row["name"] == "unused"] == [0]


# --- registration keys ------------------------------------------------------------------------------------------------


@pytest.mark.rule("2.5-4")
def test_the_file_of_a_key(prepared: Lab, tmp_path: Path) -> None:
    """``<vault>_<date>.VaultCredentials``, by the calendar of the site; it names the vault."""
    path = prepared.vault.generate_key(tmp_path)
    assert path == tmp_path / "MySiteRecovery_2014-10-01.VaultCredentials"
    assert read(prepared, path) == "MySiteRecovery"
    assert json.loads(path.read_text("utf-8"))["vault"] == "MySiteRecovery"
    prepared.run(until="2014-10-01T23:59:59+09:00")
    assert prepared.vault.generate_key(tmp_path) == path
    prepared.run("1s")
    assert prepared.vault.generate_key(tmp_path).name == "MySiteRecovery_2014-10-02.VaultCredentials"
    assert len(list(tmp_path.glob("MySite*"))) == 2


@pytest.mark.rule("2.5-4")
def test_a_key_is_good_for_five_days(prepared: Lab, tmp_path: Path) -> None:
    """Exactly five days after it was made it is good, a millisecond later it is not; a new one can be made any time."""
    path = prepared.vault.generate_key(tmp_path)
    early = prepared.copy(tmp_path / "early.lab")
    prepared.run(f"{KEY_DAYS}d")
    assert read(prepared, path) == "MySiteRecovery"
    prepared.run("1ms")
    error = error_of(lambda: read(prepared, path))
    assert (error.code, "2014-10-06T09:00:00+09:00" in error.cause) == (900826, True)
    new = prepared.vault.generate_key(tmp_path)
    assert read(prepared, new) == "MySiteRecovery"
    with labkit.open(early) as lab:  # in which that key is not made yet
        assert read(lab, path) == "MySiteRecovery"
        assert error_of(lambda: read(lab, new)).code == 900826


@pytest.mark.rule("2.5-4")
def test_no_other_file_is_overwritten(prepared: Lab, tmp_path: Path) -> None:
    """An earlier key of the same vault gives way; a key of another vault, or anything else, stays as it is."""
    mine, notes = tmp_path / "my.VaultCredentials", tmp_path / "notes.txt"
    assert prepared.vault.generate_key(mine) == mine
    prepared.run("1h")
    before = mine.read_bytes()
    prepared.vault.generate_key(mine)
    assert mine.read_bytes() != before
    prepared.azure.create_vault("Other", "East Asia")
    notes.write_text("mine", encoding="utf-8")
    kept = mine.read_bytes()
    assert error_of(lambda: prepared.vault.generate_key(mine, vault="Other")).code == 900824
    assert error_of(lambda: prepared.vault.generate_key(notes)).code == 900824
    assert error_of(lambda: prepared.vault.generate_key(tmp_path / "missing" / "key")).code == 900824
    assert (mine.read_bytes(), notes.read_text("utf-8")) == (kept, "mine")


@pytest.mark.rule("2.5-4")
def test_damaged_keys(prepared: Lab, tmp_path: Path) -> None:
    """Whatever character of it is changed, a key is refused as damaged; so are other files, and another lab's key."""
    path = prepared.vault.generate_key(tmp_path)
    text = path.read_text("utf-8")
    for position in [place for place in range(0, len(text), 7) if not text[place].isspace()]:
        broken = text[:position] + ("0" if text[position] != "0" else "1") + text[position + 1 :]
        path.write_text(broken, encoding="utf-8")
        assert error_of(lambda: read(prepared, path)).code == 900825, broken
    for content in ("", "{}", "[]", "null", '"key"', "\u3042", "[" * 60_000, " " * 70_000, text[:100]):
        path.write_text(content, encoding="utf-16" if content == "\u3042" else "utf-8")
        assert error_of(lambda: read(prepared, path)).code == 900825
    assert error_of(lambda: read(prepared, tmp_path)).code == 900825
    assert error_of(lambda: read(prepared, tmp_path / "nothing")).code == 900825
    (tmp_path / "two").mkdir()
    with new_lab(tmp_path / "two", QUIET, stage="prepared", seed=2) as other:
        assert error_of(lambda: read(prepared, other.vault.generate_key(tmp_path / "theirs"))).code == 900825


@pytest.mark.rule("2.5-4")
def test_a_key_of_a_vault_that_is_gone(prepared: Lab, tmp_path: Path) -> None:
    """Not even a new vault of the same name takes it."""
    path = prepared.vault.generate_key(tmp_path)
    prepared.vault.delete(wait=True)
    assert error_of(lambda: read(prepared, path)).code == 900827
    prepared.azure.create_vault("MySiteRecovery", "East Asia")
    assert error_of(lambda: read(prepared, path)).code == 900827
    assert error_of(lambda: prepared.vault.generate_key(path)).code == 900824
    assert read(prepared, prepared.vault.generate_key(tmp_path / "new")) == "MySiteRecovery"


def test_what_can_be_set_up(prepared: Lab) -> None:
    """Three deployments, the guide's first; the VMware one leads to InMage Scout and has no steps."""
    assert [(row.name, row.opens) for row in prepared.vault.setups] == [
        ("azure", "steps"),
        ("sites", "steps"),
        ("vmware", "scout"),
    ]
    assert "InMage Scout" in prepared.vault.setups[2].note


# --- what protection needs of Azure -----------------------------------------------------------------------------------


@pytest.mark.rule("2.5-5", "2.7-2")
def test_the_storage_account_of_a_cloud(registered: Lab) -> None:
    """Another region, locally or zone redundant, or not there: refused at the call, and nothing changed; then taken."""
    create = registered.azure.create_storage
    create("elsewhere", "Japan East", "GRS")
    create("local", "East Asia", "LRS")
    create("zone", "East Asia", "ZRS")
    create("readable", "East Asia", "RA-GRS")
    before = registered.events_digest
    codes = {"elsewhere": 900828, "local": 900829, "zone": 900829, "nothing": 900010}
    for name, code in codes.items():
        error = error_of(lambda n=name: registered.vault.configure_protection(storage=n))  # type: ignore[misc]
        assert error.code == code
    error = error_of(lambda: registered.vault.configure_protection(storage="elsewhere"))
    assert ("Japan East" in error.message, "East Asia" in error.message) == (True, True)
    assert registered.events_digest == before
    assert [job.scenario for job in registered.jobs.values()] == ["RegisterDra"]
    job = registered.vault.configure_protection(storage="readable")
    assert error_of(lambda: registered.azure.delete_storage("readable")).code == 900524  # the job is under way
    registered.wait(job)
    assert job.state == "Succeeded"
    assert error_of(lambda: registered.azure.delete_storage("readable")).code == 900524
    registered.azure.delete_storage("mysiterecovery")


@pytest.mark.rule("2.5-6", "2.5-7")
def test_the_network_of_a_mapping(registered: Lab) -> None:
    """A virtual network of another region is refused at the call; a closed one in the vault's region serves."""
    registered.azure.quick_network("Tokyo", "Japan East")
    registered.azure.quick_network("Dummy", "East Asia")
    before = registered.events_digest
    error = error_of(lambda: registered.vault.map_network(target="Tokyo"))
    assert (error.code, "Japan East" in error.message) == (900828, True)
    assert registered.events_digest == before
    job = registered.vault.map_network(target="Dummy")
    assert error_of(lambda: registered.azure.delete_network("Dummy")).code == 900524
    registered.wait(job)
    assert facts(registered, "network.mapped")[0]["to"] == "Dummy"


@pytest.mark.rule("2.5-7")
@pytest.mark.parametrize("region", JAPAN)
def test_all_of_it_in_japan(empty: Lab, region: str) -> None:
    """Vault, storage and network made in Japan East, or all in Japan West: a failover by a learner's own calls."""
    empty.azure.create_vault("Vault", region)
    empty.azure.create_storage("mysiterecovery", region)
    empty.azure.quick_network("AzureNetwork", region)
    empty.vault.register_server(wait=True)
    empty.vault.configure_protection(wait=True)
    empty.vault.map_network(wait=True)
    empty.vault.enable_protection("QUIET", wait=True)
    empty.wait(empty.vault.items["QUIET"])
    empty.vault.planned_failover("QUIET", wait=True)
    empty.run("10min")
    assert empty.azure.machines["QUIET"].state == "Running"
    assert empty.azure.quotas["cores"].used == 1
    assert empty.verify() == []


def test_a_mixture_is_refused(empty: Lab) -> None:
    """A vault in Japan West beside storage in Japan East: the secondary region is not the region."""
    empty.azure.create_vault("Vault", "Japan West")
    empty.azure.create_storage("mysiterecovery", "Japan East")
    empty.azure.quick_network("AzureNetwork", "Japan East")
    empty.vault.register_server(wait=True)
    assert error_of(empty.vault.configure_protection).code == 900828
    assert error_of(empty.vault.map_network).code == 900828


# --- suspended --------------------------------------------------------------------------------------------------------


def _on_trial(folder: Path, *vms: str, **site: str) -> Lab:
    """A site protected within a trial that began on 2014-10-01 at 09:00."""
    lab = new_lab(folder, *vms, stage="start", **site)
    lab.azure.sign_up(*MEMBER)
    _site_ready(lab)
    lab.azure.create_vault("MySiteRecovery", "East Asia")
    lab.azure.create_storage("mysiterecovery", "East Asia", "RA-GRS")
    lab.azure.quick_network("AzureNetwork", "East Asia")
    lab.vault.register_server(wait=True)
    lab.vault.configure_protection(wait=True)
    lab.vault.map_network(wait=True)
    for vm in list(lab.site.machines):
        lab.vault.enable_protection(vm)
    for vm in list(lab.site.machines):
        lab.wait(lab.vault.items[vm])
    return lab


@pytest.fixture(scope="module")
def _trial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with _on_trial(tmp_path_factory.mktemp("trial"), SHOP, QUIET, BUSY, CALM) as lab:
        return lab.path


@pytest.fixture
def on_trial(_trial: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """SHOP, QUIET, BUSY and CALM protected; the credit is used up when it is looked at first, on 2 October at 09:00."""
    monkeypatch.setattr(trial, "used", lambda *_: Fraction(20_500))
    with _own(_trial, tmp_path) as lab:
        yield lab


def relations(lab: Lab) -> dict[str, tuple[str, int]]:
    """What is in the way of each VM's replication, and how many attempts failed."""
    return lab.read(lambda world: {r.id: (r.error, r.failed) for r in world.all(Relation)})


@pytest.mark.rule("2.2-2", "2.2-3")
def test_services_are_off_and_come_back(on_trial: Lab) -> None:
    """Azure's VMs stop, a test VM too, and nothing is replicated or tried; with the upgrade all is as it was."""
    on_trial.vault.planned_failover("SHOP", wait=True)
    on_trial.vault.test_failover("QUIET")
    on_trial.run(until="2014-10-02T08:59:59+09:00")
    on = {name: machine.state for name, machine in on_trial.azure.machines.items()}
    assert on == {"SHOP": "Running", "QUIET-test": "Running"}
    on_trial.run("1s")
    assert {machine.state for machine in on_trial.azure.machines.values()} == {"Off"}
    cycles = len(facts(on_trial, "cycle"))
    on_trial.run("2h")
    assert len(facts(on_trial, "cycle")) == cycles
    assert relations(on_trial)["CALM"] == ("subscription", 1)
    assert on_trial.vault.items["CALM"].health == "Critical"
    assert on_trial.site.machines["CALM"].state == "Running"
    assert on_trial.verify() == []
    on_trial.azure.upgrade()
    on_trial.run("1h")
    assert {name: machine.state for name, machine in on_trial.azure.machines.items()} == on
    assert [on_trial.vault.items[vm].health for vm in ("CALM", "QUIET")] == ["Normal", "Normal"]
    assert relations(on_trial)["CALM"] == ("", 0)
    assert len(facts(on_trial, "cycle")) > cycles + 20
    on_trial.vault.complete_test("QUIET")
    on_trial.vault.commit("SHOP", wait=True)
    on_trial.run("10min")
    assert list(on_trial.azure.machines) == ["SHOP"]
    assert on_trial.verify(full=True) == []


def test_a_long_suspension_ends_in_a_comparison(on_trial: Lab) -> None:
    """The log of a busy VM has grown too large meanwhile: it is compared in the next night's hours, not before."""
    on_trial.run("2d")
    assert facts(on_trial, "resync.required", "BUSY")[0]["reason"] == "log full"
    assert facts(on_trial, "resync.started") == []
    on_trial.azure.upgrade()
    assert error_of(lambda: on_trial.vault.planned_failover("BUSY")).code == 900501
    on_trial.run("1d")
    assert on_trial.vault.items["BUSY"].health == "Normal"
    assert on_trial.verify(full=True) == []


@pytest.mark.rule("2.2-2")
def test_everything_is_refused_meanwhile(on_trial: Lab, tmp_path: Path) -> None:
    """Failovers, set-up and teardown in the vault and Azure's own services: 900806 each, and nothing changed."""
    on_trial.run(until="2014-10-02T09:00:00+09:00")
    vault, azure, before = on_trial.vault, on_trial.azure, on_trial.events_digest
    refused = [
        lambda: vault.test_failover("QUIET"),
        lambda: vault.planned_failover("QUIET"),
        lambda: vault.unplanned_failover("QUIET"),
        lambda: vault.disable_protection("QUIET"),
        lambda: vault.change_protection(frequency="15min"),
        vault.configure_protection,
        vault.release_cloud,
        vault.register_server,
        vault.unregister_server,
        vault.delete,
        vault.map_network,
        lambda: vault.enable_protection("QUIET"),
        lambda: vault.generate_key(tmp_path),
        lambda: vault.set_target("QUIET", size="M"),
        lambda: vault.look_into("QUIET"),
        lambda: on_trial.site.vmm.send_cloud("OnPremise Cloud", on=False),
        lambda: azure.create_vault("Vault", "East Asia"),
        lambda: azure.raise_quota("cores", 30),
        lambda: azure.delete_network("AzureNetwork"),
    ]
    assert [error_of(work).code for work in refused] == [900806] * len(refused)
    assert on_trial.events_digest == before


@pytest.mark.rule("2.2-3")
@pytest.mark.parametrize("operation", ["planned_failover", "unplanned_failover", "failback", "disable_protection"])
def test_a_job_stands_still_and_goes_on(on_trial: Lab, operation: str) -> None:
    """A job that is under way when the services stop is at the same task days later, and ends after the upgrade."""
    if operation == "failback":
        on_trial.vault.planned_failover("SHOP", wait=True)
        on_trial.vault.commit("SHOP", wait=True)
    on_trial.run(until="2014-10-02T08:59:55+09:00")
    job = getattr(on_trial.vault, operation)("SHOP", **({"synchronise": "during"} if operation == "failback" else {}))
    on_trial.run("3d")
    where = on_trial.read(lambda world: world.get(JobRecord, job.id).step)
    assert job.state == "InProgress"
    assert error_of(lambda: on_trial.wait(job)).code == 900541
    assert on_trial.read(lambda world: world.get(JobRecord, job.id).step) == where
    assert on_trial.verify() == []
    on_trial.azure.upgrade()
    on_trial.wait(job)
    assert job.state == "Succeeded"
    on_trial.run("1h")
    assert on_trial.verify(full=True) == []
    ends = {
        "planned_failover": "PlannedCommitPending",
        "unplanned_failover": "UnplannedCommitPending",
        "failback": "FailbackCommitPending",
        "disable_protection": "Unprotected",
    }
    assert state_of(on_trial, "SHOP") == ends[operation]


def test_initial_replication_stands_still_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has arrived of it is kept: after the upgrade the rest is sent."""
    with _on_trial(tmp_path, QUIET, bandwidth="1Mbps") as lab:
        # A protected VM costs 54 USD a month, a dollar 112 yen; of storage nobody has a price.
        assert lab.azure.subscription.credit_left == int(20_500 - Fraction(54 * 112, 31))  # type: ignore[union-attr]
        lab.vault.disable_protection("QUIET", wait=True)
        monkeypatch.setattr(trial, "used", lambda *_: Fraction(20_500))
        lab.run(until="2014-10-02T08:58:30+09:00")
        lab.vault.enable_protection("QUIET", wait=True)
        lab.run("3d")
        assert lab.vault.items["QUIET"].description == "Initial replication in progress"
        assert lab.verify() == []
        lab.azure.upgrade()
        lab.wait(lab.vault.items["QUIET"])
        assert lab.vault.items["QUIET"].state == "Protected"
        assert lab.verify(full=True) == []


def test_replication_between_hosts_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain Hyper-V Replica needs no Azure: its cycles go on while the subscription is suspended."""
    path = tmp_path / "two.yml"
    path.write_text(f"site: two\nreplica_site: {{hosts: [HV11]}}\nvms:\n  - {CALM}\n", encoding="utf-8")
    monkeypatch.setattr(trial, "used", lambda *_: Fraction(20_500))
    with labkit.create(tmp_path / "two.lab", site=path) as lab:
        lab.azure.sign_up(*MEMBER)
        lab.hyperv.enable("CALM")
        lab.hyperv.wait("CALM")
        lab.run("1d")
        assert lab.azure.subscription.state == "Suspended"  # type: ignore[union-attr]
        cycles = len(facts(lab, "cycle"))
        lab.run("1h")
        assert len(facts(lab, "cycle")) == cycles + 12
        assert facts(lab, "replication.failed") == []


def test_a_trainer_cannot_lift_a_suspension(on_trial: Lab) -> None:
    """It is no obstacle that is put in the way or cleared, and trying again at the host only fails again."""
    on_trial.run(until="2014-10-02T10:00:00+09:00")
    assert error_of(lambda: on_trial.faults.clear("subscription")).code == 900562
    on_trial.site.resume_replication("CALM")
    assert relations(on_trial)["CALM"] == ("subscription", 2)


def test_whose_jobs_stand_still() -> None:
    """The vault's; jobs of VMM itself are marked in the table of jobs."""
    assert all(suspension.of_vault(name) for name in ("RegisterDra", "EnableDr", "PlannedFailover", "Failback"))
