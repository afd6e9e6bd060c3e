"""The list of protected items as a table, in the words of the portal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import labkit
from labkit import views
from labkit.engine import texts
from labkit.lab import Lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """The protected evaluation site."""
    with labkit.create(tmp_path / "contoso.lab", stage="protected") as made:
        yield made


@pytest.mark.rule("2.8-3", "3.4-3")
def test_the_list_says_where_each_vm_is_active(lab: Lab) -> None:
    """At the site it is the cloud's name, after a failover Microsoft Azure; health and failover state in words."""
    lab.vault.planned_failover("MYBSD01", wait=True)
    found = views.items(lab).set_index("vm")
    assert list(found.active) == ["Microsoft Azure", "OnPremise Cloud"]
    assert list(found.failover) == ["Commit pending", "Ready"]
    assert set(found.replication) == {"Protected - OK"}
    lab.vault.commit("MYBSD01", wait=True)
    texts.set_language("ja")
    assert list(views.items(lab).failover) == ["準備完了", "準備完了"]
