"""4.4: the services in Azure deleted, until nothing is left that costs."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.course import looks
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import CONTOSO
from labkit.engine.errors import word
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab


def _begins(lab: Lab) -> Iterator[Seen]:
    yield looks.look("MySiteRecovery" in lab.azure.vaults, "MySiteRecovery", list(lab.azure.vaults), looks.VAULTS)
    found = [server for vault in lab.azure.vaults.values() for server in vault.servers]
    yield looks.equal(_("VMM servers in the vault"), found, [], looks.SERVERS)
    yield looks.look("mysiterecovery" in lab.azure.storage, "mysiterecovery", lab.azure.storage, looks.STORAGE)
    yield looks.in_azure(lab, "DC02")


def _no_vault(lab: Lab) -> Iterator[Seen]:
    yield looks.equal(_("vaults"), list(lab.azure.vaults), [], looks.VAULTS)


def _delete_vault(lab: Lab) -> None:
    lab.vault.delete("MySiteRecovery", wait=True)


def _no_disks(lab: Lab) -> Iterator[Seen]:
    found = [one.name for one in lab.leftovers() if one.kind == "disks"]
    yield looks.equal(_("replica disks that are left"), found, [], looks.LEFT)
    yield looks.equal(_("storage accounts"), lab.azure.storage, [], looks.STORAGE)


def _delete_storage(lab: Lab) -> None:
    for left in lab.leftovers():
        if left.kind == "disks":
            lab.azure.delete_disks(*left.name.split("/"))
    lab.azure.delete_storage("mysiterecovery")


def _no_network(lab: Lab) -> Iterator[Seen]:
    yield looks.equal(_("VMs in Azure"), list(lab.azure.machines), [], looks.AZURE_VMS)
    yield looks.equal(_("virtual networks"), lab.azure.networks, [], looks.VNETS)


def _delete_network(lab: Lab) -> None:
    if "DC02" in lab.azure.machines:
        lab.azure.delete_machine("DC02")
    lab.azure.delete_network("AzureNetwork")


def _forget(lab: Lab) -> None:
    lab.azure.create_storage("forgottenlogs", "East Asia")


def _nothing_left(lab: Lab) -> Iterator[Seen]:
    found = [f"{word('leftover', one.kind)} {one.name}" for one in lab.leftovers()]
    yield looks.look(not found, _("nothing is left that costs or is in the way"), found, looks.LEFT)


def _delete_rest(lab: Lab) -> None:
    for account in lab.azure.storage:
        lab.azure.delete_storage(account)


LESSON = Lesson(
    slug="delete-services",
    number="4.4",
    title=mark("The services deleted"),
    heading="クラウド サービスの削除",
    track=CONTOSO,
    after="unregister-server",
    rules=("4.4-1",),
    begins=_begins,
    minutes=8,
    steps=(
        Step(
            slug="delete-vault",
            title=mark("Delete the vault"),
            hint=mark("It has to be empty: lab.vault.delete."),
            check=_no_vault,
            solution=_delete_vault,
        ),
        Step(
            slug="delete-network",
            title=mark("Delete the VM DC02 and the virtual network"),
            hint=mark("lab.azure.delete_machine, lab.azure.delete_network: its VPN gateway costs by the hour."),
            check=_no_network,
            solution=_delete_network,
        ),
        Step(
            slug="delete-storage",
            title=mark("Delete the storage account, and what it still holds"),
            hint=mark(
                "A VM that was only taken out of the vault has left its replica disks, which cost:"
                " lab.azure.delete_disks first."
            ),
            check=_no_disks,
            solution=_delete_storage,
        ),
        Step(
            slug="nothing-left",
            title=mark("One thing more is left: find it, until nothing is"),
            hint=mark("lab.leftovers() lists what is left, and what to do about it."),
            check=_nothing_left,
            solution=_delete_rest,
            trouble=_forget,
            optional=True,
        ),
    ),
)
