"""2.5: vault, storage account, virtual network, and the registration key."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.course import looks
from labkit.course.answers import Wanted
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import CONTOSO
from labkit.engine import units
from labkit.engine.errors import word
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab

VAULT, STORAGE, NETWORK, REGION = "MySiteRecovery", "mysiterecovery", "AzureNetwork", "East Asia"
_KEY_DAYS = 5


def _begins(lab: Lab) -> Iterator[Seen]:
    yield looks.in_cloud(lab, "OnPremise Cloud", "MYWSV01", "MYBSD01", "MYWSV02")
    yield looks.equal(_("vaults"), list(lab.azure.vaults), [], looks.VAULTS)
    yield looks.equal(_("storage accounts"), lab.azure.storage, [], looks.STORAGE)
    yield looks.subscription_active(lab)


def _vault(lab: Lab) -> Iterator[Seen]:
    found = lab.azure.vaults
    yield looks.look(VAULT in found, _("there is the vault {name}").format(name=VAULT), list(found), looks.VAULTS)
    kind, wanted = (word("vault_kind", one) for one in (found[VAULT].kind, "site-recovery"))
    yield looks.equal(_("kind of the vault"), kind, wanted, looks.VAULTS)
    yield looks.equal(_("region of the vault"), found[VAULT].region, REGION, looks.VAULTS)


def _create_vault(lab: Lab) -> None:
    lab.azure.create_vault("MySiteRecovery", "East Asia")


def _storage(lab: Lab) -> Iterator[Seen]:
    found = lab.azure.storage_accounts
    expected = _("there is the storage account {name}").format(name=STORAGE)
    yield looks.look(STORAGE in found, expected, list(found), looks.STORAGE)
    yield looks.equal(_("region of the storage account"), found[STORAGE].region, REGION, looks.STORAGE)
    redundancy = found[STORAGE].redundancy
    expected = _("redundancy: {kinds}").format(kinds="GRS / RA-GRS")
    yield looks.look(redundancy in ("GRS", "RA-GRS"), expected, redundancy, looks.STORAGE)


def _create_storage(lab: Lab) -> None:
    lab.azure.create_storage("mysiterecovery", "East Asia", "GRS")


def _network(lab: Lab) -> Iterator[Seen]:
    found = lab.azure.virtual_networks
    expected = _("there is the virtual network {name}").format(name=NETWORK)
    yield looks.look(NETWORK in found, expected, list(found), looks.VNETS)
    yield looks.equal(_("region of the virtual network"), found[NETWORK].region, REGION, looks.VNETS)
    vpn = found[NETWORK].vpn and word("vpn", found[NETWORK].vpn)
    yield looks.equal(_("VPN of the virtual network"), vpn, word("vpn", "site-to-site"), looks.VNETS)


def _create_network(lab: Lab) -> None:
    lab.azure.create_network("AzureNetwork", "East Asia", "10.0.0.0/16", vpn="site-to-site")


# What a Japanese reader calls the regions of the guide.
_REGIONS = {mark("East Asia"), mark("Southeast Asia"), mark("Japan East"), mark("Japan West")}


def _pair(lab: Lab) -> object:
    found = lab.azure.storage_accounts.get(STORAGE)
    return None if found is None else Wanted(found.secondary, also=tuple(_REGIONS & {found.secondary or ""}))


def _key(lab: Lab) -> Iterator[Seen]:
    fact = looks.last_fact(lab, "key.generated", VAULT)
    expected = _("a registration key of the vault {name} that is younger than {days} days")
    place = (mark("Quick Start > Generate registration key file"), "lab.vault.generate_key(FOLDER)")
    made = 0 if fact is None else int(str(fact["at"]))
    seen = _("no key") if fact is None else _("the newest key is of {instant}").format(instant=lab.show_instant(made))
    young = fact is not None and lab.clock.ms - made < _KEY_DAYS * units.DAY
    yield looks.look(young, expected.format(name=VAULT, days=_KEY_DAYS), seen, place)


def _generate_key(lab: Lab) -> None:
    lab.vault.generate_key(lab.path.parent)


def _days_pass(lab: Lab) -> None:
    """A long week-end with the guests off: no orders pile up for the lessons after this one."""
    lab.site.stop_server("HV01")
    lab.run("6d")
    lab.site.start_server("HV01")
    lab.run("5min")


LESSON = Lesson(
    slug="azure-services",
    number="2.5",
    title=mark("Azure's side: vault, storage, network"),
    heading="Microsoft Azure 側の準備",
    track=CONTOSO,
    after="vms-to-protect",
    rules=("2.5-1", "2.5-2", "2.5-3", "2.5-4", "2.5-5", "2.5-6", "2.5-7", "2.5-8"),
    begins=_begins,
    minutes=10,
    steps=(
        Step(
            slug="create-vault",
            title=mark("Make the vault MySiteRecovery in East Asia"),
            hint=mark(
                "+New > Data Services > Recovery Services > Site Recovery vault > Quick Create; lab.azure.create_vault."
            ),
            check=_vault,
            solution=_create_vault,
        ),
        Step(
            slug="create-storage",
            title=mark("Make the geo-redundant storage account mysiterecovery in the vault's region"),
            hint=mark("lab.azure.create_storage; the redundancy GRS keeps three more copies in another region."),
            check=_storage,
            solution=_create_storage,
        ),
        Step(
            slug="second-region",
            title=mark("In which region are the other copies of the storage account?"),
            hint=mark("The account's page Configure has it: lab.azure.storage_accounts."),
            answer=_pair,
        ),
        Step(
            slug="create-network",
            title=mark("Make the virtual network AzureNetwork with a site-to-site VPN, in the same region"),
            hint=mark(
                'Custom Create: lab.azure.create_network with vpn="site-to-site". Quick Create makes a closed network.'
            ),
            check=_network,
            solution=_create_network,
        ),
        Step(
            slug="generate-key",
            title=mark("Generate the vault's registration key"),
            hint=mark("On Quick Start; in code lab.vault.generate_key with the folder to save it in."),
            check=_key,
            solution=_generate_key,
        ),
        Step(
            slug="expired-key",
            title=mark("The company was closed for a long week-end: is the key still good?"),
            hint=mark("A registration key is valid for five days. A new one can be made at any time."),
            check=_key,
            solution=_generate_key,
            trouble=_days_pass,
            optional=True,
        ),
    ),
)
