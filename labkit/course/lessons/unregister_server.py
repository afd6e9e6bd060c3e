"""4.3: the VMM server out of the vault, provider and agent off the servers."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.course import looks
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import CONTOSO
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab


def _begins(lab: Lab) -> Iterator[Seen]:
    yield looks.registered(lab, "MySiteRecovery")
    yield looks.cloud_free(lab, "OnPremise Cloud")
    yield looks.equal(_("protected VMs"), list(lab.vault.items), [], looks.ITEMS)
    yield looks.job_done(lab, "DissociateProtectionProfile", "OnPremise Cloud")


def _server_off(lab: Lab) -> None:
    lab.site.stop_server("SC01")


def _unregistered(lab: Lab) -> Iterator[Seen]:
    found = [server for vault in lab.azure.vaults.values() for server in vault.servers]
    yield looks.equal(_("VMM servers in the vault"), found, [], looks.SERVERS)


def _unregister(lab: Lab) -> None:
    lab.vault.unregister_server("SC01", reason="no-longer-needed", wait=True)


def _uninstalled(lab: Lab) -> Iterator[Seen]:
    yield from _unregistered(lab)
    left = [one.name for one in lab.leftovers() if one.kind == "server settings"]
    yield looks.equal(_("servers with settings of an earlier registration"), left, [], looks.LEFT)
    for server, product in (("SC01", "Azure Site Recovery Provider"), ("HV01", "Azure Recovery Services Agent")):
        found = [one for one in lab.site.server(server).software if one.startswith(product)]
        yield looks.equal(_("{product} on {server}").format(product=product, server=server), found, [], looks.SITE)


def _uninstall(lab: Lab) -> None:
    if not lab.site.server("SC01").running:
        lab.site.start_server("SC01")
    if any(one.kind == "server settings" for one in lab.leftovers()):
        lab.site.clean_up_registration("SC01")
    if any("Provider" in one for one in lab.site.server("SC01").software):
        lab.site.uninstall_provider("SC01")
    if any("Agent" in one for one in lab.site.server("HV01").software):
        lab.site.uninstall_agent("HV01")


LESSON = Lesson(
    slug="unregister-server",
    number="4.3",
    title=mark("The server unregistered"),
    heading="サーバーの登録解除",
    track=CONTOSO,
    after="release-cloud",
    rules=("4.3-1",),
    begins=_begins,
    minutes=5,
    steps=(
        Step(
            slug="unregister",
            title=mark("Take the VMM server out of the vault"),
            hint=mark(
                "Resources > Servers > Remove; lab.vault.unregister_server. lab.vault.unregister_reasons is the list."
            ),
            check=_unregistered,
            solution=_unregister,
            trouble=_server_off,
            symptom=mark("SC01 does not answer any more."),
        ),
        Step(
            slug="uninstall",
            title=mark("Uninstall the provider and the agent"),
            hint=mark(
                "A server that was removed while it could not be reached has settings left: start it, run the clean-up"
                " script (lab.site.clean_up_registration), then uninstall."
            ),
            check=_uninstalled,
            solution=_uninstall,
        ),
    ),
)
