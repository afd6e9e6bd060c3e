"""The subscription: the sign-up in its order, the trial's month and credit, and the upgrade."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

import labkit
from labkit.azure import subscription, trial
from labkit.engine import units
from labkit.lab import Lab
from tests.recovery.labs import QUIET, error_of, facts, guesses, new_lab

ACCOUNT, PHONE, CARD = "admin@contoso.com", "090-1234-5678", "0000-1111-2222-3333"
CREDIT = 20_500  # yen; the guide, section 2.2
A7_DAY = Fraction("1.32") * 24 * 112  # yen for a day of an A7 with Windows


@pytest.fixture(scope="module")
def _bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with new_lab(tmp_path_factory.mktemp("bare"), QUIET, stage="start") as lab:
        return lab.path


@pytest.fixture
def bare(_bare: Path, tmp_path: Path) -> Iterator[Lab]:
    """A site, and an Azure nobody has signed up for."""
    with labkit.open(_bare, read_only=True) as lab:
        lab.copy(tmp_path / "bare.lab")
    with labkit.open(tmp_path / "bare.lab") as lab:
        yield lab


def run_a7(lab: Lab) -> None:
    """Facts as of an A7 that starts now in Azure: what a bill is counted from."""

    def work(world: object) -> None:
        world.fact("azure.vm.created", "azure/BIG", size="A7", os="Windows Server 2012 R2")  # type: ignore[attr-defined]
        world.fact("vm.started", "azure/BIG", run=999)  # type: ignore[attr-defined]

    lab.command("test", {}, work)


# --- signing up -------------------------------------------------------------------------------------------------------


@pytest.mark.rule("2.2-1")
def test_the_steps_have_an_order(bare: Lab) -> None:
    """Account, phone, card, subscription, sign-in: each step before its turn names the one that is missing."""
    azure = bare.azure
    assert "Microsoft account" in error_of(lambda: azure.confirm_phone(PHONE)).message
    assert "Microsoft account" in error_of(azure.sign_in).message
    azure.create_account(ACCOUNT)
    assert "phone" in error_of(lambda: azure.give_card(CARD)).message
    assert "phone" in error_of(azure.subscribe).message
    azure.confirm_phone(PHONE)
    error = error_of(azure.subscribe)
    assert (error.code, "credit card" in error.message) == (900800, True)
    azure.give_card(CARD)
    assert "subscription" in error_of(azure.sign_in).message
    assert azure.subscription is None
    azure.subscribe("trial")
    error = error_of(lambda: azure.create_vault("Vault", "East Asia"))
    assert (error.code, "sign-in" in error.message) == (900800, True)
    azure.sign_in()
    azure.create_vault("Vault", "East Asia")
    kinds = [fact["kind"] for fact in bare.facts][-6:]
    assert kinds[:4] == ["account.created", "account.confirmed", "account.identified", "subscription.created"]
    assert kinds[4:] == ["portal.signed_in", "vault.created"]


@pytest.mark.rule("2.2-1")
def test_all_at_once_is_the_same(bare: Lab) -> None:
    """One call does all the steps; whoever has an account and a subscription cannot sign up again."""
    found = bare.azure.sign_up(ACCOUNT, PHONE, CARD)
    assert (found.account, found.plan, found.state) == (ACCOUNT, "trial", "Active")
    again = [
        lambda: bare.azure.sign_up(ACCOUNT, PHONE, CARD),
        lambda: bare.azure.create_account("other@contoso.com"),
        bare.azure.subscribe,
    ]
    assert [error_of(work).code for work in again] == [900804] * 3
    bare.azure.create_vault("Vault", "Japan East")


@pytest.mark.rule("2.2-1")
@pytest.mark.parametrize(
    ("account", "phone", "card", "plan", "code"),
    [
        ("contoso", PHONE, CARD, "trial", 900820),
        ("", PHONE, CARD, "trial", 900820),
        (ACCOUNT, "", CARD, "trial", 900823),
        (ACCOUNT, None, CARD, "trial", 900063),
        (ACCOUNT, "090-1234", CARD, "trial", 900823),
        (ACCOUNT, "call me maybe", CARD, "trial", 900823),
        (ACCOUNT, PHONE, "", "trial", 900803),
        (ACCOUNT, PHONE, None, "trial", 900063),
        (ACCOUNT, PHONE, "0000-1111-2222-333", "trial", 900803),
        (ACCOUNT, PHONE, "4000-1111-2222-3333", "trial", 900803),
        (ACCOUNT, PHONE, CARD, "triel", 900805),
    ],
)
def test_what_a_sign_up_needs(bare: Lab, account: str, phone: str, card: str, plan: str, code: int) -> None:
    """An address, a phone, a card that cannot be real, a plan there is: otherwise refused, and none of it is done."""
    error = error_of(lambda: bare.azure.sign_up(account, phone, card, plan))
    assert error.code == code
    assert "4000" not in str(error)
    assert code != 900805 or guesses(error.cause, "trial")
    assert bare.azure.subscription is None
    bare.azure.sign_up(ACCOUNT, PHONE, CARD)


def test_phone_and_card_are_nowhere_in_the_file(bare: Lab) -> None:
    """Entities, facts and journal have the last four digits at most."""
    bare.azure.sign_up(ACCOUNT, PHONE, CARD)
    error_of(lambda: bare.azure.sign_up(ACCOUNT, PHONE, CARD))
    bare.close()
    for folder in (bare.path, bare.path.with_name(bare.path.name + "-wal")):
        content = folder.read_bytes() if folder.exists() else b""
        assert not [secret for secret in (PHONE, CARD, "1234-5678", "2222") if secret.encode() in content]


@pytest.mark.rule("2.2-1")
def test_nothing_in_azure_works_before(bare: Lab, tmp_path: Path) -> None:
    """Vault, storage, network, quota, key, deleting, registration: all 900800, and the world stays as it was."""
    azure, vault, before = bare.azure, bare.vault, bare.events_digest
    refused = [
        lambda: azure.create_vault("Vault", "East Asia"),
        lambda: azure.create_storage("storage", "East Asia"),
        lambda: azure.create_network("Network", "East Asia"),
        lambda: azure.quick_network("Network", "East Asia"),
        lambda: azure.raise_quota("cores", 40),
        lambda: azure.delete_storage("storage"),
        lambda: azure.delete_network("Network"),
        lambda: azure.delete_machine("QUIET"),
        azure.upgrade,
        lambda: vault.generate_key(tmp_path),
        lambda: vault.enable_protection("QUIET"),
        vault.delete,
    ]
    assert [error_of(work).code for work in refused] == [900800] * len(refused)
    assert bare.events_digest == before


def test_later_stages_have_one(tmp_path: Path) -> None:
    """What a class has done before is a pay-as-you-go subscription, made at the lab's first instant, without timers."""
    with new_lab(tmp_path, QUIET, stage="prepared") as lab:
        found = lab.azure.subscription
        assert found is not None
        assert (found.plan, found.state, found.credit_left, found.ends) == ("pay-as-you-go", "Active", None, None)
        assert facts(lab, "subscription.created")[0]["at"] == facts(lab, "lab.created")[0]["at"]
        assert not lab.read(lambda world: [t for t in world.timers.rows() if t.kind == subscription.CHECK])
        assert error_of(lab.azure.upgrade).code == 900808


# --- the trial --------------------------------------------------------------------------------------------------------


@pytest.mark.rule("2.2-2")
def test_the_trial_lasts_one_month(bare: Lab) -> None:
    """Signed up on 1 October at 09:00: usable to the last millisecond of that month, suspended on 1 November 09:00."""
    assert bare.now == "2014-10-01T09:00:00+09:00"
    found = bare.azure.sign_up(ACCOUNT, PHONE, CARD)
    assert (found.credit_left, found.ends) == (CREDIT, "2014-11-01T09:00:00+09:00")
    bare.run(until="2014-11-01T08:59:59.999+09:00")
    assert bare.azure.subscription.state == "Active"  # type: ignore[union-attr]
    bare.azure.create_storage("first", "East Asia")
    bare.run("1ms")
    assert bare.azure.subscription.state == "Suspended"  # type: ignore[union-attr]
    error = error_of(lambda: bare.azure.create_storage("second", "East Asia"))
    assert (error.code, "month" in error.message) == (900807, True)
    assert facts(bare, "subscription.suspended")[0]["reason"] == "month"
    assert bare.azure.storage == ["first"]


@pytest.mark.rule("2.2-2")
def test_a_month_ends_with_the_month(bare: Lab) -> None:
    """The same time of day a month later; where that day is missing, the last one of the month."""
    ends = {
        "2014-10-01T09:00:00+09:00": "2014-11-01T09:00:00+09:00",
        "2015-01-31T08:00:00+09:00": "2015-02-28T08:00:00+09:00",
        "2014-12-31T23:59:59+09:00": "2015-01-31T23:59:59+09:00",
        "2016-01-30T00:00:00+09:00": "2016-02-29T00:00:00+09:00",
    }
    for begin, end in ends.items():
        assert units.show_instant(subscription.months_later(units.instant(begin), 1, 540), 540) == end


@pytest.mark.rule("2.2-2")
def test_the_credit_is_20500_yen(bare: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A millionth of a yen less than 20,500 used: the services go on; 20,500 used: suspended at the next look."""
    bare.azure.sign_up(ACCOUNT, PHONE, CARD)
    monkeypatch.setattr(trial, "used", lambda *_: CREDIT - Fraction(1, 1_000_000))
    bare.run("1d")
    assert bare.azure.subscription[2:4] == ("Active", 0)  # type: ignore[index]
    monkeypatch.setattr(trial, "used", lambda *_: Fraction(CREDIT))
    bare.run("23h")
    assert bare.azure.subscription[2] == "Active"  # type: ignore[index]
    bare.run("1h")
    assert bare.azure.subscription[2:4] == ("Suspended", 0)  # type: ignore[index]
    error = error_of(lambda: bare.azure.quick_network("Network", "East Asia"))
    assert (error.code, "20,500" in error.message) == (900806, True)


@pytest.mark.rule("2.2-2")
def test_what_is_used_is_the_bill_in_yen(bare: Lab) -> None:
    """An A7 with Windows costs 1.32 USD an hour, a dollar is 112 yen: the sixth day is one too many for 20,500 yen."""
    bare.azure.sign_up(ACCOUNT, PHONE, CARD)
    run_a7(bare)
    for day in range(1, 6):
        bare.run("1d")
        assert bare.azure.subscription[2:4] == ("Active", int(CREDIT - day * A7_DAY))  # type: ignore[index]
    assert 5 * A7_DAY < CREDIT < 6 * A7_DAY
    bare.run("1d")
    assert bare.azure.subscription[2:4] == ("Suspended", 0)  # type: ignore[index]
    bare.run("60d")
    assert len(facts(bare, "subscription.suspended")) == 1


@pytest.mark.rule("2.2-2", "2.2-3")
def test_an_upgrade_ends_the_spending_limit(bare: Lab) -> None:
    """A trial that runs is upgraded: no credit and no end any more, and the dearest month does not stop it."""
    bare.azure.sign_up(ACCOUNT, PHONE, CARD)
    bare.azure.create_storage("kept", "East Asia")
    run_a7(bare)
    bare.run("3d")
    bare.azure.upgrade()
    assert bare.azure.subscription[1:] == ("pay-as-you-go", "Active", None, None)  # type: ignore[index]
    bare.run("60d")
    assert facts(bare, "subscription.suspended") == []
    assert bare.azure.storage == ["kept"]
    assert bare.verify() == []


@pytest.mark.rule("2.2-3")
def test_an_upgrade_after_the_end_keeps_the_configuration(bare: Lab) -> None:
    """A month after the end of the trial everything made in it is there again, and more can be made."""
    bare.azure.sign_up(ACCOUNT, PHONE, CARD)
    bare.azure.create_vault("Vault", "East Asia")
    bare.azure.create_storage("kept", "East Asia", "RA-GRS")
    bare.azure.create_network("Network", "East Asia", vpn="site-to-site")
    bare.azure.raise_quota("cores", 40)
    made = (bare.azure.vaults, bare.azure.storage_accounts, bare.azure.virtual_networks, bare.azure.quotas)
    bare.run("62d")
    assert error_of(lambda: bare.azure.delete_storage("kept")).code == 900807
    bare.azure.upgrade()
    assert made == (bare.azure.vaults, bare.azure.storage_accounts, bare.azure.virtual_networks, bare.azure.quotas)
    bare.azure.create_storage("more", "East Asia")
