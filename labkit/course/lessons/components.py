"""2.6: the provider on the VMM server, the agent on the host."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.course import looks
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import CONTOSO
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab

VAULT = "MySiteRecovery"


def _begins(lab: Lab) -> Iterator[Seen]:
    yield looks.in_cloud(lab, "OnPremise Cloud", "MYWSV01", "MYBSD01", "MYWSV02")
    yield looks.equal(_("vaults"), list(lab.azure.vaults), [VAULT], looks.VAULTS)
    yield looks.look("AzureNetwork" in lab.azure.networks, "AzureNetwork", lab.azure.networks, looks.VNETS)
    yield looks.look("mysiterecovery" in lab.azure.storage, "mysiterecovery", lab.azure.storage, looks.STORAGE)
    yield looks.vmm_runs(lab)


def _provider(lab: Lab) -> Iterator[Seen]:
    yield looks.has_software(lab, "SC01", "Azure Site Recovery Provider")
    yield looks.registered(lab, VAULT)
    yield looks.vmm_runs(lab)


def _install_provider(lab: Lab) -> None:
    key = lab.vault.generate_key(lab.path.parent)
    lab.site.install_provider(key, wait=True)


def _cloud_sent(lab: Lab) -> object:
    return [row.name for row in lab.vault.clouds]


def _agent(lab: Lab) -> Iterator[Seen]:
    yield looks.has_software(lab, "HV01", "Azure Recovery Services Agent")


def _install_agent(lab: Lab) -> None:
    lab.site.install_agent("HV01")


def _need_proxy(lab: Lab) -> None:
    lab.site.need_proxy("HV01", address="proxy.demo.contoso.com", port=8080)


def _proxy(lab: Lab) -> Iterator[Seen]:
    yield looks.agent_knows_proxy(lab, "HV01")


def _set_proxy(lab: Lab) -> None:
    lab.site.agent_proxy("HV01", "proxy.demo.contoso.com", 8080)


LESSON = Lesson(
    slug="components",
    number="2.6",
    title=mark("Provider and agent"),
    heading="Azure Site Recovery のオンプレミス側コンポーネントの展開",
    track=CONTOSO,
    after="azure-services",
    rules=("2.6-1", "2.6-2", "2.6-3", "2.6-4", "2.6-5", "2.6-6", "2.6-7", "2.6-8"),
    begins=_begins,
    minutes=10,
    steps=(
        Step(
            slug="register-server",
            title=mark("Install the provider on the VMM server and register it with the vault"),
            hint=mark("lab.site.install_provider takes the key file that lab.vault.generate_key has saved."),
            check=_provider,
            solution=_install_provider,
        ),
        Step(
            slug="sent-clouds",
            title=mark("Which clouds of VMM does the vault know now?"),
            hint=mark("It knows those that were sent to it, all at once or one by one: lab.vault.clouds."),
            answer=_cloud_sent,
        ),
        Step(
            slug="install-agent",
            title=mark("Install the agent on the host"),
            hint=mark(
                "Each host that replicates to Azure needs it: lab.site.install_agent. Its last page is for Azure"
                " Backup."
            ),
            check=_agent,
            solution=_install_agent,
        ),
        Step(
            slug="agent-proxy",
            title=mark("The network team has put the host behind a proxy: let the agent know"),
            hint=mark("The agent's console on the host has it: lab.site.agent_proxy(host, address, port)."),
            check=_proxy,
            solution=_set_proxy,
            trouble=_need_proxy,
            optional=True,
        ),
    ),
)
