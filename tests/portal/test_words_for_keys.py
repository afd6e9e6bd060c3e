"""What the lab names by keys has words for a person: on the pages, in dialogs and in what commands give back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import labkit
from labkit.course import catalogue, stages
from labkit.engine import resources, texts
from labkit.engine.errors import word
from tests.portal.clicks import Person, visits
from tests.portal.labs import all_kinds

SECTIONS = {
    "role": "roles", "quota": "quotas", "severity": "severities", "level": "levels", "vpn": "vpns",
    "subscription_plan": "subscription_plans", "vault_kind": "vault_kinds", "leftover": "leftovers",
}  # fmt: skip


@pytest.fixture
def japanese() -> Iterator[None]:
    texts.set_language("ja")
    yield
    texts.set_language(None)


def _shown(person: Person) -> Iterator[str]:
    """The texts of the cells of a page's tables and lists of facts."""
    for block in person.seen["blocks"]["changed"].values():
        for row in block["rows"] if block["kind"] in ("facts", "table") else ():
            for cell in row["cells"] if isinstance(row, dict) else row:
                yield cell["text"] if isinstance(cell, dict) else cell


def test_no_page_shows_a_key(japanese: None, tmp_path: Path) -> None:
    """In Japanese no cell of any page is a key for which there is a word."""
    table = resources.yaml("states.yml")
    keys = {key for kind, section in SECTIONS.items() for key in table[section] if word(kind, key) != key}
    keys |= {"now", "5min", "crash-consistent", "application-consistent"}
    seen: set[str] = set()
    for lab in all_kinds(tmp_path).values():
        with lab:
            for person in visits(lab):
                seen.update(_shown(person))
    assert seen & keys == set()
    assert {"従量課金制", "ドメイン コントローラー", "5 分", "すぐに", "コア"} <= seen


def test_the_requirements_are_told_in_words(japanese: None, tmp_path: Path) -> None:
    """Each rule's row says whether the VM fulfils it, and what is wrong in the words of the lab's own error."""
    with labkit.create(tmp_path / "a.lab", stage="registered") as lab:
        lab.site.vmm.create_vm("SHARED01", "Windows Server 2012 R2", generation=2, cloud="OnPremise Cloud")
        expected = lab.vault.check("SHARED01")
        person = Person(lab).go("site", "vmm")
        person.choose("vms", "SHARED01").does("vault.check")
        [table] = person.seen["result"]
        assert table["columns"] == ["規則", "重大度", "コード", "メッセージ"]
        rows = [row["cells"] for row in table["rows"]]
        wrong = [one for one in expected if one.error is not None]
        assert wrong
        assert [row[3] for row in rows if row[2] != "-"] == [one.error.message for one in wrong if one.error]
        assert {row[2] for row in rows} == {"-", *(str(one.code) for one in wrong)}
        assert {"適合", "不適合"} <= {row[1] for row in rows} <= {"適合", "警告", "不適合", "不明"}


def test_statistics_of_a_time_are_those_of_the_health_page(japanese: None, tmp_path: Path) -> None:
    """The answer has the heads of the window Replication Health, and the time that was asked for."""
    with labkit.create(tmp_path / "a.lab", stage="protected") as lab:
        lab.run("2h")
        person = Person(lab).go("site", "hyperv").choose("vms", "MYWSV01")
        heads = [row[0] for row in person.block("health")["rows"]]
        started = lab.status()["clock"]["started"]
        person.does("site.replication", begin=started, end=lab.now)
        told = dict(person.seen["result"][0]["rows"])
        assert list(told) == heads
        counted = lab.site.replication("MYWSV01", begin=started, end=lab.now)
        assert told[heads[9]].startswith(str(counted.successful_count))
        begin, end = (lab.show_instant(ms)[:19] for ms in (counted.monitoring_start, counted.monitoring_end))
        assert told[heads[4]] == f"{begin} - {end}".replace("T", " ")


def test_what_a_command_gives_back_has_words(japanese: None, tmp_path: Path) -> None:
    """The basis in the licence checklist is told in words; in the library it is a key."""
    with labkit.create(tmp_path / "a.lab", stage="protected") as lab:
        person = Person(lab).go("azure")
        person.does("azure.licence_checklist", products="SQL Server 2012 SP1\nContoso ERP 7")
        [table] = person.seen["result"]
        assert [row["cells"][1] for row in table["rows"]] == ["ソフトウェア アシュアランス", "要確認"]
        bases = [one.basis for one in lab.azure.licence_checklist(["SQL Server 2012 SP1", "Contoso ERP 7"])]
        assert bases == ["software assurance", "check"]


def test_failovers_and_targets_name_the_operation(japanese: None, tmp_path: Path) -> None:
    """The page Failovers and targets says which failover it was as the buttons do."""
    with labkit.create(tmp_path / "a.lab", stage="protected") as lab:
        lab.vault.set_objectives("MYWSV01", rto="30min")
        lab.vault.planned_failover("MYWSV01", wait=True)
        person = Person(lab).go("lab")
        assert {row["cells"][1] for row in person.block("lost")["rows"]} == {"計画されたフェールオーバー"}
        assert {row["cells"][1] for row in person.block("objectives")["rows"]} == {"計画されたフェールオーバー"}


def test_settings_of_a_cloud_have_words(japanese: None, tmp_path: Path) -> None:
    """Of a cloud that is protected to Azure, and of one that is to another cloud: no name or value is its key."""
    with labkit.create(tmp_path / "azure.lab", stage="protected") as lab:
        told = dict(Person(lab).go("items", "OnPremise Cloud", "settings").block("settings")["rows"])
        assert (told["コピーの頻度"], told["レプリケーションの開始時刻"]) == ("5 分", "すぐに")
    with stages.new(tmp_path / "pair.lab", "two-solutions") as lab:
        for act in stages.lasting(catalogue.step("pair-clouds")[1]):
            act(lab)
        settings = lab.vault.settings("Primary Cloud")
        assert {"authentication", "initial", "points", "port"} <= set(settings)
        told = dict(Person(lab).go("items", "Primary Cloud", "settings").block("settings")["rows"])
        assert len(told) == len(settings)
        assert not set(told) & set(settings)
        assert {"証明書", "ネットワーク経由"} <= set(told.values())
        assert not {"certificate", "network", "kerberos"} & set(told.values())
